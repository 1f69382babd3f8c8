/** Which binaries the publisher's static archive of each engine holds, and which engines a set of binaries can be. */
import { type EngineVersion, inRange, type VersionRange } from './version.ts';

export interface EngineLayout extends VersionRange {
  /** Binaries without which this engine does not run containers. */
  required: readonly string[];
  /** Binaries that some archives of this engine hold besides. */
  optional: readonly string[];
}

const ALWAYS = ['docker', 'dockerd', 'docker-init', 'docker-proxy'] as const;

/** Oldest first; together they cover every engine from 18.03 on, without gap or overlap. */
export const ENGINE_LAYOUTS: readonly EngineLayout[] = [
  {
    from: '18.03',
    until: '18.09',
    required: [
      ...ALWAYS,
      'docker-containerd',
      'docker-containerd-ctr',
      'docker-containerd-shim',
      'docker-runc',
    ],
    optional: [],
  },
  {
    from: '18.09',
    until: '20.10',
    required: [...ALWAYS, 'containerd', 'ctr', 'containerd-shim', 'runc'],
    // from about 19.03.14
    optional: ['containerd-shim-runc-v2'],
  },
  {
    from: '20.10',
    until: '23',
    required: [...ALWAYS, 'containerd', 'ctr', 'containerd-shim', 'containerd-shim-runc-v2', 'runc'],
    optional: [],
  },
  {
    from: '23',
    required: [...ALWAYS, 'containerd', 'ctr', 'containerd-shim-runc-v2', 'runc'],
    optional: [],
  },
];

/** A name that belongs to the engine's family, so that a binary which a later engine adds is installed as well. */
const FAMILY = /^(?:docker|dockerd|containerd|runc|ctr)(?:-[a-z0-9][a-z0-9.-]{0,60})?$/;

/** Whether a file of this name in the archive is one of the engine's binaries, to be installed and linked. */
export function isEngineBinary(name: string): boolean {
  return FAMILY.test(name);
}

/** The layout of an engine version; undefined before 18.03. */
export function layoutOf(version: EngineVersion | string): EngineLayout | undefined {
  return ENGINE_LAYOUTS.find(layout => inRange(version, layout));
}

/** What a layout requires and the names lack. */
export function missingFrom(names: Iterable<string>, layout: EngineLayout): string[] {
  const present = new Set(names);
  return layout.required.filter(name => !present.has(name));
}

/**
 * The layouts that a set of binaries satisfies, oldest first: those that explain every name if there are any, else
 * those that at least lack nothing. Empty when none is complete.
 */
export function matchingLayouts(names: readonly string[]): EngineLayout[] {
  const complete = ENGINE_LAYOUTS.filter(layout => missingFrom(names, layout).length === 0);
  const exact = complete.filter(layout =>
    names.every(name => layout.required.includes(name) || layout.optional.includes(name)),
  );
  return exact.length > 0 ? exact : complete;
}

/** `23 or newer`, `18.03 or newer, before 18.09`: the engines of a range, as an operator would say it. */
export function describeRange(range: VersionRange): string {
  if (range.until === undefined) return `${range.from} or newer`;
  return `${range.from} or newer, before ${range.until}`;
}
