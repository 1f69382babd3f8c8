/** A source whose content comes in an order of its own, however the registry's answers came in: same lock, same bytes. */
import type { Digest } from '../../content/digest.ts';
import { formatReference, type Reference } from '../../content/reference.ts';
import type { Inventory, RandomSource, SourceLayer } from '../../transports/source.ts';

/** The same images and indexes, those that `tops` lead to first, each after what it names; layers in the order of images. */
export async function orderedSource(source: RandomSource, tops: readonly Digest[]): Promise<RandomSource> {
  const inventory = ordered(await source.inventory(), tops);
  const ranks = new Map<string, number>();
  for (const { layers } of inventory.images)
    for (const { key } of layers) if (!ranks.has(key)) ranks.set(key, ranks.size);
  return {
    description: source.description,
    access: 'random',
    inventory: async () => inventory,
    async *layers() {
      const layers: SourceLayer[] = await Array.fromAsync(source.layers());
      yield* layers.sort((a, b) => (ranks.get(a.key) ?? 0) - (ranks.get(b.key) ?? 0));
    },
    close: () => source.close(),
  };
}

function ordered({ images, indexes }: Inventory, tops: readonly Digest[]): Inventory {
  const children = new Map(indexes.map(index => [index.index.descriptor.digest, index.children]));
  const ranks = new Map<string, number>();
  const visit = (digest: Digest): void => {
    if (ranks.has(digest)) return;
    for (const child of children.get(digest) ?? []) visit(child);
    if (!ranks.has(digest)) ranks.set(digest, ranks.size);
  };
  for (const top of tops) visit(top);
  // What is about an image is reached by no index, and comes last.
  const before = (a: Digest | undefined, b: Digest | undefined): number => {
    const [one, other] = [ranks.get(a ?? '') ?? ranks.size, ranks.get(b ?? '') ?? ranks.size];
    return one - other || ((a ?? '') < (b ?? '') ? -1 : 1);
  };
  return {
    images: images
      .map(image => ({ ...image, names: sorted(image.names) }))
      .sort((a, b) => before(a.manifest?.descriptor.digest, b.manifest?.descriptor.digest)),
    indexes: indexes
      .map(index => ({ ...index, names: sorted(index.names) }))
      .sort((a, b) => before(a.index.descriptor.digest, b.index.descriptor.digest)),
  };
}

function sorted(names: readonly Reference[]): Reference[] {
  return [...names].sort((a, b) => (formatReference(a) < formatReference(b) ? -1 : 1));
}
