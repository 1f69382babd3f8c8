/** What a copy is told to take: names, and for which platforms. Pure. */
import type { Reference } from '../content/reference.ts';
import type { SourceImage } from './source.ts';

/** Names that go on, and for which platforms what stands under them. */
export interface Chosen {
  /** The names that content with these names gets at the target; none leaves it out. */
  names(from: Reference[]): Reference[];
  /** Whether an image is wanted for its platform; all are when absent. What has no platform is not asked about. */
  platform?(image: Pick<SourceImage, 'platform'>): boolean;
}

export interface Selection extends Chosen {
  /** More names, each of these lots with platforms of its own. */
  also?: readonly Chosen[];
  /** Whether images without any name come along, known by their digest. */
  unnamed: boolean;
  /** Whether signatures, SBOMs and attestations go where that goes which they are about. */
  referrers?: boolean;
  /** With a choice of platforms: an index of just one image gives its names to it, though it could stay as it is. */
  single?: boolean;
}

/** Each lot of names as a selection of its own. What has no name comes with the first. */
export function lotsOf({ also = [], ...first }: Selection): Selection[] {
  const { referrers, single } = first;
  return [
    first,
    ...also.map(chosen => ({
      ...chosen,
      unnamed: false,
      ...(referrers !== undefined && { referrers }),
      ...(single !== undefined && { single }),
    })),
  ];
}

/** The names that content with these names gets, for whatever platforms. */
export function allNames(selection: Selection, from: Reference[]): Reference[] {
  return lotsOf(selection).flatMap(lot => lot.names(from));
}
