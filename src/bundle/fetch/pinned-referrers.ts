/**
 * Signatures, SBOMs and attestations beside an image may become more while the image stays what it is. The lock says which of
 * them belong to the bundle; where it does not say, those that are there are pinned.
 */
import { type Lock, notLocked } from '../../config/lock.ts';
import type { Digest } from '../../content/digest.ts';
import { familiarName, type Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import type { Inventory, RandomSource } from '../../transports/source.ts';

interface Top {
  name: Reference;
  digest: Digest;
}

interface About {
  digest: Digest;
  subject: Digest;
}

/** The source without referrers that the lock does not name. Throws LOCK_INCOMPLETE, and IMAGE_NOT_FOUND for one that is gone. */
export async function withPinnedReferrers(
  source: RandomSource,
  tops: readonly Top[],
  { lock, locked }: { lock: Lock; locked: boolean },
): Promise<RandomSource> {
  const inventory = await source.inventory();
  const all = referrersIn(inventory);
  const wanted = new Set<Digest>();
  for (const { name, digest } of tops) {
    const there = belongingTo(digest, inventory, all);
    const pinned = lock.referrersOf(digest);
    if (!pinned && locked) throw notLocked(lock, [`what refers to the image ${familiarName(name)}`]);
    if (!pinned) lock.pinReferrers(digest, there);
    const gone = pinned?.find(one => !there.includes(one));
    if (gone) throw missing(name, gone);
    for (const one of pinned ?? there) wanted.add(one);
  }
  const stays = (digest: Digest | undefined): boolean =>
    !all.some(one => one.digest === digest) || (digest !== undefined && wanted.has(digest));
  const images = inventory.images.filter(({ manifest }) => stays(manifest?.descriptor.digest));
  const indexes = inventory.indexes.filter(({ index }) => stays(index.descriptor.digest));
  const keys = new Set(images.flatMap(({ layers }) => layers.map(({ key }) => key)));
  return {
    ...source,
    inventory: async () => ({ images, indexes }),
    async *layers() {
      for await (const layer of source.layers()) if (keys.has(layer.key)) yield layer;
    },
  };
}

function referrersIn({ images, indexes }: Inventory): About[] {
  const about = (subject: Digest | undefined, digest: Digest | undefined): About[] =>
    subject && digest ? [{ digest, subject }] : [];
  return [
    ...images.flatMap(({ subject, manifest }) => about(subject, manifest?.descriptor.digest)),
    ...indexes.flatMap(({ subject, index }) => about(subject, index.descriptor.digest)),
  ];
}

/** What is about a manifest or index, about its children, and about that in turn. */
function belongingTo(top: Digest, { indexes }: Inventory, all: readonly About[]): Digest[] {
  const seen = new Set<Digest>([top]);
  const found = new Set<Digest>();
  for (const digest of seen) {
    const index = indexes.find(one => one.index.descriptor.digest === digest);
    for (const child of index?.children ?? []) seen.add(child);
    for (const one of all) {
      if (one.subject !== digest) continue;
      found.add(one.digest);
      seen.add(one.digest);
    }
  }
  return [...found].sort();
}

function missing(name: Reference, referrer: Digest): AirferryError {
  const familiar = familiarName(name);
  return new AirferryError(
    'IMAGE_NOT_FOUND',
    `the lock names ${referrer}, which refers to ${familiar}, and the registry has it no more`,
    { suggestions: [`Take what there is now: airferry bundle update ${familiar}.`] },
  );
}
