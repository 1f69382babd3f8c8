/**
 * Which image of a source the name in a location means: `oci:layouts/redis:v1`, `docker-archive:saved.tar:nginx:1.25`,
 * `docker-archive:saved.tar:@0`. As in containers-transports(5), and image names as Docker's users write them besides.
 */
import { isReferrerTag } from '../content/artifact.ts';
import type { Digest } from '../content/digest.ts';
import { familiarName, parseReference, type Reference } from '../content/reference.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';
import { digestsHeld, type ImageSource, type Inventory, type Listing, type SourceLayer } from './source.ts';

/** Content at the top of an inventory: an image, or an index. */
type Top = Inventory['images'][number] | Inventory['indexes'][number];

/**
 * What an inventory has under a name, in this order: `@N`, what a layout's `ref.name` says word for word, an image name,
 * a digest or ID. The one that is found bears the name alone; what an index names comes with it. Throws IMAGE_NOT_FOUND
 * with what may have been meant; `source` is for messages.
 */
export function selectIn(inventory: Inventory, name: string, source: string): Inventory {
  const tops: Top[] = [...inventory.images, ...inventory.indexes];
  const asked = asReference(name);
  const found = findTop(tops, name, asked);
  if (!found) throw notFound(tops, name, source);
  const own = found.names.filter(one => asked && familiarName(one) === familiarName(asked));
  const names = own.length > 0 ? own.slice(0, 1) : name.startsWith('@') || !asked ? found.names : [asked];
  const wanted = new Set<Digest>();
  if ('index' in found) collect(found.index.descriptor.digest, inventory, wanted);
  const take = <T extends Top>(item: T, digest: Digest | undefined): T[] => {
    if (item === found) return [{ ...item, names: [...names] }];
    return digest && wanted.has(digest) ? [{ ...item, names: [] }] : [];
  };
  return {
    images: inventory.images.flatMap(image => take(image, image.manifest?.descriptor.digest)),
    indexes: inventory.indexes.flatMap(index => take(index, index.index.descriptor.digest)),
  };
}

/**
 * A selection of an inventory with all that it has about it: signatures, SBOMs, and what is about those, with what an index
 * among them names; those under no names but the tags of referrers.
 */
function withReferrers(selected: Inventory, all: Inventory): Inventory {
  const chosen = digestsHeld(selected);
  const within = new Set(chosen);
  const isAbout = (subject: Digest | undefined): boolean => subject !== undefined && within.has(subject);
  // They may be about each other, and come in any order.
  for (let before = -1; before < within.size; ) {
    before = within.size;
    for (const { manifest, subject } of all.images)
      if (manifest && isAbout(subject)) within.add(manifest.descriptor.digest);
    for (const { index, subject } of all.indexes) {
      if (!isAbout(subject)) continue;
      within.add(index.descriptor.digest);
      collect(index.descriptor.digest, all, within);
    }
  }
  const take = <T extends Top>(item: T, digest: Digest | undefined): T[] => {
    if (digest === undefined || !within.has(digest) || chosen.has(digest)) return [];
    return [{ ...item, names: item.names.filter(({ tag }) => isReferrerTag(tag ?? '')) }];
  };
  return {
    images: [
      ...selected.images,
      ...all.images.flatMap(image => take(image, image.manifest?.descriptor.digest)),
    ],
    indexes: [
      ...selected.indexes,
      ...all.indexes.flatMap(index => take(index, index.index.descriptor.digest)),
    ],
  };
}

/**
 * The source with only the image that a location's name means, and what it has about that image. One that is compressed as
 * a whole is gone through to find it, unless that was done before. Throws IMAGE_NOT_FOUND and what the source throws.
 */
export async function selectSource(
  source: ImageSource,
  name: string,
  signal?: AbortSignal,
): Promise<ImageSource> {
  if (source.access === 'sequential' && !source.complete)
    for await (const _ of source.layers()) signal?.throwIfAborted();
  const all = await source.inventory();
  const inventory = withReferrers(selectIn(all, name, source.description), all);
  const keys = new Set(inventory.images.flatMap(({ layers }) => layers.map(({ key }) => key)));
  async function* layers(): AsyncGenerator<SourceLayer> {
    for await (const layer of source.layers()) if (keys.has(layer.key)) yield layer;
  }
  const part = { inventory: async () => inventory, layers, close: () => source.close() };
  const { description } = source;
  if (source.access === 'random') return { description, access: 'random', ...part };
  const { bytes } = source;
  return {
    description,
    access: 'sequential',
    bytes,
    complete: true,
    whole: () => source.whole(),
    ...part,
  };
}

function findTop(tops: Top[], name: string, asked: Reference | undefined): Top | undefined {
  const listed = (test: (listing: Listing) => boolean): Top | undefined =>
    tops.find(top => top.listed?.some(test));
  const position = /^@(\d{1,6})$/.exec(name)?.[1];
  if (position !== undefined) return listed(listing => listing.position === Number(position));
  const familiar = asked && familiarName(asked);
  return (
    listed(({ ref }) => ref === name) ??
    tops.find(top => top.names.some(one => familiarName(one) === familiar)) ??
    tops.find(top => digestsOf(top).includes(name.replace(/^@/, '')))
  );
}

/** The digests that an operator may know content by: those of its manifest, and of its config, which is the image ID. */
function digestsOf(top: Top): string[] {
  const digests = 'index' in top ? [top.index] : [...(top.manifest ? [top.manifest] : []), top.config];
  return digests.map(({ descriptor }) => descriptor.digest);
}

/** An index's descendants. */
function collect(digest: Digest, inventory: Inventory, into: Set<Digest>): void {
  const index = inventory.indexes.find(({ index }) => index.descriptor.digest === digest);
  for (const child of index?.children ?? []) {
    if (into.has(child)) continue;
    into.add(child);
    collect(child, inventory, into);
  }
}

function asReference(name: string): Reference | undefined {
  try {
    return parseReference(name);
  } catch (error) {
    if (isAirferryError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
}

function notFound(tops: Top[], name: string, source: string): AirferryError {
  const known = new Set(
    tops.flatMap(({ names, listed = [] }) => [
      ...names.map(familiarName),
      ...(names.length > 0 ? [] : listed.flatMap(({ ref }) => ref ?? [])),
    ]),
  );
  const near = closest(name, known);
  const positions = tops.flatMap(({ listed = [] }) => listed.map(({ position }) => position));
  const range = positions.length > 0 ? `@0 to @${Math.max(...positions)}` : '';
  const has = known.size > 0 ? [...known].slice(0, 10).join(', ') : range || 'no image';
  return new AirferryError('IMAGE_NOT_FOUND', `${source} has no image ${name}`, {
    suggestions: [...(near ? [`Did you mean ${near}?`] : []), `It has ${has}.`],
  });
}
