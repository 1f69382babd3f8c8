/** Flags that say which images, and under which names; spread into the flags of the commands that take them. */
import * as Flags from '@oclif/core/flags';
import type { WantedOptions } from '../actions/image-names.ts';

const repeated = { multiple: true, multipleNonGreedy: true } as const;

/** Where the names of images come from, beside `--only`. */
export const imageNameFlags = {
  images: Flags.string({
    summary: 'A list of images, one name a line, or YAML. May be repeated.',
    helpValue: 'FILE',
    helpGroup: 'IMAGES',
    ...repeated,
  }),
  compose: Flags.string({
    summary:
      'The images of a compose file, or of the one in a folder. May be repeated; FILE:FILE are laid over one another.',
    helpValue: 'FILE',
    helpGroup: 'IMAGES',
    ...repeated,
  }),
  profile: Flags.string({
    summary:
      'An active profile of the compose files, * for all. May be repeated. [default: those of COMPOSE_PROFILES]',
    helpValue: 'NAME',
    helpGroup: 'IMAGES',
    dependsOn: ['compose'],
    ...repeated,
  }),
  'env-file': Flags.string({
    summary: 'Variables of the compose files. May be repeated. [default: .env beside each]',
    helpValue: 'FILE',
    helpGroup: 'IMAGES',
    dependsOn: ['compose'],
    ...repeated,
  }),
  kubernetes: Flags.string({
    summary: 'The images of Kubernetes manifests, a file or a folder. May be repeated.',
    helpValue: 'PATH',
    helpGroup: 'IMAGES',
    ...repeated,
  }),
};

/** Rules for names in a file. */
export const retagFileFlag = {
  'retag-file': Flags.string({
    summary:
      'Rules as for --retag, one a line, or YAML. May be repeated; rules of the command line come first.',
    helpValue: 'FILE',
    ...repeated,
  }),
};

/** The flags as an action wants them. */
export function wantedOptions(flags: {
  only?: string[];
  images?: string[];
  compose?: string[];
  profile?: string[];
  'env-file'?: string[];
  kubernetes?: string[];
}): WantedOptions {
  return {
    only: flags.only,
    imageFiles: flags.images,
    compose: flags.compose,
    profiles: flags.profile,
    envFiles: flags['env-file'],
    kubernetes: flags.kubernetes,
  };
}
