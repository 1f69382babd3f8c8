/** An uncompressed docker-archive, read in place: its index gives every file, `manifest.json` every image. */
import type { Descriptor } from '../../content/descriptor.ts';
import { MANIFEST_LIMIT, parseManifest } from '../../content/manifest.ts';
import { sniffCompression } from '../../content/media-types.ts';
import { verified } from '../../content/verified.ts';
import { AirferryError } from '../../errors.ts';
import type { ReadableFile } from '../../support/file.ts';
import { safePath } from '../../tar/header.ts';
import type { TarEntry } from '../../tar/index.ts';
import { TarStore } from '../oci/file-store.ts';
import type { ContentStore } from '../oci/store.ts';
import type { RandomSource, SourceImage, SourceLayer } from '../source.ts';
import { type ArchiveFiles, dockerInventory } from './inventory.ts';
import { Links } from './links.ts';

/** The images of a docker-archive of any dialect. Throws ARCHIVE_INVALID, MANIFEST_INVALID, DIGEST_MISMATCH. */
export async function dockerArchiveSource(file: ReadableFile, entries: TarEntry[]): Promise<RandomSource> {
  const archive = new Archive(file, entries);
  const inventory = await dockerInventory(archive);
  const layers = layersOf(archive, inventory.images);
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
    const manifest =
      image.manifest && parseManifest(image.manifest.bytes, image.manifest.descriptor.mediaType);
    image.layers.forEach(({ key }, i) => {
      const descriptor = manifest?.kind === 'image' ? manifest.layers[i] : undefined;
      if (descriptor || !byKey.has(key)) byKey.set(key, descriptor);
    });
  }
  const found = [...byKey].flatMap(([key, descriptor]) => {
    const entry = archive.entry(key);
    return entry ? [{ at: entry.offset, layer: archive.layer(key, entry, descriptor) }] : [];
  });
  return found.sort((a, b) => a.at - b.at).map(({ layer }) => layer);
}

class Archive implements ArchiveFiles {
  readonly path: string;
  readonly #file: ReadableFile;
  readonly #all: TarEntry[];
  readonly #entries = new Map<string, TarEntry>();
  readonly #links = new Links();

  constructor(file: ReadableFile, entries: TarEntry[]) {
    this.path = file.path;
    this.#file = file;
    this.#all = entries;
    for (const entry of entries) {
      const path = safePath(entry.name);
      if (!path) continue;
      if (entry.type === 'file') this.#entries.set(path, entry);
      else if (entry.type === 'symlink' || entry.type === 'link') this.#links.add(path, entry);
    }
  }

  entry(path: string): TarEntry | undefined {
    return this.#entries.get(this.#links.resolve(path));
  }

  document(path: string): Uint8Array | undefined {
    const entry = this.entry(path);
    if (!entry) return undefined;
    if (entry.size <= MANIFEST_LIMIT) return this.#file.readAt(entry.offset, entry.size);
    throw new AirferryError('ARCHIVE_INVALID', `${path} has ${entry.size} bytes; it is no image document`, {
      where: { file: this.path, offset: entry.offset },
    });
  }

  layerKey(path: string): string | undefined {
    const key = this.#links.resolve(path);
    return this.#entries.has(key) ? key : undefined;
  }

  store(): ContentStore {
    return TarStore.of(this.#file, this.#all);
  }

  layer(key: string, { offset, size }: TarEntry, descriptor: Descriptor | undefined): SourceLayer {
    const compression = sniffCompression(this.#file.readAt(offset, Math.min(4, size)));
    const slice = (from: number, length: number) =>
      this.#file.stream(offset + from, Math.min(length, Math.max(0, size - from)));
    const open = () => slice(0, size);
    if (!descriptor)
      return { key, size, compression, open, lend: () => this.#file.lend(offset, size), slice };
    const checked = () => verified(open(), descriptor, { file: this.path, offset });
    return { key, size, compression, descriptor, open: checked, slice };
  }
}
