/**
 * Images of an engine, as it saves them: a stream that passes once, with nothing kept on either side of it by us.
 *
 * The engine's own store keeps layers unpacked and knows no manifests: what it saves has new ones, and digests change.
 * containerd's store keeps what came from the registry byte for byte, and so does its archive.
 */
import type { Platform } from '../../content/platform.ts';
import type { EngineApi } from '../../engine/api/client.ts';
import { Meter } from '../../support/meter.ts';
import { passingLayers } from '../docker-archive/passing.ts';
import { Seen } from '../docker-archive/seen.ts';
import type { Bytes, ForetoldImage, Inventory, SequentialSource, SourceLayer } from '../source.ts';
import { foretelling, type StoreKind } from './foretell.ts';
import { askedFor, type EngineSelection, type SelectedImage, selectImages } from './select.ts';

export interface EngineSourceOptions {
  /** Counts the bytes that the engine sends. */
  meter?: Meter;
  /** The platforms that are wanted of it, where it may have several of an image; all when absent. */
  platforms?: readonly Platform[];
}

/** The images of an engine, besides what every sequential source is. */
export interface EngineSource extends SequentialSource {
  readonly engine: {
    readonly api: EngineApi;
    readonly store: StoreKind;
    readonly images: readonly SelectedImage[];
  };
}

export function isEngineSource(source: object): source is EngineSource {
  return 'engine' in source;
}

/**
 * Find the images in an engine; it stays the caller's to close. Throws IMAGE_NOT_FOUND, and what asking an engine throws.
 * `bytes` is an estimate: the engine does not say beforehand how much it sends.
 */
export async function engineSource(
  api: EngineApi,
  selection: EngineSelection = {},
  options: EngineSourceOptions = {},
): Promise<EngineSource> {
  const images = await selectImages(api, selection);
  const { containerdStore } = await api.info();
  return new SavedImages(api, containerdStore ? 'containerd' : 'classic', images, options);
}

/**
 * About how many bytes are to come. The engine's own store sends a layer once, but gives sizes of whole images alone:
 * what an image has of another one that comes along is counted with that.
 */
function estimate(store: StoreKind, images: readonly SelectedImage[]): number {
  const below = ({ layers }: SelectedImage): number =>
    Math.max(
      0,
      ...images
        .filter(
          other => other.layers.length < layers.length && other.layers.every((id, i) => id === layers[i]),
        )
        .map(({ size }) => size),
    );
  const own = (image: SelectedImage): number => image.size - (store === 'classic' ? below(image) : 0);
  return images.reduce((sum, image) => sum + Math.max(0, own(image)), 0);
}

/** Images that are asked for together, and what has passed of their archive. */
interface Saving {
  images: readonly SelectedImage[];
  seen: Seen;
}

class SavedImages implements EngineSource {
  readonly access = 'sequential';
  readonly description: string;
  readonly bytes: number;
  readonly engine: EngineSource['engine'];
  readonly #options: EngineSourceOptions;
  readonly #meter: Meter;
  #savings: Saving[] = [];
  #complete = false;

  constructor(
    api: EngineApi,
    store: StoreKind,
    images: readonly SelectedImage[],
    options: EngineSourceOptions,
  ) {
    this.engine = { api, store, images };
    this.description = `docker-daemon:${api.description}`;
    this.bytes = estimate(store, images);
    this.#options = options;
    this.#meter = options.meter ?? new Meter();
  }

  get complete(): boolean {
    return this.#complete;
  }

  /** Nothing is, where layers of several platforms may pass and only some of them are wanted. */
  get foretold(): readonly ForetoldImage[] | undefined {
    const { api, store, images } = this.engine;
    const { platforms } = this.#options;
    if (store === 'classic' || !platforms) return images;
    const [platform, ...others] = platforms;
    if (!platform || others.length > 0 || !api.savesPlatforms) return undefined;
    return images.map(image => ({ ...image, platform }));
  }

  whole(): Bytes {
    const { api, images } = this.engine;
    return api.save(images.flatMap(askedFor), this.#options.platforms);
  }

  async *layers(): AsyncGenerator<SourceLayer> {
    const savings: Saving[] = [];
    const mark = { reached: 0 };
    for (const images of this.#batches()) {
      const seen = new Seen(this.description, undefined);
      savings.push({ images, seen });
      const open = (): Bytes =>
        this.engine.api.save(
          images.map(({ id }) => id),
          this.#options.platforms,
        );
      const tell = foretelling(this.engine.store, this.#telling(images), path => seen.document(path));
      const bytes = this.#counted(open(), mark);
      const keepPlain = this.engine.store === 'containerd';
      for await (const layer of passingLayers(bytes, { path: this.description, open, seen, keepPlain })) {
        const foretold = tell(layer.key);
        yield foretold ? { ...layer, foretold } : layer;
      }
    }
    this.#settle(mark.reached);
    this.#savings = savings;
    this.#complete = true;
  }

  async inventory(): Promise<Inventory> {
    const images = new Map<string, Inventory['images'][number]>();
    const indexes = new Map<string, Inventory['indexes'][number]>();
    for (const { images: asked, seen } of this.#savings) {
      const namesOf = new Map<string, SelectedImage>(asked.map(image => [image.id, image]));
      const found = await seen.inventory();
      for (const { index, ...rest } of found.indexes) {
        const { digest } = index.descriptor;
        indexes.set(digest, { ...rest, index, names: [...(namesOf.get(digest)?.names ?? [])] });
      }
      for (const image of found.images) {
        const { config, manifest } = image;
        const id = manifest?.descriptor.digest ?? config.descriptor.digest;
        const selected =
          namesOf.get(id) ??
          (this.engine.store === 'classic' ? namesOf.get(config.descriptor.digest) : undefined);
        const names = [...(selected?.names ?? images.get(id)?.names ?? [])];
        images.set(id, { ...image, names });
      }
    }
    return { images: [...images.values()], indexes: [...indexes.values()] };
  }

  async close(): Promise<void> {}

  /**
   * The engine's own store copies everything to its disk before it sends a byte, but sends a layer once for all images,
   * and it shows whose it is. containerd's does not show it, but sends at once: there each image is asked for on its own.
   */
  #batches(): readonly (readonly SelectedImage[])[] {
    const { store, images } = this.engine;
    if (images.length === 0) return [];
    return store === 'classic' ? [images] : images.map(image => [image]);
  }

  #telling(images: readonly SelectedImage[]): readonly SelectedImage[] {
    const told = new Map(this.foretold?.map(image => [image.id, image.platform]));
    return images.map(image => ({ ...image, platform: told.get(image.id) ?? image.platform }));
  }

  async *#counted(bytes: Bytes, mark: { reached: number }): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      const before = mark.reached;
      mark.reached += chunk.length;
      // Beyond the estimate what is expected grows with what comes.
      if (mark.reached > this.bytes) this.#meter.expect(mark.reached - Math.max(before, this.bytes));
      this.#meter.advance(chunk.length);
      yield chunk;
    }
  }

  /** What the estimate was too much is not to come any more. */
  #settle(sent: number): void {
    if (sent < this.bytes) this.#meter.expect(sent - this.bytes);
  }
}
