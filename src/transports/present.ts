/** Before anything moves: which names of a plan stand at the target already. */
import { parseManifest } from '../content/manifest.ts';
import { type Compression, compressionOf } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import { mapLimit } from '../support/limit.ts';
import type { Outcome } from './copy-report.ts';
import { inScope, NOWHERE, repositoryOf, untagged, WITHIN } from './homes.ts';
import { heldOnly } from './plan-index.ts';
import type { Plan, PlannedImage } from './planned.ts';
import type { Document } from './source.ts';
import type { ImageTarget } from './target.ts';

export interface Remaining {
  plan: Plan;
  present: Outcome[];
  presentReferrers: Outcome[];
}

/** Ask for each name, one question each; what stands leaves the plan. */
export async function withoutPresent(
  plan: Plan,
  target: ImageTarget,
  compression: Compression,
): Promise<Remaining> {
  const indexes = await split(plan.indexes, target, planned => [planned.index, heldOnly(planned)]);
  // What an index that is sent names has to be there before it, be it in another repository.
  const left = new Set(indexes.absent.flatMap(({ homes }) => homes));
  const isNeeded = (planned: PlannedImage): boolean =>
    planned.homes.some(home => home === NOWHERE || home === WITHIN || left.has(home));
  const needed = plan.images.filter(isNeeded);
  const others = plan.images.filter(planned => !isNeeded(planned) && planned.to.length > 0);
  const rebuilt = await mapLimit(others, target.concurrency, planned =>
    standing(planned, target, compression),
  );
  const images = await split(
    others.filter((_, i) => !rebuilt[i]),
    target,
    ({ image }) => [image.manifest],
  );
  const referrers = await split(plan.referrers, target, ({ image }) => [image.manifest], placesOf);
  return {
    plan: {
      indexes: indexes.absent,
      images: [...needed, ...images.absent],
      referrers: referrers.absent,
    },
    present: [...indexes.present, ...images.present, ...rebuilt.filter(one => one !== undefined)],
    presentReferrers: referrers.present,
  };
}

/**
 * An image that comes without a manifest is known by its config, which names the content of all its layers: where one of
 * that config stands under each of its names, by the same manifest and compressed as asked, there is nothing to do.
 */
async function standing(
  planned: PlannedImage,
  target: ImageTarget,
  compression: Compression,
): Promise<Outcome | undefined> {
  const { image, to } = planned;
  if (image.manifest || !target.stands) return undefined;
  let found: Document | undefined;
  for (const name of to) {
    const document = await target.stands(name);
    if (!document || (found && document.descriptor.digest !== found.descriptor.digest)) return undefined;
    found = document;
  }
  const manifest = found && parseManifest(found.bytes, found.descriptor.mediaType);
  const same =
    manifest?.kind === 'image' &&
    manifest.config.digest === image.config.descriptor.digest &&
    manifest.layers.length === image.layers.length &&
    manifest.layers.every(({ mediaType }) => compressionOf(mediaType) === compression);
  return found && same ? { planned, manifest: found, present: true } : undefined;
}

/** A referrer may have no name; where it belongs its digest is asked for. */
function placesOf({ to, homes }: PlannedImage): Reference[] {
  const tagged = new Set(to.map(repositoryOf));
  const elsewhere = homes.filter(home => !tagged.has(repositoryOf(home)));
  return [...to, ...inScope(elsewhere, 'repository').map(untagged)];
}

/** `manifestsOf`: what may stand there for an item. Where the first is whole, others are cut to what the source holds. */
async function split<T extends Outcome['planned']>(
  items: T[],
  target: ImageTarget,
  manifestsOf: (item: T) => (Document | undefined)[],
  namesOf = ({ to }: T): Reference[] => to,
): Promise<{ absent: T[]; present: Outcome[] }> {
  const outcomes = await mapLimit(items, target.concurrency, async (planned): Promise<Outcome[]> => {
    const names = namesOf(planned);
    if (names.length === 0 || names.includes(NOWHERE)) return [];
    for (const [i, manifest] of manifestsOf(planned).entries()) {
      if (manifest && (await holdsAll(target, names, manifest)))
        return [{ planned, manifest, present: true, ...(i > 0 ? { cut: true } : {}) }];
    }
    return [];
  });
  return { absent: items.filter((_, i) => outcomes[i]?.length === 0), present: outcomes.flat() };
}

async function holdsAll(target: ImageTarget, names: Reference[], manifest: Document): Promise<boolean> {
  for (const name of names) if (!(await target.holds(name, manifest.descriptor))) return false;
  return true;
}
