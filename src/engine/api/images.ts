/** What an engine says of its images, read from its JSON; anything may be missing or strange in it. Pure. */
import { type Digest, isDigest } from '../../content/digest.ts';
import type { Platform } from '../../content/platform.ts';
import { parseReference, type Reference } from '../../content/reference.ts';
import { isAirferryError } from '../../errors.ts';
import { isObject } from '../../support/is-object.ts';

/** An image as the list has it. */
export interface ListedImage {
  /** Digest of the config in the engine's own store, of the manifest or index in containerd's. */
  id: Digest;
  /** Its names with tag; none for a dangling image. */
  names: Reference[];
  /** Its names with digest: under which manifest it was pulled or pushed. */
  digests: Reference[];
  /** Bytes of its layers unpacked, those that it shares with others included. */
  size: number;
}

/** An image looked at on its own. */
export interface InspectedImage extends ListedImage {
  /** diffIDs from the lowest layer up. */
  layers: Digest[];
  platform: Platform;
  /** As the engine writes it; some images have none. */
  created?: string;
}

/** `GET /images/json`; what is no image in it is passed over. Undefined when it is no list. */
export function parseImageList(json: unknown): ListedImage[] | undefined {
  return Array.isArray(json) ? json.flatMap(item => listed(item) ?? []) : undefined;
}

/** `GET /images/NAME/json`; undefined when it is no image. */
export function parseInspectedImage(json: unknown): InspectedImage | undefined {
  const image = listed(json);
  if (!image || !isObject(json)) return undefined;
  const layers = isObject(json.RootFS) && Array.isArray(json.RootFS.Layers) ? json.RootFS.Layers : [];
  const { Os: os, Architecture: architecture, Variant: variant, Created: created } = json;
  return {
    ...image,
    layers: layers.filter(isDigest),
    platform: {
      os: typeof os === 'string' && os !== '' ? os : 'linux',
      architecture: typeof architecture === 'string' && architecture !== '' ? architecture : 'amd64',
      ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    },
    ...(typeof created === 'string' ? { created } : {}),
  };
}

/** `GET /version`: what the engine runs on. Undefined when it does not tell. */
export function parsePlatformOf(json: unknown): Platform | undefined {
  if (!isObject(json) || typeof json.Os !== 'string' || typeof json.Arch !== 'string') return undefined;
  return json.Os && json.Arch ? { os: json.Os, architecture: json.Arch } : undefined;
}

function listed(json: unknown): ListedImage | undefined {
  if (!isObject(json) || !isDigest(json.Id)) return undefined;
  return {
    id: json.Id,
    names: references(json.RepoTags),
    digests: references(json.RepoDigests),
    size: typeof json.Size === 'number' && json.Size > 0 ? json.Size : 0,
  };
}

/** Dangling images are called `<none>:<none>` by older engines. */
function references(json: unknown): Reference[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap(text => {
    if (typeof text !== 'string' || text.includes('<none>')) return [];
    try {
      return parseReference(text);
    } catch (error) {
      if (isAirferryError(error, 'REFERENCE_INVALID')) return [];
      throw error;
    }
  });
}
