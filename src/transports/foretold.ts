/** Where layers of a sequential source have to go, as far as it tells before their images are known. Pure. */
import type { Reference } from '../content/reference.ts';
import { inScope, NOWHERE } from './homes.ts';
import type { Selection } from './plan.ts';
import type { ForetoldImage } from './source.ts';
import type { ImageTarget } from './target.ts';

/** The homes of a layer that these images have; none when nothing of them is wanted. */
export function foretoldHomes(
  images: readonly ForetoldImage[],
  { names, platform, unnamed }: Selection,
  scope: ImageTarget['scope'],
): Reference[] {
  const wanted = images.filter(image => platform?.(image) ?? true);
  const homes = wanted.flatMap(image => {
    const to = names(image.names);
    return to.length === 0 && image.names.length === 0 && unnamed ? [NOWHERE] : to;
  });
  return inScope(homes, scope);
}
