/** Flags of commands that move images: registries and how to speak to them, what comes along, what is renamed. */
import * as Flags from '@oclif/core/flags';
import type { Access } from '../actions/image-places.ts';
import { bundleFrom } from './flags.ts';

/** How registries are spoken to. */
export const registryAccessFlags = {
  'plain-http': Flags.boolean({
    summary: 'Speak HTTP to registries. Never done unless asked for.',
    helpGroup: 'REGISTRY',
    exclusive: ['ca'],
  }),
  ca: Flags.string({
    summary: "The certificate of the registry's CA, in PEM.",
    helpValue: 'FILE',
    helpGroup: 'REGISTRY',
  }),
  concurrency: Flags.integer({
    summary: 'Blobs under way at once. [default: 5]',
    helpValue: 'N',
    min: 1,
    max: 64,
    helpGroup: 'REGISTRY',
  }),
  'requests-per-second': Flags.integer({
    summary: 'Ask a registry no more often than this. [default: no limit]',
    helpValue: 'N',
    min: 1,
    max: 10_000,
    helpGroup: 'REGISTRY',
  }),
};

/** Where two registries may be meant. */
export const registryPairFlags = {
  'src-plain-http': Flags.boolean({
    summary: 'Speak HTTP to the registry that images come from.',
    helpGroup: 'REGISTRY',
  }),
  'dest-plain-http': Flags.boolean({
    summary: 'Speak HTTP to the registry that images go to.',
    helpGroup: 'REGISTRY',
  }),
};

export const createProjectsFlag = {
  'create-projects': Flags.boolean({
    summary: "Create Harbor's projects where they are missing.",
    helpGroup: 'REGISTRY',
  }),
};

export const platformFlag = {
  platform: Flags.string({
    summary: 'Only this platform, as linux/arm64. May be repeated. [default: all]',
    helpValue: 'OS/ARCH',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

export const referrersFlag = {
  referrers: Flags.boolean({ summary: 'Take signatures, SBOMs and attestations along.' }),
};

export const foreignLayersFlag = {
  'foreign-layers': Flags.boolean({
    summary: 'Take layers along that are meant to be fetched from elsewhere, if the registry holds them.',
    helpGroup: 'REGISTRY',
  }),
};

export const forceFlag = {
  force: Flags.boolean({ summary: 'Replace the file that is there.' }),
};

export const retagFlag = {
  retag: Flags.string({
    summary:
      'A rule for names, as rancher/*=hub.company.com/rancher/*. May be repeated; the first that matches counts.',
    helpValue: 'PATTERN=REPL',
    multiple: true,
    multipleNonGreedy: true,
  }),
};

/** The flags above, parsed; a command has some of them. */
export interface AccessFlags {
  'plain-http': boolean;
  'src-plain-http'?: boolean;
  'dest-plain-http'?: boolean;
  ca?: string;
  concurrency?: number;
  'requests-per-second'?: number;
  'create-projects'?: boolean;
  'foreign-layers'?: boolean;
  force?: boolean;
  base?: string[];
  parts?: string[];
}

/** What actions want to know of them. */
export function accessOf(flags: AccessFlags): Access {
  const both = flags['plain-http'];
  return {
    sourcePlainHttp: both || (flags['src-plain-http'] ?? false),
    targetPlainHttp: both || (flags['dest-plain-http'] ?? false),
    caFile: flags.ca,
    concurrency: flags.concurrency,
    requestsPerSecond: flags['requests-per-second'],
    createProjects: flags['create-projects'] ?? false,
    foreignLayers: flags['foreign-layers'] ?? false,
    overwrite: flags.force ?? false,
    from: bundleFrom(flags),
  };
}
