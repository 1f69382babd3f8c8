/** An image or artifact as its own documents describe it: what layouts and registries have in common. */
import { artifactTypeOf, NO_PLATFORM, subjectOfTag } from '../content/artifact.ts';
import type { Descriptor } from '../content/descriptor.ts';
import { type ImageManifest, parseImageConfig } from '../content/manifest.ts';
import { type Compression, isForeignLayer } from '../content/media-types.ts';
import type { Platform } from '../content/platform.ts';
import type { Reference } from '../content/reference.ts';
import type { Document, SourceImage } from './source.ts';

/** What is known of a manifest beside its own content. */
export interface Known {
  names: Reference[];
  /** As the index says that names it. */
  platform?: Platform | undefined;
}

/** Take in a manifest and its config. Only that of an image is read. Throws MANIFEST_INVALID. */
export function storedImage(
  document: Document,
  manifest: ImageManifest,
  config: Document,
  { names, platform }: Known,
): SourceImage {
  const artifactType = artifactTypeOf(manifest);
  const subject =
    manifest.subject?.digest ?? names.map(({ tag }) => subjectOfTag(tag)).find(digest => digest);
  const read =
    artifactType === undefined
      ? parseImageConfig(config.bytes)
      : { platform: platform ?? NO_PLATFORM, diffIds: [] };
  return {
    names: [...names],
    platform: platform ?? read.platform,
    ...(artifactType === undefined ? {} : { artifactType }),
    config,
    layers: manifest.layers.map((descriptor, i) => {
      const diffId = read.diffIds[i];
      return { key: descriptor.digest, descriptor, ...(diffId ? { diffId } : {}) };
    }),
    manifest: document,
    ...(subject ? { subject } : {}),
  };
}

/** The layers of an image that its manifest names, but those for which `holds` is false: they lie elsewhere by licence. */
export function storedLayers(
  { layers }: SourceImage,
  holds: (foreign: Descriptor) => boolean,
): { descriptor: Descriptor; compression: Compression }[] {
  return layers
    .flatMap(({ descriptor }) => descriptor ?? [])
    .filter(layer => !isForeignLayer(layer.mediaType) || holds(layer))
    .map(descriptor => ({ descriptor, compression: compressionOf(descriptor.mediaType) }));
}

function compressionOf(mediaType: string): Compression {
  if (mediaType.endsWith('gzip')) return 'gzip';
  return mediaType.endsWith('zstd') ? 'zstd' : 'none';
}
