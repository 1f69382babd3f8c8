/** Images that belong together, as a reader looks for them: by name, the platforms of one name below it. */
import type { Digest } from '../content/digest.ts';
import type { InspectedImage, InspectedImages, InspectedIndex } from './inspect-images.ts';

/** Images that belong together: those of an index, or one alone. */
export interface ImageFamily {
  names: string[];
  index?: InspectedIndex;
  images: InspectedImage[];
}

/** Group images by the index at the top that leads to them; by name, those without one last. Pure. */
export function imageFamilies({
  images,
  indexes,
}: Pick<InspectedImages, 'images' | 'indexes'>): ImageFamily[] {
  const byDigest = new Map(images.map(image => [image.digest, image]));
  const placed = new Set<Digest>();
  const families: ImageFamily[] = [];
  // Parents come after their children.
  for (const index of indexes.toReversed()) {
    const mine = index.images.flatMap(digest => byDigest.get(digest) ?? []);
    if (index.names.length === 0 && mine.every(({ digest }) => placed.has(digest))) continue;
    for (const { digest } of mine) placed.add(digest);
    families.push({ names: index.names, index, images: mine });
  }
  for (const image of images)
    if (!placed.has(image.digest)) families.push({ names: image.names, images: [image] });
  const first = ({ names }: ImageFamily): string => names[0] ?? '\uffff';
  return families.toSorted((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0));
}
