/** The manifest of an image whose layers are stored: the one it came with, or one over what the layers became. */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, digestOf } from '../content/digest.ts';
import { buildImageManifest, parseManifest } from '../content/manifest.ts';
import { isForeignLayer, OCI_MANIFEST } from '../content/media-types.ts';
import { AirferryError } from '../errors.ts';
import type { Document, SourceImage } from './source.ts';

/** What a layer became at a target. */
export interface StoredLayer {
  descriptor: Descriptor;
  /** Of its uncompressed tar, where somebody had to look. */
  diffId: Digest | undefined;
}

/**
 * An image's own manifest, byte for byte, where every layer is stored as that says; else a new one. `source` is for
 * messages. Throws DIGEST_MISMATCH for a layer that is not the one which the image's config counts.
 */
export function assembleManifest(
  image: SourceImage,
  stored: ReadonlyMap<string, StoredLayer>,
  source: string,
): Document {
  const { manifest } = image;
  const parsed = manifest && parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  const original = parsed?.kind === 'image' ? parsed.layers : [];
  const layers = image.layers.map(({ key, diffId }, i) => {
    const layer = stored.get(key);
    if (layer?.diffId && diffId && layer.diffId !== diffId)
      throw wrongLayer(source, key, diffId, layer.diffId);
    const elsewhere = original[i] && isForeignLayer(original[i].mediaType) ? original[i] : undefined;
    const descriptor = layer?.descriptor ?? elsewhere;
    if (descriptor) return descriptor;
    throw new AirferryError('ARCHIVE_INVALID', `${source} lacks the layer ${key}`, {
      where: { file: source, blob: key },
      suggestions: ['The archive is damaged or incomplete; save the image again.'],
    });
  });
  if (manifest && layers.every(({ digest }, i) => digest === original[i]?.digest)) return manifest;
  if (image.artifactType !== undefined) throw compressedArtifact(image.artifactType, source);
  const bytes = buildImageManifest(image.config.descriptor, layers);
  return { bytes, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length } };
}

/** A new manifest would be another artifact; it comes to that only in archives that are compressed as a whole. */
function compressedArtifact(type: string, source: string): AirferryError {
  return new AirferryError(
    'ARCHIVE_INVALID',
    `${source} holds an artifact (${type.slice(0, 100)}) with a plain tar, which cannot be told from an image's layer in passing`,
    { where: { file: source }, suggestions: ['Decompress the archive first: gunzip, zstd -d.'] },
  );
}

function wrongLayer(source: string, key: string, expected: Digest, actual: Digest): AirferryError {
  return new AirferryError(
    'DIGEST_MISMATCH',
    `${source}: the layer ${key} has the diffID ${actual}, the image's config says ${expected}`,
    { where: { file: source, blob: key }, suggestions: ['The archive is damaged; save the image again.'] },
  );
}
