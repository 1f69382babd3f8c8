/** What a copy is to do: which images and indexes, under which names, in which repositories. Pure. */
import { bare, type Descriptor } from '../content/descriptor.ts';
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
    const digest = image.manifest?.descriptor.digest;
    const twin = digest && images.get(digest);
    // Some writers list an image once for each of its names.
    if (twin) {
      twin.from.push(...planned.from);
      twin.to.push(...to);
      twin.homes.push(...to);
    } else if (digest) images.set(digest, planned);
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

/** What becomes of an index: one of its images, where that is all that is wanted of it, or an index over its children. */
type Node = { image: PlannedImage } | { index: PlannedIndex; children: Node[] };

/** The indexes that are copied, children before parents; each hands its homes down to what it names. */
function planIndexes(
  indexes: SourceIndex[],
  images: Map<Digest, PlannedImage>,
  selection: Selection,
): PlannedIndex[] {
  const nodes = new Map<Digest, Node>([...images].map(([digest, image]) => [digest, { image }]));
  for (const { index } of indexes) {
    const node = reduce(index, nodes, selection.platform !== undefined);
    if (node) nodes.set(index.descriptor.digest, node);
  }
  for (const { index, names } of indexes) {
    const node = nodes.get(index.descriptor.digest);
    const to = selection.names(names);
    if (!node || to.length === 0) continue;
    const planned = 'image' in node ? node.image : node.index;
    planned.from.push(...names);
    planned.to.push(...to);
    spread(node, to);
  }
  const all = new Set([...nodes.values()].flatMap(node => ('index' in node ? [node.index] : [])));
  return [...all].filter(({ homes }) => homes.length > 0);
}

/**
 * An index as it is while all platforms are wanted: it may name some that the source does not hold. Else one that names
 * what is left; one child left stands for the index.
 */
function reduce(index: Document, nodes: Map<Digest, Node>, selective: boolean): Node | undefined {
  const children = childrenOf(index);
  const kept = children.flatMap(child => {
    const node = nodes.get(child.digest);
    return node ? [{ child, node }] : [];
  });
  const [first] = kept;
  if (!first) return undefined;
  if (selective && kept.length === 1) return first.node;
  const left = kept.map(({ child, node }) => ({ ...child, ...bare(descriptorOf(node) ?? child) }));
  const same =
    left.length === children.length && left.every((child, i) => child.digest === children[i]?.digest);
  const document = selective && !same ? indexOver(left) : index;
  return {
    index: { index: document, from: [], to: [], homes: [] },
    children: kept.map(({ node }) => node),
  };
}

function descriptorOf(node: Node): Descriptor | undefined {
  return 'image' in node ? node.image.image.manifest?.descriptor : node.index.index.descriptor;
}

function spread(node: Node, homes: Reference[]): void {
  if ('image' in node) {
    node.image.homes.push(...homes);
    return;
  }
  node.index.homes.push(...homes);
  for (const child of node.children) spread(child, homes);
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
