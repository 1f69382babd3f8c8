/** Deciding what a copy is to do: which images and indexes, under which names, in which repositories. Pure. */
import { isReferrerTag } from '../content/artifact.ts';
import type { Digest } from '../content/digest.ts';
import type { Reference } from '../content/reference.ts';
import { NOWHERE, repositoryOf, WITHIN } from './homes.ts';
import { type Cut, type Node, reduceIndex, spread } from './plan-index.ts';
import { claim, type Plan, type PlannedImage, type PlannedIndex, unplaced } from './planned.ts';
import { lotsOf, type Selection } from './selection.ts';
import { digestsHeld, type Inventory, type SourceImage, type SourceIndex } from './source.ts';

export { NOWHERE, repositoryOf } from './homes.ts';

/** Referrers of referrers; the signature of an SBOM is one level. */
const REFERRERS_DEPTH = 8;

/** Decide what of an inventory is copied, and to which names. What several lots of names want stands there for each. */
export function planCopy(inventory: Inventory, selection: Selection): Plan {
  const plans = lotsOf(selection).map(lot => planLot(inventory, lot));
  return {
    images: plans.flatMap(({ images }) => images),
    indexes: plans.flatMap(({ indexes }) => indexes),
    referrers: plans.flatMap(({ referrers }) => referrers),
  };
}

function planLot(inventory: Inventory, selection: Selection): Plan {
  const held = digestsHeld(inventory);
  const images = planImages(inventory.images, held, selection);
  const nodes = new Map<Digest, Node>();
  for (const image of images) {
    const digest = image.image.manifest?.descriptor.digest;
    if (digest) nodes.set(digest, { image });
  }
  placeIndexes(inventory.indexes, nodes, selection);
  if (selection.unnamed) placeUnnamed(images, inventory.indexes, nodes, held);
  const referrers = selection.referrers ? placeReferrers(inventory, nodes) : [];
  const later = new Set(referrers);
  const indexes = new Set([...nodes.values()].flatMap(node => ('index' in node ? [node.index] : [])));
  return {
    images: images.filter(planned => planned.homes.length > 0 && !later.has(planned)),
    indexes: [...indexes].filter(({ homes }) => homes.length > 0),
    referrers,
  };
}

/** Every image that is wanted, each once, with the names that are its own. */
function planImages(images: SourceImage[], held: ReadonlySet<Digest>, selection: Selection): PlannedImage[] {
  const planned = new Map<Digest | SourceImage, PlannedImage>();
  for (const image of images) {
    if (image.artifactType === undefined && selection.platform?.(image) === false) continue;
    const was = image.manifest?.descriptor.digest;
    // Some writers list an image once for each of its names.
    const key = was ?? image;
    const item = planned.get(key) ?? { ...unplaced(), image };
    planned.set(key, item);
    // The tag by which a referrer is found says nothing of its own, as long as its subject is at hand.
    const attached = image.subject !== undefined && held.has(image.subject);
    const from = attached ? image.names.filter(({ tag }) => !isReferrerTag(tag ?? '')) : image.names;
    const to = selection.names(from);
    claim(item, { from, to, was });
    item.homes.push(...to);
  }
  return [...planned.values()];
}

/** Decide on the indexes; each hands its homes down to what it names. */
function placeIndexes(indexes: SourceIndex[], nodes: Map<Digest, Node>, selection: Selection): void {
  const cut: Cut = {
    selective: selection.platform !== undefined,
    single: selection.single ?? false,
    attested: selection.referrers ?? false,
  };
  for (const { index } of indexes) {
    const node = reduceIndex(index, nodes, cut);
    if (node) nodes.set(index.descriptor.digest, node);
  }
  for (const { index, names } of indexes) {
    const was = index.descriptor.digest;
    const node = nodes.get(was);
    const to = selection.names(names);
    if (!node || to.length === 0) continue;
    claim('image' in node ? node.image : node.index, { from: names, to, was });
    spread(node, to);
  }
}

/** Content that neither a name nor an index leads to, where that may come along. What is about other content is none. */
function placeUnnamed(
  images: PlannedImage[],
  indexes: SourceIndex[],
  nodes: ReadonlyMap<Digest, Node>,
  held: ReadonlySet<Digest>,
): void {
  const about = new Set(
    images.flatMap(({ image: { subject, manifest } }) =>
      manifest && subject && held.has(subject) ? [manifest.descriptor.digest] : [],
    ),
  );
  const within = new Set([...about, ...indexes.flatMap(({ children }) => children)]);
  const place = (node: Node | undefined, names: Reference[], was: Digest | undefined): void => {
    if (!node || names.length > 0 || (was && within.has(was))) return;
    const planned = 'image' in node ? node.image : node.index;
    if (planned.homes.length > 0) return;
    claim(planned, { from: [], to: [], was, nameless: true });
    planned.homes.push(NOWHERE);
    if ('index' in node) for (const child of node.children) spread(child, [WITHIN]);
  };
  for (const image of images) place({ image }, image.image.names, image.image.manifest?.descriptor.digest);
  for (const { index, names, children } of indexes) {
    // An index of nothing but referrers stands for a registry's list of them.
    const list = children.every(child => about.has(child));
    if (!list) place(nodes.get(index.descriptor.digest), names, index.descriptor.digest);
  }
}

/**
 * What is about something that is copied as it is goes there, too; gives back what would not be copied otherwise. About
 * an index that was cut there is nothing to say any more: it is another one now.
 */
function placeReferrers({ images, indexes }: Inventory, nodes: Map<Digest, Node>): PlannedImage[] {
  const about = new Map<Digest, { digest: Digest; names: Reference[] }[]>();
  const add = (subject: Digest | undefined, digest: Digest | undefined, names: Reference[]): void => {
    if (subject && digest) about.set(subject, [...(about.get(subject) ?? []), { digest, names }]);
  };
  for (const { subject, manifest, names } of images) add(subject, manifest?.descriptor.digest, names);
  for (const { subject, index, names } of indexes) add(subject, index.descriptor.digest, names);
  const placed: PlannedImage[] = [];
  let subjects = [...nodes.keys()].filter(digest => homesOf(nodes.get(digest), digest).length > 0);
  for (let depth = 0; depth < REFERRERS_DEPTH && subjects.length > 0; depth++) {
    const next: Digest[] = [];
    for (const subject of subjects) {
      for (const { digest, names } of about.get(subject) ?? []) {
        const node = nodes.get(digest);
        if (!node) continue;
        if ('image' in node && node.image.homes.length === 0) placed.push(node.image);
        if (attach(node, digest, names, homesOf(nodes.get(subject), subject))) next.push(digest);
      }
    }
    subjects = next;
  }
  return placed;
}

/** The homes of what is copied under that very digest. */
function homesOf(node: Node | undefined, digest: Digest): Reference[] {
  if (!node) return [];
  if ('image' in node) return node.image.image.manifest?.descriptor.digest === digest ? node.image.homes : [];
  return node.index.index.descriptor.digest === digest ? node.index.homes : [];
}

/** Bring a referrer to the repositories of its subject, under its tag if it has one. False where it was there already. */
function attach(node: Node, digest: Digest, names: Reference[], homes: Reference[]): boolean {
  const planned: PlannedImage | PlannedIndex = 'image' in node ? node.image : node.index;
  const tags = [...new Set(names.flatMap(({ tag }) => (tag && isReferrerTag(tag) ? [tag] : [])))];
  const there = new Set(planned.homes.map(repositoryOf));
  const missing = homes.filter(home => !there.has(repositoryOf(home)));
  const repositories = [...new Map(missing.map(home => [repositoryOf(home), home])).values()];
  if (repositories.length === 0) return false;
  const to = repositories.flatMap(({ registry, repository }) =>
    repository === '' ? [] : tags.map(tag => ({ registry, repository, tag })),
  );
  claim(planned, { from: names, to, was: digest });
  spread(node, repositories);
  return true;
}
