/** Chain IDs: how engines know a layer together with all below it. OCI image-spec, config.md#layer-chainid. */
import type { Digest } from '../content/digest.ts';
import { chainIds } from '../content/manifest.ts';
import type { SourceImage } from './source.ts';

/** Every chain ID that a layer has in one of the images, by its key; images that do not tell all their diffIDs count for none. */
export function chainsByLayer(images: readonly SourceImage[]): Map<string, Set<Digest>> {
  const found = new Map<string, Set<Digest>>();
  for (const { layers } of images) {
    const diffIds = layers.flatMap(({ diffId }) => diffId ?? []);
    const chains = diffIds.length === layers.length ? chainIds(diffIds) : [];
    layers.forEach(({ key }, i) => {
      const chain = chains[i];
      if (chain) found.set(key, (found.get(key) ?? new Set()).add(chain));
    });
  }
  return found;
}
