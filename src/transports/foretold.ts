/** What is known of layers before they pass: where they have to go, and how large they are. Pure. */
import type { Reference } from '../content/reference.ts';
import { inScope, NOWHERE } from './homes.ts';
import { lotsOf, type Selection } from './selection.ts';
import type { ForetoldImage, SequentialSource, SourceLayer } from './source.ts';
import type { Arrival, ImageTarget } from './target.ts';

/** The homes of a layer that these images have; none when nothing of them is wanted. */
export function foretoldHomes(
  images: readonly ForetoldImage[],
  selection: Selection,
  scope: ImageTarget['scope'],
): Reference[] {
  const homes = lotsOf(selection).flatMap(({ names, platform, unnamed }) => {
    const wanted = images.filter(image => platform?.(image) ?? true);
    return wanted.flatMap(image => {
      const to = names(image.names);
      return to.length === 0 && image.names.length === 0 && unnamed ? [NOWHERE] : to;
    });
  });
  return inScope(homes, scope);
}

/** What is known of a stream before it has passed: where it goes, and how long it is. */
export function arrivalsOf({ bytes }: SequentialSource, homes: readonly (readonly Reference[])[]): Arrival[] {
  return homes.map((each, i) => (i === 0 ? { homes: each, plain: bytes } : { homes: each }));
}

/** The same of a layer. Without a descriptor it is compressed on the way, to a size that nobody knows yet. */
export function arrivalOf({ descriptor, size }: SourceLayer, homes: readonly Reference[]): Arrival {
  return descriptor ? { descriptor, homes } : { plain: size, homes };
}
