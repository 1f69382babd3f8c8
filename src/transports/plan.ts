/** What a copy is to do: which images and indexes, under which names, in which repositories. Pure. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { digestOf } from '../content/digest.ts';
import { buildIndex, parseManifest } from '../content/manifest.ts';
import { OCI_INDEX } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import type { Document, Inventory, SourceImage, SourceIndex } from './source.ts';
import type { ImageTarget } from './target.ts';

export interface Selection {
  /** The names that content with these names gets at the target; none leaves it out. */
  names(from: Reference[]): Reference[];
  /** Whether an image is wanted for its platform; all are when absent. */
  platform?(image: SourceImage): boolean;
  /** Whether images without any name come along, known by their digest. */
  unnamed: boolean;
}

export interface PlannedImage {
  image: SourceImage;
  from: Reference[];
  to: Reference[];
  /** Where blobs and manifest have to be: `to`, and the repositories of the indexes that hold the image. */
  homes: Reference[];
}

export interface PlannedIndex {
  index: Document;
  from: Reference[];
  to: Reference[];
  homes: Reference[];
}

export interface Plan {
  images: PlannedImage[];
  /** Children before parents. */
  indexes: PlannedIndex[];
}

/** The home of content without a name, in targets that keep all blobs in common. */
export const NOWHERE: Reference = { registry: '', repository: '' };

/** Decide what of an inventory is copied, and to which names. */
export function planCopy(inventory: Inventory, selection: Selection): Plan {
  const wanted = inventory.images.filter(image => selection.platform?.(image) ?? true);
  const images = new Map<Digest, PlannedImage>();
  const loose: PlannedImage[] = [];
  for (const image of wanted) {
    const to = selection.names(image.names);
    const planned: PlannedImage = { image, from: [...image.names], to: [...to], homes: [...to] };
    if (image.manifest) images.set(image.manifest.descriptor.digest, planned);
    else loose.push(planned);
  }
  const indexes = planIndexes(inventory.indexes, images, selection);
  const held = new Set(indexes.flatMap(({ index }) => childrenOf(index).map(child => child.digest)));
  const all = [...images.values(), ...loose];
  for (const planned of all) {
    const unnamed =
      planned.from.length === 0 &&
      !(planned.image.manifest && held.has(planned.image.manifest.descriptor.digest));
    if (unnamed && selection.unnamed && planned.homes.length === 0) planned.homes.push(NOWHERE);
  }
  return { images: all.filter(planned => planned.homes.length > 0), indexes };
}

/**
 * Indexes from the outermost in, so that each hands its homes down to its children. Where not all platforms are
 * wanted, an index with one child left gives its names to that child, one with more is written anew over them.
 */
function planIndexes(
  indexes: SourceIndex[],
  images: Map<Digest, PlannedImage>,
  selection: Selection,
): PlannedIndex[] {
  const planned = new Map<Digest, PlannedIndex>();
  const result: PlannedIndex[] = [];
  for (const { index, names } of indexes.toReversed()) {
    const to = selection.names(names);
    const above = planned.get(index.descriptor.digest);
    const homes = [...to, ...(above?.homes ?? [])];
    const from = [...names, ...(above?.from ?? [])];
    if (homes.length === 0) continue;
    const children = childrenOf(index);
    const kept = children.filter(
      child => images.has(child.digest) || indexes.some(i => i.index.descriptor.digest === child.digest),
    );
    for (const child of kept) {
      const image = images.get(child.digest);
      const sole = kept.length === 1 && selection.platform !== undefined;
      if (image) {
        image.homes.push(...homes);
        if (sole) {
          image.to.push(...to);
          image.from.push(...from);
        }
      } else planned.set(child.digest, { index, from: [], to: [], homes });
    }
    if (
      kept.length === 0 ||
      (kept.length === 1 && selection.platform !== undefined && images.has(kept[0]?.digest as Digest))
    )
      continue;
    // An index may name platforms that the source does not hold; its bytes are kept unless we left some out ourselves.
    const leftOut = selection.platform !== undefined && kept.length < children.length;
    result.unshift({ index: leftOut ? indexOver(kept) : index, from, to, homes });
  }
  return result;
}

function childrenOf(index: Document): Descriptor[] {
  const parsed = parseManifest(index.bytes, index.descriptor.mediaType);
  return parsed.kind === 'index' ? parsed.manifests : [];
}

function indexOver(children: Descriptor[]): Document {
  const bytes = buildIndex(children);
  return { bytes, descriptor: { mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length } };
}

/** For each layer the places where it has to be, one per repository where the target keeps them apart. */
export function homesByLayer(plan: Plan, scope: ImageTarget['scope']): Map<string, Reference[]> {
  const homes = new Map<string, Reference[]>();
  for (const planned of plan.images) {
    for (const { key } of planned.image.layers)
      homes.set(key, inScope([...(homes.get(key) ?? []), ...planned.homes], scope));
  }
  return homes;
}

/** One home per repository, or just one where blobs are kept in common. */
export function inScope(homes: Reference[], scope: ImageTarget['scope']): Reference[] {
  if (scope === 'whole') return homes.slice(0, 1);
  return [...new Map(homes.map(home => [repositoryOf(home), home])).values()];
}

export function repositoryOf({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}
