/** Images out of a content store: `oci:` folders, `oci-archive:` tars, and the images of a bundle. */
import type { Descriptor } from '../../content/descriptor.ts';
import { type ImageIndex, parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { type Compression, isForeignLayer } from '../../content/media-types.ts';
import { parseReference, type Reference } from '../../content/reference.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import type { Inventory, RandomSource, SourceImage, SourceLayer } from '../source.ts';
import type { ContentStore } from './store.ts';

const IMAGE_NAME = 'io.containerd.image.name';
const REF_NAME = 'org.opencontainers.image.ref.name';
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
  if (!image.manifest) return [];
  const manifest = parseManifest(image.manifest.bytes, image.manifest.descriptor.mediaType);
  if (manifest.kind !== 'image') return [];
  return manifest.layers
    .filter(layer => !(isForeignLayer(layer.mediaType) && !store.has(layer.digest)))
    .map(descriptor => ({
      key: descriptor.digest,
      size: descriptor.size,
      compression: compressionOf(descriptor.mediaType),
      descriptor,
      open: () => store.open(descriptor),
    }));
}

function compressionOf(mediaType: string): Compression {
  if (mediaType.endsWith('gzip')) return 'gzip';
  return mediaType.endsWith('zstd') ? 'zstd' : 'none';
}

function takeInventory(store: ContentStore, fallbackName?: Reference): Inventory {
  const root = parseManifest(store.index());
  if (root.kind !== 'index')
    throw new AirferryError('ARCHIVE_INVALID', `index.json of ${store.description} is no index`);
  const found = new Finder(store);
  const sole = root.manifests.length === 1;
  for (const descriptor of root.manifests) {
    const name = nameOf(descriptor) ?? (sole ? fallbackName : undefined);
    found.add(descriptor, name ? [name] : [], 0);
  }
  return { images: [...found.images.values()], indexes: [...found.indexes.values()] };
}

/** The name that an index entry bears; a `ref.name` that is only a tag says nothing about the repository. */
export function nameOf(descriptor: Descriptor): Reference | undefined {
  const annotations = descriptor.annotations ?? {};
  const text = annotations[IMAGE_NAME] ?? annotations[REF_NAME];
  if (text === undefined || !/[/:]/.test(text)) return undefined;
  try {
    return parseReference(text);
  } catch (error) {
    if (isAirferryError(error, 'REFERENCE_INVALID')) return undefined;
    throw error;
  }
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
      this.indexes.set(descriptor.digest, { names: [...names], index: document, children });
      return;
    }
    const config = this.#store.document(manifest.config);
    const { platform, diffIds } = parseImageConfig(config.bytes);
    this.images.set(descriptor.digest, {
      names: [...names],
      platform: descriptor.platform ?? platform,
      config,
      layers: manifest.layers.map((layer, i) => ({ key: layer.digest, diffId: diffIds[i] })),
      manifest: document,
    });
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
