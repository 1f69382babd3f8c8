/** Images out of a content store: `oci:` folders, `oci-archive:` tars, and the images of a bundle. */
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';
import { type ImageIndex, parseManifest } from '../../content/manifest.ts';
import type { Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import type { Inventory, Listing, RandomSource, SourceImage, SourceLayer } from '../source.ts';
import { storedImage, storedLayers } from '../stored-image.ts';
import { nameOf, REF_NAME } from './index-json.ts';
import type { ContentStore } from './store.ts';

/** Indexes within indexes; real ones have one level. */
const DEPTH_LIMIT = 4;

/** The images of a content store. `fallbackName` names the only image of a layout that bears no name itself. */
export function ociSource(store: ContentStore, description: string, fallbackName?: Reference): RandomSource {
  let known: Inventory | undefined;
  const inventory = (): Inventory => {
    try {
      known ??= takeInventory(store, fallbackName);
      return known;
    } catch (error) {
      throw error instanceof AirferryError ? error.at({ file: store.description }) : error;
    }
  };
  return {
    description,
    access: 'random',
    inventory: async () => inventory(),
    async *layers() {
      const seen = new Set<string>();
      for (const image of inventory().images) {
        for (const layer of layersOf(store, image)) {
          if (seen.has(layer.key)) continue;
          seen.add(layer.key);
          yield layer;
        }
      }
    },
    close: async () => store.close(),
  };
}

function layersOf(store: ContentStore, image: SourceImage): SourceLayer[] {
  return storedLayers(image, foreign => store.has(foreign.digest)).map(({ descriptor, compression }) => ({
    key: descriptor.digest,
    size: descriptor.size,
    compression,
    descriptor,
    ...absence(store, descriptor.digest),
    open: () => store.open(descriptor),
    slice: (offset, length) => store.slice(descriptor.digest, offset, length),
  }));
}

function absence(store: ContentStore, digest: Digest): Pick<SourceLayer, 'absent'> {
  const absent = store.absent?.(digest);
  return absent ? { absent } : {};
}

function takeInventory(store: ContentStore, fallbackName?: Reference): Inventory {
  const root = parseManifest(store.index());
  if (root.kind !== 'index')
    throw new AirferryError('ARCHIVE_INVALID', `index.json of ${store.description} is no index`);
  const found = new Finder(store);
  const sole = root.manifests.length === 1;
  root.manifests.forEach((descriptor, position) => {
    const name = nameOf(descriptor) ?? (sole ? fallbackName : undefined);
    const ref = descriptor.annotations?.[REF_NAME];
    found.add(descriptor, name ? [name] : [], 0);
    found.list(descriptor.digest, { position, ...(ref === undefined ? {} : { ref }) });
  });
  return { images: [...found.images.values()], indexes: [...found.indexes.values()] };
}

class Finder {
  readonly images = new Map<string, SourceImage>();
  readonly indexes = new Map<string, Inventory['indexes'][number]>();
  readonly #store: ContentStore;

  constructor(store: ContentStore) {
    this.#store = store;
  }

  add(descriptor: Descriptor, names: Reference[], depth: number): void {
    const known = this.images.get(descriptor.digest) ?? this.indexes.get(descriptor.digest);
    if (known) {
      known.names.push(...names);
      return;
    }
    const document = this.#store.document(descriptor);
    const manifest = parseManifest(document.bytes, descriptor.mediaType);
    if (manifest.kind === 'index') {
      if (depth >= DEPTH_LIMIT)
        throw new AirferryError('MANIFEST_INVALID', `${this.#store.description} nests indexes too deep`);
      const present = this.#present(manifest);
      for (const child of present) this.add(child, [], depth + 1);
      const children = present.map(child => child.digest);
      const subject = manifest.subject?.digest;
      const about = subject ? { subject } : {};
      this.indexes.set(descriptor.digest, { names: [...names], index: document, children, ...about });
      return;
    }
    const config = this.#store.document(manifest.config);
    const { platform } = descriptor;
    this.images.set(descriptor.digest, storedImage(document, manifest, config, { names, platform }));
  }

  list(digest: Digest, listing: Listing): void {
    const found = this.images.get(digest) ?? this.indexes.get(digest);
    if (found) found.listed = [...(found.listed ?? []), listing];
  }

  /** Layouts may hold only some platforms of an index: `docker save` writes the one that the engine has. */
  #present(index: ImageIndex): Descriptor[] {
    const present = index.manifests.filter(child => this.#store.has(child.digest));
    if (present.length > 0 || index.manifests.length === 0) return present;
    throw new AirferryError(
      'ARCHIVE_INVALID',
      `${this.#store.description} has an index, but none of its images`,
    );
  }
}
