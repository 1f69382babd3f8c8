/** The manifest of an image whose layers are stored: the one it came with, or one over what the layers became. */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, digestOf } from '../content/digest.ts';
import { buildImageManifest, parseManifest } from '../content/manifest.ts';
import { OCI_MANIFEST } from '../content/media-types.ts';
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
  const layers = image.layers.map(({ key, diffId }) => {
    const layer = stored.get(key);
    if (layer?.diffId && diffId && layer.diffId !== diffId)
      throw wrongLayer(source, key, diffId, layer.diffId);
    return layer?.descriptor;
  });
  const { manifest } = image;
  const original = manifest && parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  const kept =
    original?.kind === 'image' &&
    original.layers.every((layer, i) => !layers[i] || layers[i].digest === layer.digest);
  if (manifest && kept) return manifest;
  const complete = layers.filter(layer => layer !== undefined);
  const bytes = buildImageManifest(image.config.descriptor, complete);
  return { bytes, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length } };
}

function wrongLayer(source: string, key: string, expected: Digest, actual: Digest): AirferryError {
  return new AirferryError(
    'DIGEST_MISMATCH',
    `${source}: the layer ${key} has the diffID ${actual}, the image's config says ${expected}`,
    { where: { file: source, blob: key }, suggestions: ['The archive is damaged; save the image again.'] },
  );
}
