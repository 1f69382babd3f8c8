/** What becomes of indexes when only some of their images are wanted. Pure. */
import { ATTESTED } from '../content/artifact.ts';
import { bare, type Descriptor } from '../content/descriptor.ts';
import { digestOf } from '../content/digest.ts';
import { cutIndex, parseManifest } from '../content/manifest.ts';
import type { Reference } from '../content/reference.ts';
import { type PlannedImage, type PlannedIndex, unplaced } from './planned.ts';
import type { Document } from './source.ts';

/** What becomes of an index: one of its images, where that is all that is wanted of it, or an index over its children. */
export type Node = { image: PlannedImage } | { index: PlannedIndex; children: Node[] };

export interface Cut {
  /** Platforms are chosen, so that some children may be left out. */
  selective: boolean;
  /** An index gives its names to its only wanted image even where nothing else is left out by that. */
  single: boolean;
  /** Attestations stay beside the images that they attest to. */
  attested: boolean;
}

/**
 * An index as it is while nothing is left out; it may name some that the source does not hold as long as all platforms
 * are wanted. Else one that names what is left; one child left stands for the index. Undefined when none is.
 */
export function reduceIndex(index: Document, nodes: ReadonlyMap<string, Node>, cut: Cut): Node | undefined {
  const children = childrenOf(index);
  const kept = keptOf(children, nodes, cut);
  const [first] = kept;
  if (!first) return undefined;
  const left = new Map(
    kept.map(({ child, node }) => [child.digest, bare(descriptorOf(node) ?? child)] as const),
  );
  const same = children.every(({ digest }) => left.get(digest)?.digest === digest);
  if (cut.selective && kept.length === 1 && (!same || cut.single)) return first.node;
  const inner = kept.map(({ node }) => node);
  const document = cut.selective && !same ? indexOver(index, left) : index;
  return {
    index: {
      ...unplaced(),
      index: document,
      held: document === index ? [...left.keys()] : [...left.values()].map(({ digest }) => digest),
      was: index.descriptor.digest,
      images: [...new Set(inner.flatMap(imagesOf))],
    },
    children: inner,
  };
}

function keptOf(
  children: Descriptor[],
  nodes: ReadonlyMap<string, Node>,
  { selective, attested }: Cut,
): { child: Descriptor; node: Node }[] {
  const held = children.flatMap(child => {
    const node = nodes.get(child.digest);
    return node ? [{ child, node }] : [];
  });
  if (!selective) return held;
  // What has no platform is there for its own sake; what says "unknown" is an attestation.
  const isOwn = ({ child, node }: (typeof held)[number]): boolean =>
    !('image' in node && node.image.image.artifactType) || child.platform === undefined;
  const own = new Set<string>(held.filter(isOwn).map(({ child }) => child.digest));
  return held.filter(
    ({ child }) => own.has(child.digest) || (attested && own.has(child.annotations?.[ATTESTED] ?? '')),
  );
}

/** Give homes to an item and to all that it leads to. */
export function spread(node: Node, homes: readonly Reference[]): void {
  if ('image' in node) {
    node.image.homes.push(...homes);
    return;
  }
  node.index.homes.push(...homes);
  for (const child of node.children) spread(child, homes);
}

/** The same index over children that have other digests now. */
export function indexOver(index: Document, left: ReadonlyMap<string, Descriptor>): Document {
  const bytes = cutIndex(index.bytes, left);
  const { mediaType } = index.descriptor;
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}

/** The index over those of its children that the source holds; undefined where that is all of them. */
export function heldOnly({ index, held }: PlannedIndex): Document | undefined {
  const children = childrenOf(index).filter(({ digest }) => held.includes(digest));
  if (children.length === childrenOf(index).length) return undefined;
  return indexOver(index, new Map(children.map(child => [child.digest, bare(child)])));
}

export function childrenOf(index: Document): Descriptor[] {
  const parsed = parseManifest(index.bytes, index.descriptor.mediaType);
  return parsed.kind === 'index' ? parsed.manifests : [];
}

function imagesOf(node: Node): PlannedImage[] {
  return 'image' in node ? [node.image] : node.index.images;
}

function descriptorOf(node: Node): Descriptor | undefined {
  return 'image' in node ? node.image.image.manifest?.descriptor : node.index.index.descriptor;
}
