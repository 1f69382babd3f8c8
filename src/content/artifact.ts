/** Artifacts: content that is stored as images are, and is none; and the tags under which some of it is found. */
import { type Digest, parseDigest } from './digest.ts';
import type { ImageManifest } from './manifest.ts';
import { DOCKER_CONFIG, OCI_CONFIG } from './media-types.ts';
import type { Platform } from './platform.ts';

/** The platform of what runs on none, as BuildKit writes it for attestations. */
export const NO_PLATFORM: Platform = { os: 'unknown', architecture: 'unknown' };
/** On an entry of an index: the digest of the sibling that it attests to. */
export const ATTESTED = 'vnd.docker.reference.digest';

/** `sha256-<hex>.sig`, as cosign names what it attaches to a manifest. */
const COSIGN_TAG = /^sha256-([0-9a-f]{64})\.(?:sig|att|sbom)$/;
/** `sha256-<hex>`: the index by which registries without a list of referrers get one. OCI distribution-spec. */
const FALLBACK_TAG = /^sha(?:256|512)-[0-9a-f]{64}$/;

/**
 * The kind of an artifact as a media type; undefined for an image. An image has a config of an image and layers that
 * are tars: cosign and BuildKit put signatures and statements under such a config, too.
 */
export function artifactTypeOf({ artifactType, config, layers }: ImageManifest): string | undefined {
  if (config.mediaType !== OCI_CONFIG && config.mediaType !== DOCKER_CONFIG)
    return artifactType ?? config.mediaType;
  const [first] = layers;
  if (!first || layers.some(({ mediaType }) => /\.tar\b/.test(mediaType))) return undefined;
  return artifactType ?? first.mediaType;
}

/** The manifest that a tag of cosign's scheme is about. */
export function subjectOfTag(tag: string | undefined): Digest | undefined {
  const hex = COSIGN_TAG.exec(tag ?? '')?.[1];
  return hex === undefined ? undefined : parseDigest(`sha256:${hex}`);
}

/** The tags under which cosign would attach something to a manifest. */
export function cosignTags(subject: Digest): string[] {
  if (!subject.startsWith('sha256:')) return [];
  return ['sig', 'att', 'sbom'].map(kind => `${subject.replace(':', '-')}.${kind}`);
}

/** Whether a tag stands for nothing of its own, only for what is about another manifest. */
export function isReferrerTag(tag: string): boolean {
  return COSIGN_TAG.test(tag) || FALLBACK_TAG.test(tag);
}
