/** An uncompressed docker-archive, read in place: its index gives every file, `manifest.json` every image. */
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, digestOf } from '../../content/digest.ts';
import { MANIFEST_LIMIT, parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { type Compression, OCI_CONFIG, OCI_LAYER, sniffCompression } from '../../content/media-types.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import type { ReadFile } from '../../support/file.ts';
import { safePath } from '../../tar/header.ts';
import type { TarEntry } from '../../tar/index.ts';
import { TarStore } from '../oci/file-store.ts';
import { ociSource } from '../oci/source.ts';
import type { Document, Inventory, RandomSource, SourceImage, SourceLayer } from '../source.ts';
import { Links } from './links.ts';
import { MANIFEST_JSON, parseManifestJson, type SavedImage } from './manifest-json.ts';

/** The images of a docker-archive of any dialect. Throws ARCHIVE_INVALID. */
export async function dockerArchiveSource(file: ReadFile, entries: TarEntry[]): Promise<RandomSource> {
  const archive = new Archive(file, entries);
  const saved = parseManifestJson(archive.read(archive.entry(MANIFEST_JSON)), file.path);
  const manifests = await originalManifests(file, entries, archive);
  const images = saved.map(image => archive.image(image, manifests));
  const inventory: Inventory = { images, indexes: [] };
  const layers = layersOf(archive, images);
  return {
    description: `docker-archive:${file.path}`,
    access: 'random',
    inventory: async () => inventory,
    async *layers() {
      yield* layers;
    },
    close: async () => file.close(),
  };
}

/** In the order in which the archive holds them, so that a disk reads straight on. */
function layersOf(archive: Archive, images: SourceImage[]): SourceLayer[] {
  const byKey = new Map<string, Descriptor | undefined>();
  for (const image of images) {
    const manifest = image.manifest && parseManifest(image.manifest.bytes);
    image.layers.forEach(({ key }, i) => {
      const descriptor = manifest?.kind === 'image' ? manifest.layers[i] : undefined;
      if (descriptor || !byKey.has(key)) byKey.set(key, descriptor);
    });
  }
  const layers = [...byKey].map(([key, descriptor]) => ({
    entry: archive.entry(key),
    layer: archive.layer(key, descriptor),
  }));
  return layers.sort((a, b) => a.entry.offset - b.entry.offset).map(({ layer }) => layer);
}

/**
 * Manifests that came with the images from a registry, by the digest of their config. `docker save` from 25 on writes
 * some; one over plain layers is the engine's own invention and tells nothing, so only compressed ones count.
 */
async function originalManifests(
  file: ReadFile,
  entries: TarEntry[],
  archive: Archive,
): Promise<Map<Digest, Document>> {
  const originals = new Map<Digest, Document>();
  if (!archive.find('index.json') || !archive.find('oci-layout')) return originals;
  try {
    const { images } = await ociSource(new TarStore(file, entries), file.path).inventory();
    for (const { manifest, config } of images) {
      const parsed = manifest && parseManifest(manifest.bytes);
      const plain = parsed?.kind === 'image' && parsed.layers.some(layer => layer.mediaType === OCI_LAYER);
      if (manifest && !plain) originals.set(config.descriptor.digest, manifest);
    }
  } catch (error) {
    // The layout beside manifest.json may be sparse; manifest.json alone describes the images then.
    if (!isAirferryError(error, 'ARCHIVE_INVALID', 'MANIFEST_INVALID')) throw error;
  }
  return originals;
}

class Archive {
  readonly #file: ReadFile;
  readonly #entries = new Map<string, TarEntry>();
  readonly #links = new Links();

  constructor(file: ReadFile, entries: TarEntry[]) {
    this.#file = file;
    for (const entry of entries) {
      const path = safePath(entry.name);
      if (!path) continue;
      if (entry.type === 'file') this.#entries.set(path, entry);
      else if (entry.type === 'symlink' || entry.type === 'link') this.#links.add(path, entry);
    }
  }

  find(path: string): TarEntry | undefined {
    return this.#entries.get(this.#links.resolve(path));
  }

  entry(path: string): TarEntry {
    const entry = this.find(path);
    if (entry) return entry;
    throw new AirferryError(
      'ARCHIVE_INVALID',
      `${this.#file.path} lacks the file ${path} that its manifest.json names`,
      {
        where: { file: this.#file.path },
        suggestions: ['The archive is damaged or incomplete; save the image again.'],
      },
    );
  }

  read(entry: TarEntry): Uint8Array {
    if (entry.size > MANIFEST_LIMIT) {
      throw new AirferryError(
        'ARCHIVE_INVALID',
        `"${entry.name}" has ${entry.size} bytes; it is no image document`,
        {
          where: { file: this.#file.path, offset: entry.offset },
        },
      );
    }
    return this.#file.readAt(entry.offset, entry.size);
  }

  image(saved: SavedImage, originals: Map<Digest, Document>): SourceImage {
    const bytes = this.read(this.entry(saved.config));
    const digest = digestOf(bytes);
    const { platform, diffIds } = parseImageConfig(bytes);
    if (diffIds.length !== saved.layers.length) {
      throw new AirferryError(
        'ARCHIVE_INVALID',
        `${this.#file.path}: ${saved.config} counts ${diffIds.length} layers, manifest.json ${saved.layers.length}`,
        { where: { file: this.#file.path } },
      );
    }
    const layers = saved.layers.map((path, i) => ({ key: this.#links.resolve(path), diffId: diffIds[i] }));
    return {
      names: saved.names,
      platform,
      config: { descriptor: { mediaType: OCI_CONFIG, digest, size: bytes.length }, bytes },
      layers,
      manifest: originals.get(digest),
    };
  }

  layer(key: string, descriptor: Descriptor | undefined): SourceLayer {
    const entry = this.entry(key);
    const compression: Compression = sniffCompression(this.#file.readAt(entry.offset, 4));
    const open = () => this.#file.stream(entry.offset, entry.size);
    if (!descriptor) return { key, size: entry.size, compression, open };
    const store = new TarStore(this.#file, [{ ...entry, name: this.#links.resolve(key) }]);
    return { key, size: entry.size, compression, descriptor, open: () => store.open(descriptor) };
  }
}
