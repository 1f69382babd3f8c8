/** A name for the only image of a source that bears none: what skopeo writes as `oci:folder`, a save by ID. */
import type { Reference } from '../content/reference.ts';
import type { ImageSource, Inventory } from './source.ts';

/**
 * The inventory with `name` on its one piece of content, where there is one piece and it has no name. What is only part
 * of an index, or about other content, does not count. Anything else stays as it is.
 */
export function nameSole(inventory: Inventory, name: Reference): Inventory {
  const { images, indexes } = inventory;
  const children = new Set<string | undefined>(indexes.flatMap(index => index.children));
  const tops = [
    ...images.filter(({ manifest, subject }) => !subject && !children.has(manifest?.descriptor.digest)),
    ...indexes.filter(({ index, subject }) => !subject && !children.has(index.descriptor.digest)),
  ];
  const [top] = tops;
  if (!top || tops.length > 1 || top.names.length > 0) return inventory;
  const named = <T extends Inventory['images'][number] | Inventory['indexes'][number]>(item: T): T =>
    item === top ? { ...item, names: [name] } : item;
  return { images: images.map(named), indexes: indexes.map(named) };
}

/** The source with another inventory. */
export function withInventory(source: ImageSource, inventory: Inventory): ImageSource {
  const common = {
    description: source.description,
    inventory: async () => inventory,
    layers: () => source.layers(),
    close: () => source.close(),
  };
  if (source.access === 'random') return { ...common, access: 'random' };
  return {
    ...common,
    access: 'sequential',
    bytes: source.bytes,
    get complete() {
      return source.complete;
    },
    whole: () => source.whole(),
  };
}
