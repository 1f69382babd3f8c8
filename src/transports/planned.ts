/** What a copy is to do, item by item: the vocabulary of plans. */
import type { Digest } from '../content/digest.ts';
import type { Reference } from '../content/reference.ts';
import { inScope } from './homes.ts';
import type { Document, SourceImage } from './source.ts';
import type { ImageTarget } from './target.ts';

/** Names that some content of the source has, and those that it gets. */
export interface Claim {
  from: Reference[];
  to: Reference[];
  /** What stood under these names in the source; another digest than the item's own where it stands in for an index. */
  was: Digest | undefined;
  /** It has no name, and came along all the same. */
  nameless?: boolean;
}

interface Planned {
  claims: Claim[];
  /** All names of the claims together. */
  from: Reference[];
  to: Reference[];
  /** Where blobs and manifest have to be: `to`, and the repositories of the indexes that hold it. */
  homes: Reference[];
}

export interface PlannedImage extends Planned {
  image: SourceImage;
}

export interface PlannedIndex extends Planned {
  index: Document;
  /** Its digest in the source, before children were left out. */
  was: Digest;
  /** Digests of those of its children that the source holds. */
  held: Digest[];
  /** Images that it leads to, through other indexes, too. */
  images: PlannedImage[];
}

export interface Plan {
  images: PlannedImage[];
  /** Children before parents. */
  indexes: PlannedIndex[];
  /** Signatures, SBOMs and attestations, which go where their subjects go; a subject before what is about it. */
  referrers: PlannedImage[];
}

/** An item that has no name or home yet. */
export function unplaced(): Planned {
  return { claims: [], from: [], to: [], homes: [] };
}

/** Give names to an item. */
export function claim(planned: Planned, { from, to, was, nameless }: Claim): void {
  const same = planned.claims.find(one => one.was === was);
  if (same) {
    same.from.push(...from);
    same.to.push(...to);
    if (nameless) same.nameless = true;
  } else planned.claims.push({ from: [...from], to: [...to], was, ...(nameless ? { nameless } : {}) });
  planned.from.push(...from);
  planned.to.push(...to);
}

/** For each layer the places where it has to be, one per repository where the target keeps them apart. */
export function homesByLayer(plan: Plan, scope: ImageTarget['scope']): Map<string, Reference[]> {
  const homes = new Map<string, Reference[]>();
  for (const planned of [...plan.images, ...plan.referrers]) {
    for (const { key } of planned.image.layers)
      homes.set(key, inScope([...(homes.get(key) ?? []), ...planned.homes], scope));
  }
  return homes;
}
