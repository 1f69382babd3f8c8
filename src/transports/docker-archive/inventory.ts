/** The images of a docker-archive, from its `manifest.json` and, where it has one, the OCI layout beside that. */
import { type Digest, digestOf } from '../../content/digest.ts';
import { parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { OCI_CONFIG } from '../../content/media-types.ts';
import { formatReference } from '../../content/reference.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { blobPath } from '../oci/file-store.ts';
import { ociSource } from '../oci/source.ts';
import type { ContentStore } from '../oci/store.ts';
import type { Document, Inventory, SourceImage, SourceIndex } from '../source.ts';
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
    const layout = await layoutBeside(files);
    const images = saved.map((image, position) => takeImage(image, position, files, layout));
    return layout ? withIndexes(images, layout, files) : { images, indexes: [] };
  } catch (error) {
    throw error instanceof AirferryError ? error.at({ file: files.path }) : error;
  }
}

function takeImage(
  saved: SavedImage,
  position: number,
  files: ArchiveFiles,
  layout: Inventory | undefined,
): SourceImage {
  const bytes = required(files, saved.config);
  const digest = digestOf(bytes, saved.config.startsWith('blobs/sha512/') ? 'sha512:' : undefined);
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
    manifest: layout && originalManifest(saved, digest, layout),
    listed: [{ position }],
  };
}

/** The layout beside `manifest.json`. It may be sparse; `manifest.json` alone describes the images then. */
async function layoutBeside(files: ArchiveFiles): Promise<Inventory | undefined> {
  if (!files.document('index.json') || !files.document('oci-layout')) return undefined;
  try {
    return await ociSource(files.store(), files.path).inventory();
  } catch (error) {
    if (isAirferryError(error, 'ARCHIVE_INVALID', 'MANIFEST_INVALID')) return undefined;
    throw error;
  }
}

/** The manifest that came with an image from a registry; one that the saving engine made up tells nothing. */
function originalManifest(saved: SavedImage, config: Digest, { images }: Inventory): Document | undefined {
  const found = images.find(image => image.config.descriptor.digest === config && image.manifest)?.manifest;
  const parsed = found && parseManifest(found.bytes, found.descriptor.mediaType);
  if (parsed?.kind !== 'image') return undefined;
  const plain = parsed.layers.some(({ mediaType }) => !/[.+](?:gzip|zstd)$/.test(mediaType));
  return plain && saved.hasLayerSources ? undefined : found;
}

/**
 * Indexes of the layout, with what they name, and artifacts: `manifest.json` knows neither, and one platform of each
 * image. Where an index has a name, the name is not that platform's.
 */
function withIndexes(images: SourceImage[], layout: Inventory, files: ArchiveFiles): Inventory {
  const held = new Set(images.map(digestOfImage));
  const others = layout.images.flatMap(image =>
    held.has(digestOfImage(image)) ? [] : (byPath(image, files) ?? []),
  );
  for (const image of others) held.add(digestOfImage(image));
  const indexes: SourceIndex[] = [];
  for (const { listed: _, ...index } of layout.indexes) {
    if (index.children.length === 0 || !index.children.every(child => held.has(child))) continue;
    held.add(index.index.descriptor.digest);
    indexes.push(index);
  }
  const children = new Set<Digest | undefined>(indexes.flatMap(index => index.children));
  const taken = new Set(indexes.flatMap(({ names }) => names.map(formatReference)));
  const extra = others.filter(
    image => children.has(digestOfImage(image)) || image.artifactType !== undefined || image.subject,
  );
  return {
    images: [...images, ...extra].map(image => ({
      ...image,
      names: image.names.filter(name => !taken.has(formatReference(name))),
    })),
    indexes,
  };
}

/** An image of the layout, its layers known by their paths; undefined where the archive lacks some. */
function byPath({ listed: _, ...image }: SourceImage, files: ArchiveFiles): SourceImage[] | undefined {
  const layers: SourceImage['layers'] = [];
  for (const { key, ...layer } of image.layers) {
    const path = blobPath(key as Digest);
    const found = files.layerKey(path) ?? (files.document(path) && path);
    if (found === undefined) return undefined;
    layers.push({ ...layer, key: found });
  }
  return [{ ...image, layers }];
}

function digestOfImage({ manifest }: SourceImage): Digest | undefined {
  return manifest?.descriptor.digest;
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
