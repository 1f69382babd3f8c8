/** Manifests, indexes and image configs: parsed from hostile bytes into narrow types. OCI image-spec; Docker v2.2. */
import { createHash } from 'node:crypto';
import { AirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { parseJson } from '../support/json.ts';
import type { Descriptor } from './descriptor.ts';
import { type Digest, isDigest } from './digest.ts';
import {
  DOCKER_SCHEMA1,
  isIndexType,
  isManifestType,
  OCI_CONFIG,
  OCI_INDEX,
  OCI_MANIFEST,
} from './media-types.ts';
import type { Platform } from './platform.ts';

/** Bytes that a manifest, index or config may have; registries take no larger manifest than this. */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;
/** Layers of an image, or children of an index; the engines stop at 127 layers, indexes are far smaller still. */
const CHILDREN_LIMIT = 1000;

interface AnyManifest {
  mediaType: string;
  /** What the manifest says it is, if it says so; see `artifactTypeOf` for what it turns out to be. */
  artifactType?: string;
  /** The manifest that this one is about: signatures, SBOMs and attestations name one. */
  subject?: Descriptor;
}

export interface ImageManifest extends AnyManifest {
  kind: 'image';
  config: Descriptor;
  layers: Descriptor[];
}

export interface ImageIndex extends AnyManifest {
  kind: 'index';
  manifests: Descriptor[];
}

/** The part of an image config that airferry reads; the bytes travel verbatim. */
export interface ImageConfig {
  platform: Platform;
  diffIds: Digest[];
  created?: string;
}

/**
 * Parse a manifest or an index. The media type in the document wins over `declared`.
 * Throws MANIFEST_INVALID; Docker's schema 1 is named as what it is.
 */
export function parseManifest(bytes: Uint8Array, declared?: string): ImageManifest | ImageIndex {
  const json = parseObject(bytes, 'a manifest');
  if (json.schemaVersion === 1 || DOCKER_SCHEMA1.includes(String(json.mediaType ?? declared))) {
    throw new AirferryError(
      'MANIFEST_INVALID',
      'the image has a manifest of schema 1, which engines no longer read',
      {
        suggestions: ['Pull the image with a current engine and push or save it again; that converts it.'],
      },
    );
  }
  const mediaType = mediaTypeOf(json, declared);
  // Read one way here and another way elsewhere, such a document names two contents at once (CVE-2021-41190).
  if (json.manifests !== undefined && (json.config !== undefined || json.layers !== undefined)) {
    throw invalid('a document that is a manifest and an index at once');
  }
  if (isIndexType(mediaType)) {
    return { kind: 'index', mediaType, ...about(json), manifests: descriptors(json.manifests, 'manifests') };
  }
  if (!isManifestType(mediaType)) throw invalid(`a manifest of the unknown media type "${clip(mediaType)}"`);
  const config = descriptor(json.config, 'config');
  return { kind: 'image', mediaType, ...about(json), config, layers: descriptors(json.layers, 'layers') };
}

/** Parse an image config. Throws MANIFEST_INVALID. */
export function parseImageConfig(bytes: Uint8Array): ImageConfig {
  const json = parseObject(bytes, 'an image config');
  const rootfs = isObject(json.rootfs) ? json.rootfs : {};
  const diffIds = rootfs.diff_ids ?? [];
  if (!Array.isArray(diffIds) || diffIds.length > CHILDREN_LIMIT || !diffIds.every(isDigest)) {
    throw invalid('an image config whose rootfs.diff_ids is no list of digests');
  }
  return {
    platform: platform({
      os: 'linux',
      architecture: 'amd64',
      ...pick(json, 'os', 'architecture', 'variant'),
    }),
    diffIds,
    created: typeof json.created === 'string' ? json.created : undefined,
  };
}

/** The bytes of an OCI image manifest; same input, same bytes. */
export function buildImageManifest(config: Descriptor, layers: Descriptor[]): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: config.digest, size: config.size },
      layers: layers.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    }),
  );
}

/** The bytes of an OCI index over the given descriptors; same input, same bytes. */
export function buildIndex(manifests: Descriptor[]): Uint8Array {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
}

/**
 * The bytes of an index with only some of its children, those in `left` under the descriptors that they have there; all
 * else that the index says stays. `bytes` have been parsed before. Same input, same bytes.
 */
export function cutIndex(bytes: Uint8Array, left: ReadonlyMap<string, Descriptor>): Uint8Array {
  const json = JSON.parse(Buffer.from(bytes).toString('utf8')) as { manifests: { digest: string }[] };
  const manifests = json.manifests.flatMap(child => {
    const now = left.get(child.digest);
    return now ? [{ ...child, mediaType: now.mediaType, digest: now.digest, size: now.size }] : [];
  });
  return Buffer.from(JSON.stringify({ ...json, manifests }));
}

/** The chain IDs of an image's layers: what an engine's layer store knows them by. OCI image-spec, config.md. */
export function chainIds(diffIds: Digest[]): Digest[] {
  const chain: Digest[] = [];
  for (const diffId of diffIds) {
    const parent = chain.at(-1);
    const id: Digest = parent
      ? `sha256:${createHash('sha256').update(`${parent} ${diffId}`).digest('hex')}`
      : diffId;
    chain.push(id);
  }
  return chain;
}

/** A descriptor out of untrusted JSON. Throws MANIFEST_INVALID. */
export function descriptor(json: unknown, field: string): Descriptor {
  if (!isObject(json)) throw invalid(`a manifest without a valid "${field}"`);
  const { mediaType, digest, size } = json;
  if (typeof mediaType !== 'string' || mediaType.length > 255)
    throw invalid(`a field "${field}" without a media type`);
  if (!isDigest(digest)) throw invalid(`a field "${field}" whose digest is not one`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`a field "${field}" whose size is no number of bytes`);
  const result: Descriptor = { mediaType, digest, size };
  // Some writers fill the platform of what has none with empty words.
  if (isObject(json.platform) && (json.platform.os || json.platform.architecture))
    result.platform = platform(json.platform);
  if (isObject(json.annotations)) {
    const strings = Object.entries(json.annotations).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    result.annotations = Object.fromEntries(strings);
  }
  return result;
}

function about(json: Record<string, unknown>): Pick<AnyManifest, 'artifactType' | 'subject'> {
  const { artifactType, subject } = json;
  return {
    ...(typeof artifactType === 'string' && artifactType !== '' ? { artifactType } : {}),
    ...(isObject(subject) ? { subject: descriptor(subject, 'subject') } : {}),
  };
}

function descriptors(json: unknown, field: string): Descriptor[] {
  if (!Array.isArray(json)) throw invalid(`a manifest without "${field}"`);
  if (json.length > CHILDREN_LIMIT) throw invalid(`a manifest with ${json.length} ${field}`);
  return json.map((item, i) => descriptor(item, `${field}[${i}]`));
}

/** Words as Go and OCI use them; anything longer or stranger is no platform, and would spoil what is printed. */
const WORD = /^[a-zA-Z0-9_.-]{1,32}$/;

function platform(json: Record<string, unknown>): Platform {
  const { os, architecture, variant } = json;
  const word = (value: unknown): value is string => typeof value === 'string' && WORD.test(value);
  if (!word(os) || !word(architecture)) throw invalid('a platform without os and architecture');
  return word(variant) ? { os, architecture, variant } : { os, architecture };
}

/** Old writers leave the media type out; the shape of the document tells then. */
function mediaTypeOf(json: Record<string, unknown>, declared: string | undefined): string {
  if (typeof json.mediaType === 'string' && json.mediaType !== '') return json.mediaType;
  if (declared && (isIndexType(declared) || isManifestType(declared))) return declared;
  return Array.isArray(json.manifests) ? OCI_INDEX : OCI_MANIFEST;
}

function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  if (bytes.length > MANIFEST_LIMIT)
    throw invalid(`${what} of ${bytes.length} bytes; more than 4 MiB is never one`);
  let json: unknown;
  try {
    json = parseJson(bytes);
  } catch (cause) {
    throw new AirferryError('MANIFEST_INVALID', `found ${what} that is no JSON`, { cause });
  }
  if (!isObject(json)) throw invalid(`${what} that is no JSON object`);
  return json;
}

function pick(json: Record<string, unknown>, ...keys: string[]): Record<string, unknown> {
  return Object.fromEntries(keys.flatMap(key => (json[key] ? [[key, json[key]]] : [])));
}

function clip(text: string): string {
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

function invalid(found: string): AirferryError {
  return new AirferryError('MANIFEST_INVALID', `found ${found}`);
}
