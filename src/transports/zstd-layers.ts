/**
 * Layers in zstd on their way into engines that do not read it. In an archive they go as plain tars; how large one is then
 * has to be known before it is sent, so it is read once for that. Where that cannot be, they are refused.
 */
import { AirferryError } from '../errors.ts';
import { decompress } from '../support/compress.ts';
import type { RandomSource, SourceLayer } from './source.ts';

/** The first engine, by its major version, that reads zstd. */
const ZSTD_SINCE = 23;

/** Bytes of unpacked layers by their keys: each host of a fleet asks for the same. */
const known = new WeakMap<RandomSource, Map<string, number>>();

/** Whether an engine of this major version reads layers in zstd. */
export function readsZstd({ major }: { major: number }): boolean {
  return major >= ZSTD_SINCE;
}

/** A layer as an engine without zstd can take it. Throws what reading the layer throws, DIGEST_MISMATCH among it. */
export async function unpackedZstd(source: RandomSource, layer: SourceLayer): Promise<SourceLayer> {
  if (layer.compression !== 'zstd') return layer;
  const open = (): AsyncIterable<Uint8Array> => decompress(layer.open(), 'zstd', source.description);
  const sizes = known.get(source) ?? new Map<string, number>();
  known.set(source, sizes);
  let size = sizes.get(layer.key);
  if (size === undefined) {
    size = 0;
    for await (const chunk of open()) size += chunk.length;
    sizes.set(layer.key, size);
  }
  const { absent } = layer;
  return { key: layer.key, size, compression: 'none', open, ...(absent ? { absent } : {}) };
}

/** The error for layers that an engine would get as they are, and cannot read. */
export function zstdRefused(
  name: string,
  { major }: { major: number },
  where: { host?: string; file?: string },
  suggestions: string[],
): AirferryError {
  return new AirferryError(
    'LOAD_FAILED',
    `${name} has layers compressed with zstd, which engine ${major} cannot read: ${ZSTD_SINCE} is the first`,
    { where, suggestions },
  );
}
