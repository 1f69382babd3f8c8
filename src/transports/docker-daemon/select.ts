/** Which images of an engine are meant, and what is known of them before any of their bytes. */
import type { Digest } from '../../content/digest.ts';
import { familiarName, type Reference } from '../../content/reference.ts';
import type { EngineApi } from '../../engine/api/client.ts';
import type { InspectedImage } from '../../engine/api/images.ts';
import { AirferryError } from '../../errors.ts';
import { mapLimit } from '../../support/limit.ts';
import { closest } from '../../support/suggest.ts';
import type { ForetoldImage } from '../source.ts';

export interface EngineSelection {
  /** With tag or with digest. With neither names nor IDs all images go that have a name. */
  names?: readonly Reference[];
  ids?: readonly Digest[];
}

/** An image of an engine, with the names by which it was asked for. */
export interface SelectedImage extends ForetoldImage {
  /** diffIDs from the lowest layer up. */
  layers: readonly Digest[];
  /** Bytes, as the engine counts them. */
  size: number;
}

/** Questions to an engine at once. */
export const QUESTIONS = 4;

/**
 * Ask an engine for images, each once, however many names lead to it. A name with a digest names the image without it,
 * where it has a tag, too. Throws IMAGE_NOT_FOUND for what it does not have.
 */
export async function selectImages(api: EngineApi, selection: EngineSelection): Promise<SelectedImage[]> {
  const { names, ids } = selection;
  const wanted: (Reference | Digest)[] =
    names || ids ? [...(names ?? []), ...(ids ?? [])] : (await api.images()).flatMap(image => image.names);
  const found = await mapLimit(wanted, QUESTIONS, image => api.inspect(image));
  const missing = wanted.filter((_, i) => !found[i]);
  if (missing.length > 0) throw await notFound(api, missing);
  const images = new Map<Digest, SelectedImage>();
  found.forEach((image, i) => {
    if (!image) return;
    const selected = images.get(image.id) ?? selectedOf(image);
    images.set(image.id, selected);
    const asked = wanted[i];
    if (typeof asked === 'object') selected.names.push(asked);
  });
  return [...images.values()];
}

function selectedOf({ id, platform, layers, size }: InspectedImage): SelectedImage {
  return { names: [], id, platform, layers, size };
}

async function notFound(api: EngineApi, missing: readonly (Reference | Digest)[]): Promise<AirferryError> {
  const shown = missing.map(image => (typeof image === 'string' ? image : familiarName(image)));
  const there = (await api.images()).flatMap(({ names }) => names.map(familiarName));
  const near = closest(shown[0] ?? '', there);
  return new AirferryError(
    'IMAGE_NOT_FOUND',
    `the engine at ${api.description} has no image ${shown.join(', ')}`,
    {
      where: { url: api.description },
      suggestions: [
        ...(near ? [`Did you mean ${near}?`] : []),
        `\`airferry image list docker-daemon:${api.description.startsWith('unix:') ? '' : api.description}\` shows what it has.`,
      ],
    },
  );
}

/** How an image is asked for where its names have to come along; by ID where it has none. */
export function askedFor({ id, names }: SelectedImage): readonly (Reference | Digest)[] {
  const tagged = names.filter(({ tag }) => tag !== undefined);
  return tagged.length > 0 ? tagged : [id];
}
