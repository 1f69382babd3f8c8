/** What the tests of copies share: one copy from a path to a place in memory, under names of the plant's registry. */
import type { Reference } from '../../src/content/reference.ts';
import { formatReference } from '../../src/content/reference.ts';
import { Meter } from '../../src/support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../../src/transports/copy.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { StrictTarget } from './strict-target.ts';

export const REGISTRY = 'hub.company.com';

/** Every name keeps its path and goes to the plant's registry. */
export function toPlant(from: Reference[]): Reference[] {
  return from.map(name => ({ ...name, registry: REGISTRY }));
}

export interface Copied {
  report: CopyReport;
  target: StrictTarget;
  meter: Meter;
  /** What the target was asked during this copy alone. */
  log: string[];
}

/** Copy all images of an archive or layout. */
export async function copy(
  path: string,
  target = new StrictTarget(),
  options: Partial<CopyOptions> = {},
): Promise<Copied> {
  const meter = options.meter ?? new Meter();
  const before = target.log.length;
  const source = await openImageSource(path, { meter });
  try {
    const defaults = { names: toPlant, unnamed: false, compression: 'gzip' } as const;
    const report = await copyImages(source, target, { ...defaults, ...options, meter });
    return { report, target, meter, log: target.log.slice(before) };
  } finally {
    await source.close();
  }
}

/** `FROM → TO, present` for each image of a report, sorted. */
export function lines({ images }: CopyReport): string[] {
  return images
    .map(({ from, to, present }) => {
      const names = [from, to].map(list => list.map(formatReference).join(' ') || 'unnamed');
      return `${names.join(' → ')}${present ? ', present' : ''}`;
    })
    .sort();
}
