/** The images of a docker-archive, from its `manifest.json` and, where it has one, the OCI layout beside that. */
import { type Digest, digestOf } from '../../content/digest.ts';
import { type ImageManifest, parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { OCI_CONFIG } from '../../content/media-types.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { ociSource } from '../oci/source.ts';
import type { ContentStore } from '../oci/store.ts';
import type { Document, Inventory, SourceImage } from '../source.ts';
import { MANIFEST_JSON, parseManifestJson, type SavedImage } from './manifest-json.ts';

/** The files of an archive as an inventory needs them; links are followed. */
export interface ArchiveFiles {
  /** The archive's own path, for messages. */
  readonly path: string;
  /** A small file; undefined where there is none. Throws ARCHIVE_INVALID for one that is too large. */
  document(path: string): Uint8Array | undefined;
  /** The key of the layer in that file; undefined where there is none. */
  layerKey(path: string): string | undefined;
  /** The OCI layout beside `manifest.json`. */
  store(): ContentStore;
}

/** Take stock of a docker-archive of any dialect. Throws ARCHIVE_INVALID, MANIFEST_INVALID, REFERENCE_INVALID, DIGEST_MISMATCH. */
export async function dockerInventory(files: ArchiveFiles): Promise<Inventory> {
  try {
    const saved = parseManifestJson(required(files, MANIFEST_JSON), files.path);
    const originals = await originalManifests(files);
    return { images: saved.map(image => takeImage(image, files, originals)), indexes: [] };
  } catch (error) {
    throw error instanceof AirferryError ? error.at({ file: files.path }) : error;
  }
}

function takeImage(saved: SavedImage, files: ArchiveFiles, originals: Map<Digest, Document>): SourceImage {
  const bytes = required(files, saved.config);
  const digest = digestOf(bytes);
  const { platform, diffIds } = parseImageConfig(bytes);
  if (diffIds.length !== saved.layers.length) {
    throw new AirferryError(
      'ARCHIVE_INVALID',
      `${files.path}: ${saved.config} counts ${diffIds.length} layers, manifest.json ${saved.layers.length}`,
      { where: { file: files.path }, suggestions: ['The archive is damaged; save the image again.'] },
    );
  }
  const layers = saved.layers.map((path, i) => {
    const key = files.layerKey(path);
    if (key === undefined) throw lacks(files.path, path);
    return { key, diffId: diffIds[i] };
  });
  return {
    names: saved.names,
    platform,
    config: { descriptor: { mediaType: OCI_CONFIG, digest, size: bytes.length }, bytes },
    layers,
    manifest: originals.get(digest),
  };
}

/** Manifests that came with the images from a registry, by the digest of their config; `docker save` from 25 on has some. */
async function originalManifests(files: ArchiveFiles): Promise<Map<Digest, Document>> {
  const originals = new Map<Digest, Document>();
  if (!files.document('index.json') || !files.document('oci-layout')) return originals;
  try {
    const { images } = await ociSource(files.store(), files.path).inventory();
    for (const { manifest, config } of images) {
      const parsed = manifest && parseManifest(manifest.bytes, manifest.descriptor.mediaType);
      if (manifest && parsed?.kind === 'image' && isOriginal(parsed))
        originals.set(config.descriptor.digest, manifest);
    }
  } catch (error) {
    // The layout beside manifest.json may be sparse; manifest.json alone describes the images then.
    if (!isAirferryError(error, 'ARCHIVE_INVALID', 'MANIFEST_INVALID')) throw error;
  }
  return originals;
}

/** A manifest over plain layers is the saving engine's own invention and tells nothing. */
function isOriginal({ layers }: ImageManifest): boolean {
  return layers.every(({ mediaType }) => /[.+](?:gzip|zstd)$/.test(mediaType));
}

function required(files: ArchiveFiles, path: string): Uint8Array {
  const bytes = files.document(path);
  if (bytes) return bytes;
  throw lacks(files.path, path);
}

function lacks(archive: string, path: string): AirferryError {
  return new AirferryError(
    'ARCHIVE_INVALID',
    `${archive} lacks the file ${path} that its manifest.json names`,
    {
      where: { file: archive },
      suggestions: ['The archive is damaged or incomplete; save the image again.'],
    },
  );
}
