/**
 * Layers on their way into the cache while the files of a recipe are still fetched, so that neither waits for the other.
 * What is under way when the last file is there breaks off, and is gone on with, from where it is, when it is packed.
 */
import { mapLimit } from '../../support/limit.ts';
import type { SourceLayer } from '../../transports/source.ts';
import type { Cache } from './cache.ts';
import { BLOBS_AT_ONCE, type Registries } from './registries.ts';
import type { FetchedGroup } from './registry-images.ts';

/**
 * Fetch the layers of `groups` into the cache, until `signal`, which `registries` has, too, says that it is enough. Never
 * throws: what goes wrong here goes wrong again when the layer is packed, and is told then.
 */
export async function fetchAhead(
  groups: readonly Pick<FetchedGroup, 'source'>[],
  { registries, cache, signal }: { registries: Registries; cache: Cache; signal: AbortSignal },
): Promise<void> {
  // What the cache has no room for would only be fetched twice.
  const enough = (): boolean => signal.aborted || cache.warnings.length > 0;
  const fetch = async ({ descriptor, origin }: SourceLayer): Promise<void> => {
    if (enough() || !descriptor || !origin || (await cache.has(descriptor))) return;
    const bytes = registries.client(origin.registry).getBlob(origin.repository, descriptor);
    for await (const _ of bytes) if (enough()) return;
  };
  const ignore = (): void => undefined;
  await mapLimit(layersOf(groups), BLOBS_AT_ONCE, layer => fetch(layer).catch(ignore)).catch(ignore);
}

/** Each once. */
async function* layersOf(groups: readonly Pick<FetchedGroup, 'source'>[]): AsyncGenerator<SourceLayer> {
  const seen = new Set<string>();
  for (const { source } of groups) {
    for await (const layer of source.layers()) {
      if (seen.has(layer.key)) continue;
      seen.add(layer.key);
      yield layer;
    }
  }
}
