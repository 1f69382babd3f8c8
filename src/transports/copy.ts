/**
 * The one algorithm: move images from a source to a target.
 *
 * Resolve the names, ask the target what it holds already, move only the blobs that are missing, hash while moving,
 * write manifests last. `image push` and `bundle create` are this; so will be save, pull, copy and retag.
 */
import type { Descriptor } from '../content/descriptor.ts';
import type { Compression } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { mapLimit } from '../support/limit.ts';
import type { Meter } from '../support/meter.ts';
import { assembleManifest, type StoredLayer } from './assemble.ts';
import { prepareLayer } from './layer.ts';
import { homesByLayer, inScope, NOWHERE, type Plan, planCopy, repositoryOf, type Selection } from './plan.ts';
import type { Document, ImageSource, SourceLayer } from './source.ts';
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

/** A layer that has to be at a place. */
interface Task {
  layer: SourceLayer;
  home: Reference;
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
  #tasks: Task[] = [];
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
      meter.expect(this.#source.bytes * this.#passes());
      return;
    }
    this.#plan = await this.#withoutPresent(planCopy(await this.#source.inventory(), this.#options));
    const homes = homesByLayer(this.#plan, this.#target.scope);
    for await (const layer of this.#source.layers()) {
      const mark = { reached: 0 };
      const mine = homes.get(layer.key) ?? [];
      if (mine.length > 0) meter.expect(layer.size);
      this.#tasks.push(...mine.map(home => ({ layer, home, mark })));
    }
  }

  async run(): Promise<CopyReport> {
    await (this.#source.access === 'sequential' ? this.#inOrder() : this.#sideBySide());
    await this.#finish();
    return this.#report;
  }

  async #sideBySide(): Promise<void> {
    await mapLimit(this.#tasks, this.#target.concurrency, task =>
      this.#putLayer(task.layer, task.home, task.mark),
    );
  }

  /**
   * Layers pass once, in the order of the file, and which images they belong to is known at the end. A target that
   * keeps blobs per repository has to know that before: the file is then gone through twice.
   */
  async #inOrder(): Promise<void> {
    let homes: Map<string, Reference[]> | undefined;
    if (this.#passes() === 2) {
      for await (const _ of this.#source.layers()) this.#options.signal?.throwIfAborted();
      homes = homesByLayer(planCopy(await this.#source.inventory(), this.#options), this.#target.scope);
    }
    for await (const layer of this.#source.layers()) {
      // A stream cannot be rewound: the first repository takes the bytes, the others mount them from there.
      const [first, ...others] = homes ? (homes.get(layer.key) ?? []) : [NOWHERE];
      if (!first) continue;
      const { descriptor } = await this.#putLayer(layer, first);
      for (const home of others)
        await this.#target.putBlob({ descriptor, open: () => this.#gone(layer.key) }, home);
    }
    this.#plan = planCopy(await this.#source.inventory(), this.#options);
  }

  /** How often a sequential source is gone through. */
  #passes(): number {
    return this.#target.scope === 'repository' ? 2 : 1;
  }

  async #putLayer(
    layer: SourceLayer,
    home: Reference,
    mark?: { reached: number },
  ): Promise<{ descriptor: Descriptor }> {
    const { signal, meter, compression } = this.#options;
    signal?.throwIfAborted();
    const counted = mark ? { ...layer, open: () => meter.count(layer.open(), mark) } : layer;
    const known = this.#stored.get(layer.key);
    const prepared = prepareLayer(counted, compression);
    const { descriptor } = await this.#put(
      known ? { ...prepared.blob, descriptor: known.descriptor } : prepared.blob,
      home,
    );
    if (mark) {
      meter.advance(layer.size - mark.reached);
      mark.reached = layer.size;
    }
    if (!known) this.#stored.set(layer.key, { descriptor, diffId: prepared.diffId() });
    return { descriptor };
  }

  async #put(blob: BlobInput, home: Reference): Promise<{ descriptor: Descriptor }> {
    const { descriptor, how } = await this.#target.putBlob(blob, home);
    this.#report[how].blobs++;
    this.#report[how].bytes += descriptor.size;
    return { descriptor };
  }

  /** Ask for each name whether it stands already; what does is reported and leaves the plan. */
  async #withoutPresent(plan: Plan): Promise<Plan> {
    const missing = async <T extends { from: Reference[]; to: Reference[] }>(
      items: T[],
      manifestOf: (item: T) => Document | undefined,
    ) => {
      const held = await mapLimit(items, this.#target.concurrency, async item => {
        const manifest = manifestOf(item);
        if (!manifest || item.to.length === 0) return false;
        for (const name of item.to) if (!(await this.#target.holds(name, manifest.descriptor))) return false;
        this.#report.images.push({
          from: item.from,
          to: item.to,
          manifest: manifest.descriptor,
          present: true,
        });
        return true;
      });
      return items.filter((_, i) => !held[i]);
    };
    const indexes = await missing(plan.indexes, ({ index }) => index);
    const images = await missing(plan.images, ({ image }) => image.manifest);
    // Children that have no name of their own are needed by the indexes that are left, and by those alone.
    const left = new Set(indexes.flatMap(({ homes }) => homes));
    return {
      indexes,
      images: images.filter(
        ({ to, homes }) => to.length > 0 || homes.some(home => home === NOWHERE || left.has(home)),
      ),
    };
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

  #gone(key: string): never {
    throw new AirferryError(
      'REGISTRY_FAILED',
      `the registry would not share the layer ${key} between repositories`,
      {
        suggestions: [
          `Decompress ${this.#source.description} first: layers can then be sent more than once.`,
        ],
      },
    );
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
