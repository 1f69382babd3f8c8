/** Some images of a source: those that a host of the fleet is to get. */
import { isInImageSet } from '../config/fleet-images.ts';
import type { Digest } from '../content/digest.ts';
import type { Inventory, RandomSource, SourceLayer } from './source.ts';

/** The source with only the images that are in the set, by those of their names that are; see `isInImageSet`. */
export function imageSetOf(source: RandomSource, set: readonly string[]): RandomSource {
  const { description } = source;
  async function* layers(): AsyncGenerator<SourceLayer> {
    const { images } = inSet(await source.inventory(), set);
    const keys = new Set(images.flatMap(image => image.layers.map(({ key }) => key)));
    for await (const layer of source.layers()) if (keys.has(layer.key)) yield layer;
  }
  return {
    description,
    access: 'random',
    inventory: async () => inSet(await source.inventory(), set),
    layers,
    close: () => source.close(),
  };
}

function inSet({ images, indexes }: Inventory, set: readonly string[]): Inventory {
  const own = <T extends { names: Inventory['images'][number]['names'] }>(item: T): T => ({
    ...item,
    names: item.names.filter(name => isInImageSet([name], set)),
  });
  const wanted = new Set<Digest>();
  const take = (digest: Digest): void => {
    if (wanted.has(digest)) return;
    wanted.add(digest);
    const index = indexes.find(({ index }) => index.descriptor.digest === digest);
    for (const child of index?.children ?? []) take(child);
  };
  const named = indexes.map(own);
  for (const { names, index } of named) if (names.length > 0) take(index.descriptor.digest);
  return {
    images: images.map(own).filter(({ names, manifest }) => {
      return names.length > 0 || (manifest !== undefined && wanted.has(manifest.descriptor.digest));
    }),
    indexes: named.filter(({ index }) => wanted.has(index.descriptor.digest)),
  };
}
