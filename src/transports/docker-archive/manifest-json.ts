/** `manifest.json` of a docker-archive: which config and which layer files make up each saved image. */
import { MANIFEST_LIMIT } from '../../content/manifest.ts';
import { parseReference, type Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import { safePath } from '../../tar/header.ts';

export const MANIFEST_JSON = 'manifest.json';
const IMAGES_LIMIT = 10_000;

/** One image of the archive; paths are normalised and lead nowhere outside it. */
export interface SavedImage {
  config: string;
  names: Reference[];
  layers: string[];
  /** Whether an engine says of the layers where it has them from, as `docker save` does from 25 on. */
  hasLayerSources: boolean;
}

/** Parse `manifest.json`. `RepoTags` may be null. Throws ARCHIVE_INVALID, or REFERENCE_INVALID for a bad name. */
export function parseManifestJson(bytes: Uint8Array, archive: string): SavedImage[] {
  const invalid = (why: string, cause?: unknown): AirferryError =>
    new AirferryError('ARCHIVE_INVALID', `manifest.json of ${archive} ${why}`, {
      where: { file: archive },
      cause,
    });
  if (bytes.length > MANIFEST_LIMIT) throw invalid('is larger than 4 MiB');
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw invalid('is no JSON', cause);
  }
  if (!Array.isArray(json) || json.length > IMAGES_LIMIT) throw invalid('is no list of images');
  return json.map((item: Record<string, unknown> | null, i) => {
    const strings = (value: unknown, field: string): string[] => {
      if (Array.isArray(value) && value.every(text => typeof text === 'string')) return value;
      throw invalid(`has an image ${i} without a valid ${field}`);
    };
    const path = (name: string): string => {
      const safe = safePath(name);
      if (!safe) throw invalid(`names the file "${name.slice(0, 80)}", which leads out of the archive`);
      return safe;
    };
    const config = item?.Config;
    if (typeof config !== 'string') throw invalid(`has an image ${i} without a valid Config`);
    return {
      config: path(config),
      names: strings(item?.RepoTags ?? [], 'RepoTags').map(parseReference),
      layers: strings(item?.Layers, 'Layers').map(path),
      hasLayerSources: item?.LayerSources !== undefined && item.LayerSources !== null,
    };
  });
}
