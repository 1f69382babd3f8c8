/**
 * The one algorithm: move images from a source to a target.
 *
 * Resolve the names, ask the target what it holds already, move only the blobs that are missing, hash while moving,
 * write manifests last. `image push` and `bundle create` are this; so will be save, pull, copy and retag.
 */
import type { Descriptor } from '../content/descriptor.ts';
import type { Compression } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import { mapLimit } from '../support/limit.ts';
import type { Meter } from '../support/meter.ts';
import { once } from '../support/once.ts';
import { assembleManifest, type StoredLayer } from './assemble.ts';
import { prepareLayer } from './layer.ts';
import {
  homesByLayer,
  inScope,
  NOWHERE,
  type Plan,
  type PlannedImage,
  planCopy,
  repositoryOf,
  type Selection,
} from './plan.ts';
import type { Document, ImageSource, SequentialSource, SourceLayer } from './source.ts';
import type { BlobInput, ImageTarget } from './target.ts';

export interface CopyOptions extends Selection {
  /** What becomes of layers that come uncompressed and without a digest of their own. */
  compression: Compression;
  meter: Meter;
  signal?: AbortSignal;
}

/** Content that now stands at the target. */
export interface CopiedImage {
  /** Names in the source; none for content that is known by its digest alone. */
  from: Reference[];
  to: Reference[];
  manifest: Descriptor;
  /** True when the target had it all, so that one question per name was all it took. */
  present: boolean;
}

interface Tally {
  blobs: number;
  /** As stored at the target. */
  bytes: number;
}

export interface CopyReport {
  images: CopiedImage[];
  moved: Tally;
  present: Tally;
  mounted: Tally;
}

/**
 * Copy what `options` select. Throws what source and target throw, and DIGEST_MISMATCH for a layer that is not the one
 * its image's config counts. Blobs that arrived before a failure stay, and are found there the next time.
 */
export async function copyImages(
  source: ImageSource,
  target: ImageTarget,
  options: CopyOptions,
): Promise<CopyReport> {
  return (await prepareCopy(source, target, options)).run();
}

/** The first half of a copy: decide what is to be done, and tell the meter how much that is. */
export async function prepareCopy(
  source: ImageSource,
  target: ImageTarget,
  options: CopyOptions,
): Promise<PreparedCopy> {
  const copy = new Copy(source, target, options);
  await copy.prepare();
  return copy;
}

/** A copy that knows what it has to do. */
export interface PreparedCopy {
  run(): Promise<CopyReport>;
}

/** A layer that has to move, and how much of it the meter has seen. */
interface Task {
  layer: SourceLayer;
  mark: { reached: number };
}

class Copy implements PreparedCopy {
  readonly #report: CopyReport = {
    images: [],
    moved: { blobs: 0, bytes: 0 },
    present: { blobs: 0, bytes: 0 },
    mounted: { blobs: 0, bytes: 0 },
  };
  readonly #source: ImageSource;
  readonly #target: ImageTarget;
  readonly #options: CopyOptions;
  #plan: Plan = { images: [], indexes: [] };
  readonly #tasks: Task[] = [];
  /** Where each layer has to be; undefined when all go to one place. */
  #homes: Map<string, Reference[]> | undefined;
  /** What each layer became at the target, by its key in the source. */
  readonly #stored = new Map<string, StoredLayer>();

  constructor(source: ImageSource, target: ImageTarget, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
  }

  async prepare(): Promise<void> {
    const { meter } = this.#options;
    if (this.#source.access === 'sequential') {
      meter.expect(this.#source.bytes);
      if (this.#takesAll()) return;
      if (!this.#source.complete) await this.#survey(this.#source);
    }
    this.#plan = await this.#withoutPresent(planCopy(await this.#source.inventory(), this.#options));
    this.#homes = homesByLayer(this.#plan, this.#target.scope);
    if (this.#source.access === 'sequential') return;
    for await (const layer of this.#source.layers()) {
      if (!this.#homes.has(layer.key)) continue;
      meter.expect(layer.size);
      this.#tasks.push({ layer, mark: { reached: 0 } });
    }
  }

  async run(): Promise<CopyReport> {
    await (this.#source.access === 'sequential' ? this.#inOrder(this.#source) : this.#sideBySide());
    await this.#finish();
    return this.#report;
  }

  async #sideBySide(): Promise<void> {
    const { meter } = this.#options;
    await mapLimit(this.#tasks, this.#target.concurrency, async ({ layer, mark }) => {
      await this.#putLayer({ ...layer, open: () => meter.count(layer.open(), mark) });
      meter.advance(layer.size - mark.reached);
    });
  }

  /** Layers pass in the order of the file. Where all go to one place, which images they belong to may come last. */
  async #inOrder(source: SequentialSource): Promise<void> {
    if (this.#homes?.size === 0) this.#options.meter.advance(source.bytes);
    else for await (const layer of source.layers()) await this.#putLayer(layer);
    if (!this.#homes) this.#plan = planCopy(await source.inventory(), this.#options);
  }

  /** Whether every layer has to move, and to one place, so that no inventory is needed before. */
  #takesAll(): boolean {
    return this.#target.scope === 'whole' && this.#options.unnamed;
  }

  /** Go through a file once to know what it holds. */
  async #survey(source: SequentialSource): Promise<void> {
    this.#options.meter.expect(source.bytes);
    for await (const _ of source.layers()) this.#options.signal?.throwIfAborted();
  }

  /** Put a layer to each of its places: the bytes travel to the first, the others may take them from there. */
  async #putLayer(layer: SourceLayer): Promise<void> {
    const { blob, diffId } = prepareLayer(layer, this.#options.compression);
    for (const home of this.#homes ? (this.#homes.get(layer.key) ?? []) : [NOWHERE]) {
      this.#options.signal?.throwIfAborted();
      const known = this.#stored.get(layer.key);
      const input = known ? { ...blob, descriptor: known.descriptor } : blob;
      const descriptor = await this.#put(input, home);
      if (!known) this.#stored.set(layer.key, { descriptor, diffId: diffId() });
    }
  }

  async #put(blob: BlobInput, home: Reference): Promise<Descriptor> {
    const { descriptor, how } = await this.#target.putBlob(blob, home);
    this.#report[how].blobs++;
    this.#report[how].bytes += descriptor.size;
    return descriptor;
  }

  /** Ask for each name whether it stands already; what does is reported and leaves the plan. */
  async #withoutPresent({ images, indexes }: Plan): Promise<Plan> {
    const absent = await this.#absent(indexes, ({ index }) => index);
    // What an index that is sent names has to be there before it, be it in another repository.
    const left = new Set(absent.flatMap(({ homes }) => homes));
    const needed = (planned: PlannedImage): boolean =>
      planned.homes.some(home => home === NOWHERE || left.has(home));
    const others = images.filter(planned => !needed(planned) && planned.to.length > 0);
    return {
      indexes: absent,
      images: [...images.filter(needed), ...(await this.#absent(others, ({ image }) => image.manifest))],
    };
  }

  async #absent<T extends { from: Reference[]; to: Reference[] }>(
    items: T[],
    manifestOf: (item: T) => Document | undefined,
  ): Promise<T[]> {
    const held = await mapLimit(items, this.#target.concurrency, async item => {
      const manifest = manifestOf(item);
      if (!manifest || item.to.length === 0) return false;
      for (const name of item.to) if (!(await this.#target.holds(name, manifest.descriptor))) return false;
      const { from, to } = item;
      this.#report.images.push({ from, to, manifest: manifest.descriptor, present: true });
      return true;
    });
    return items.filter((_, i) => !held[i]);
  }

  async #finish(): Promise<void> {
    await mapLimit(this.#plan.images, this.#target.concurrency, async planned => {
      this.#options.signal?.throwIfAborted();
      const manifest = assembleManifest(planned.image, this.#stored, this.#source.description);
      const { config } = planned.image;
      for (const home of inScope(planned.homes, this.#target.scope)) {
        await this.#put({ descriptor: config.descriptor, open: () => once(config.bytes) }, home);
      }
      await this.#putManifest(manifest, planned);
    });
    for (const planned of this.#plan.indexes) await this.#putManifest(planned.index, planned);
  }

  async #putManifest(
    manifest: Document,
    { from, to, homes }: { from: Reference[]; to: Reference[]; homes: Reference[] },
  ): Promise<void> {
    const tagged = new Set(to.map(name => repositoryOf(name)));
    const byDigest = inScope(
      homes.filter(home => !tagged.has(repositoryOf(home))),
      'repository',
    );
    for (const name of to) await this.#target.putManifest(manifest, name);
    for (const home of byDigest) {
      await this.#target.putManifest(
        manifest,
        home === NOWHERE ? home : { ...home, tag: undefined, digest: undefined },
      );
    }
    if (to.length > 0 || homes.includes(NOWHERE)) {
      this.#report.images.push({ from, to, manifest: manifest.descriptor, present: false });
    }
  }
}
