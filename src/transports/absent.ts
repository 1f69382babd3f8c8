/** Layers that a bundle leaves out: who has to have them, said before anything is moved. */
import type { Digest } from '../content/digest.ts';
import type { Reference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { formatBytes, plural } from '../support/format.ts';
import { mapLimit } from '../support/limit.ts';
import type { SourceImage, SourceLayer } from './source.ts';
import type { ImageTarget } from './target.ts';

/** A blob that is neither in a bundle nor in the bases that were named. */
export interface AbsentBlob {
  digest: Digest;
  /** Bytes. */
  size: number;
  /** What it is for: `layer 2 of site/app:1.0`. */
  use?: string | undefined;
  /** The bases that had it. */
  had: readonly string[];
}

/** Uses and bases named in an error. */
const SHOWN = 8;

/** The error for blobs that nobody has: which, for what, how many bytes, who had them. */
export function baseMissing(
  source: string,
  blobs: readonly AbsentBlob[],
  lacks = 'the target lacks them',
): AirferryError {
  const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
  const bases = Map.groupBy(
    blobs.flatMap(({ had, size }) => had.map(name => ({ name, size }))),
    ({ name }) => name,
  );
  const suggestions = [...bases].slice(0, SHOWN).map(([name, had]) => {
    const sum = had.reduce((total, { size }) => total + size, 0);
    return `${name} had ${had.length === blobs.length ? 'all' : had.length} of them, ${formatBytes(sum)}.`;
  });
  const shown = blobs
    .slice(0, SHOWN)
    .map(({ digest, size, use }) => `${use ?? digest}, ${formatBytes(size)}`);
  const more = blobs.length > SHOWN ? [`… and ${blobs.length - SHOWN} more`] : [];
  return new AirferryError(
    'BUNDLE_BASE_MISSING',
    `${source} leaves out ${plural(blobs.length, 'blob')} of ${formatBytes(bytes)} that would be needed, and ${lacks}`,
    {
      where: { blob: blobs[0]?.digest },
      suggestions: [
        ...suggestions,
        'Give a bundle or a layout that has them: --base FILE.',
        `Left out: ${[...shown, ...more].join('; ')}.`,
        'Or carry a whole bundle: airferry bundle create without --base and --receipt.',
      ],
    },
  );
}

/** Throws BUNDLE_BASE_MISSING where one of the layers is at nobody's hand. `uses` says by its key what a layer is for. */
export function refuseAbsent(
  source: string,
  layers: Iterable<SourceLayer>,
  lacks: string,
  uses?: ReadonlyMap<string, string>,
): void {
  const blobs = absentBlobs(layers, uses);
  if (blobs.length > 0) throw baseMissing(source, blobs, lacks);
}

/** The same for those of the layers that the target lacks too, at the homes where it is to have them. */
export async function refuseLost(
  source: string,
  layers: readonly SourceLayer[],
  target: ImageTarget,
  homesOf: (layer: SourceLayer) => readonly Reference[],
  uses: ReadonlyMap<string, string>,
): Promise<void> {
  const absent = layers.filter(layer => layer.absent);
  const there = await mapLimit(absent, target.concurrency, async layer => {
    if (!layer.descriptor) return false;
    return (await target.has?.(layer.descriptor, homesOf(layer))) ?? false;
  });
  const lost = absent.filter((_, i) => !there[i]);
  refuseAbsent(source, lost, `${target.description} lacks them`, uses);
}

/** Those of the layers that are at nobody's hand, each once. */
export function absentBlobs(layers: Iterable<SourceLayer>, uses?: ReadonlyMap<string, string>): AbsentBlob[] {
  const found = new Map<string, AbsentBlob>();
  for (const { key, absent, descriptor, size } of layers)
    if (absent && descriptor)
      found.set(key, { digest: descriptor.digest, size, had: absent, use: uses?.get(key) });
  return [...found.values()];
}

/** What each layer of images is for, by its key: `layer 2 of site/app:1.0`. */
export function usesOfLayers(
  images: Iterable<{ image: SourceImage; names: readonly string[] }>,
): Map<string, string> {
  const uses = new Map<string, string>();
  for (const { image, names } of images)
    image.layers.forEach(({ key }, i) => {
      if (names[0] !== undefined) uses.set(key, `layer ${i + 1} of ${names[0]}`);
    });
  return uses;
}
