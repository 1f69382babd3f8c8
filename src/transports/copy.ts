/**
 * The one algorithm: move images from a source to a target.
 *
 * Resolve the names, ask the target what it holds already, move only the blobs that are missing, hash while moving,
 * write manifests last. `image push`, `pull`, `save`, `copy`, `retag` and `bundle create` are this.
 */
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import { familiarName, type Reference } from '../content/reference.ts';
import { isAirferryError } from '../errors.ts';
import { mapLimit } from '../support/limit.ts';
import type { Meter } from '../support/meter.ts';
import { Semaphore } from '../support/semaphore.ts';
import { refuseLost, usesOfLayers } from './absent.ts';
import { assembleManifest, type StoredLayer } from './assemble.ts';
import { chainsByLayer } from './chains.ts';
import { type CopyReport, Ledger, type Outcome } from './copy-report.ts';
import { arrivalOf, arrivalsOf, foretoldHomes } from './foretold.ts';
import { NOWHERE } from './homes.ts';
import { prepareLayer } from './layer.ts';
import type { KnownLayers } from './layer-book.ts';
import { tellingMissing } from './missing-names.ts';
import { planCopy } from './plan.ts';
import { homesByLayer, type Plan } from './planned.ts';
import { withoutPresent } from './present.ts';
import type { Selection } from './selection.ts';
import type { Bytes, ForetoldImage, ImageSource, SequentialSource, SourceLayer } from './source.ts';
import { storeManifests } from './store-manifests.ts';
import type { Arrival, BlobInput, ImageTarget, PutResult } from './target.ts';

export { type CopiedImage, type CopyReport, type DigestChange, digestNote } from './copy-report.ts';

export interface CopyOptions extends Selection {
  /** What becomes of layers that come uncompressed and without a digest of their own. */
  compression: Compression;
  meter: Meter;
  signal?: AbortSignal;
  /**
   * Layers that were put into the same target with the same compression, by diffID; this copy adds its own. Sources that
   * share it share layers: one that is known here is neither compressed nor sent again, whatever it is called elsewhere.
   */
  known?: KnownLayers;
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

/** Layers that are compressed at once. One keeps all cores busy; the second is there while the first begins or ends. */
const PACKING = 2;

class Copy implements PreparedCopy {
  readonly #ledger = new Ledger();
  readonly #source: ImageSource;
  readonly #target: ImageTarget;
  readonly #options: CopyOptions;
  #plan: Plan = { images: [], indexes: [], referrers: [] };
  #present: Outcome[] = [];
  #presentReferrers: Outcome[] = [];
  readonly #tasks: Task[] = [];
  /** Where each layer has to be; undefined when all go to one place. */
  #homes: Map<string, Reference[]> | undefined;
  /** What each layer became at the target, by its key in the source. */
  readonly #stored = new Map<string, StoredLayer>();
  /** Layers by their content, whatever their keys: see `CopyOptions`. */
  readonly #known: KnownLayers;
  /** The diffID of each layer by its key, as far as it is known before the layer is read. */
  #diffIds = new Map<string, Digest>();
  /** The IDs by which engines know each layer, by its key. */
  #chains: ReadonlyMap<string, ReadonlySet<Digest>> = new Map();

  constructor(source: ImageSource, target: ImageTarget, options: CopyOptions) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#known = options.known ?? new Map();
  }

  async prepare(): Promise<void> {
    const { meter } = this.#options;
    if (this.#source.access === 'sequential') {
      meter.expect(this.#source.bytes);
      const { foretold, complete } = this.#source;
      if (this.#takesAll()) return;
      if (foretold && !complete)
        return this.#expect(
          arrivalsOf(this.#source, [foretoldHomes(foretold, this.#options, this.#target.scope)]),
        );
      if (!complete) {
        // The file is gone through once to know what it holds.
        meter.expect(this.#source.bytes);
        for await (const _ of this.#source.layers()) this.#options.signal?.throwIfAborted();
      }
    }
    await this.#decide();
    // What a stream holds is known when it has passed; where it goes, before.
    if (this.#source.access === 'sequential')
      return this.#expect(arrivalsOf(this.#source, [...(this.#homes?.values() ?? [])]));
    for await (const layer of this.#source.layers()) {
      if (!this.#homes?.has(layer.key)) continue;
      meter.expect(layer.size);
      this.#tasks.push({ layer, mark: { reached: 0 } });
    }
    const layers = this.#tasks.map(({ layer }) => layer);
    const named = this.#plan.images.map(({ image, to }) => ({ image, names: to.map(familiarName) }));
    const homesOf = ({ key }: SourceLayer): Reference[] => this.#homes?.get(key) ?? [];
    await refuseLost(this.#source.description, layers, this.#target, homesOf, usesOfLayers(named));
    await this.#expect(layers.map(layer => arrivalOf(layer, homesOf(layer))));
  }

  async #expect(arrivals: readonly Arrival[]): Promise<void> {
    if (arrivals.some(({ homes }) => homes.length > 0)) await this.#target.expect?.(arrivals);
  }

  /** With the inventory at hand: what is to be done, and where each layer goes. */
  async #decide(): Promise<void> {
    const whole = planCopy(await this.#source.inventory(), this.#options);
    const { plan, present, presentReferrers } = await withoutPresent(
      whole,
      this.#target,
      this.#options.compression,
    );
    this.#plan = plan;
    this.#present = present;
    this.#presentReferrers = presentReferrers;
    this.#homes = homesByLayer(plan, this.#target.scope);
    for (const { image } of plan.images)
      for (const { key, diffId } of image.layers) if (diffId) this.#diffIds.set(key, diffId);
    this.#chains = chainsByLayer(plan.images.map(({ image }) => image));
  }

  run(): Promise<CopyReport> {
    // What is one file is there as a whole, or not at all.
    if (this.#target.scope === 'whole') return this.#run();
    return tellingMissing(
      () => this.#plan,
      onNamed => this.#run(onNamed),
    );
  }

  async #run(onNamed?: (name: Reference) => void): Promise<CopyReport> {
    await (this.#source.access === 'sequential' ? this.#inOrder(this.#source) : this.#sideBySide());
    if (this.#target.scope === 'whole') this.#remember();
    const { outcomes, referrers } = await storeManifests(this.#plan, {
      target: this.#target,
      assemble: image => assembleManifest(image, this.#stored, this.#source.description),
      put: async (blob, home) => (await this.#put(blob, home)).descriptor,
      onNamed,
      signal: this.#options.signal,
    });
    for (const result of this.#target.resent ?? []) this.#ledger.correct(result);
    return this.#ledger.report([...this.#present, ...outcomes], [...this.#presentReferrers, ...referrers]);
  }

  async #sideBySide(): Promise<void> {
    const { meter } = this.#options;
    const packing = new Semaphore(PACKING);
    await mapLimit(this.#tasks, this.#target.concurrency, async ({ layer, mark }) => {
      const count = (bytes: Bytes): Bytes => meter.count(bytes, mark);
      const { lend } = layer;
      const counted = {
        ...layer,
        open: () => count(layer.open()),
        ...(lend && { lend: () => count(lend()) }),
      };
      const put = () => this.#putLayer(counted, this.#homes?.get(layer.key) ?? []);
      const isPlain = layer.compression === 'none' && !layer.descriptor;
      const moved = await (isPlain ? packing.run(put) : put());
      const rest = layer.size - mark.reached;
      if (moved) meter.advance(rest);
      else meter.spare(rest);
    });
  }

  /** Layers pass in the order of the file. Where all go to one place, which images they belong to may come last. */
  async #inOrder(source: SequentialSource): Promise<void> {
    const { foretold } = source;
    if (!this.#homes && !this.#takesAll() && foretold) return this.#asForetold(source, foretold);
    if (this.#homes?.size === 0) this.#options.meter.spare(source.bytes);
    else
      for await (const layer of source.layers())
        await this.#putLayer(layer, this.#homes ? (this.#homes.get(layer.key) ?? []) : [NOWHERE]);
    if (!this.#homes) this.#plan = planCopy(await source.inventory(), this.#options);
  }

  /** Layers tell where they belong. Those that do not are asked for once more when all is known. */
  async #asForetold(source: SequentialSource, images: readonly ForetoldImage[]): Promise<void> {
    const { scope } = this.#target;
    if (foretoldHomes(images, this.#options, scope).length === 0) {
      this.#options.meter.spare(source.bytes);
      return;
    }
    const untold = new Set<string>();
    for await (const layer of source.layers()) {
      if (layer.foretold)
        await this.#putLayer(layer, foretoldHomes(layer.foretold.images, this.#options, scope));
      else untold.add(layer.key);
    }
    await this.#decide();
    const missed = [...untold].filter(key => this.#homes?.has(key));
    if (missed.length === 0) return;
    this.#options.meter.expect(source.bytes);
    for await (const layer of source.layers())
      if (untold.has(layer.key)) await this.#putLayer(layer, this.#homes?.get(layer.key) ?? []);
  }

  /** Whether every layer has to move, and to one place, so that no inventory is needed before. */
  #takesAll(): boolean {
    return this.#target.scope === 'whole' && this.#options.unnamed;
  }

  /** What engines call a layer, where that is known: the far side may know it by that alone. */
  #told(blob: BlobInput, { key }: SourceLayer): BlobInput {
    const chains = this.#chains.get(key);
    return 'descriptor' in blob && chains ? { ...blob, chains: [...chains] } : blob;
  }

  /**
   * Put a layer to each of its places: the bytes travel to the first, the others may take them from there. False when
   * they were at all places already, or nearby.
   */
  async #putLayer(layer: SourceLayer, homes: readonly Reference[]): Promise<boolean> {
    const { blob, diffId } = prepareLayer(layer, this.#options.compression);
    let moved = false;
    for (const home of homes) {
      this.#options.signal?.throwIfAborted();
      const known = this.#stored.get(layer.key) ?? this.#sameContent(layer);
      const afresh = (): Promise<PutResult> => this.#put(this.#told(blob, layer), home);
      const { descriptor, how } = known
        ? await this.#put({ ...blob, descriptor: known.descriptor }, home).catch(error => {
            // An earlier run compressed it to other bytes: then it is a new layer after all.
            const old = this.#stored.has(layer.key) ? undefined : known.diffId;
            if (!old || !isAirferryError(error, 'DIGEST_MISMATCH') || !this.#known.disown?.(old)) throw error;
            return afresh();
          })
        : await afresh();
      const learned = diffId() ?? known?.diffId;
      if (!this.#stored.has(layer.key)) this.#stored.set(layer.key, { descriptor, diffId: learned });
      if (learned && layer.compression === 'none') this.#known.set(learned, descriptor);
      moved ||= how === 'moved';
    }
    return moved;
  }

  /** A plain layer of the same content that was put under another key, or by an earlier copy. */
  #sameContent(layer: SourceLayer): StoredLayer | undefined {
    if (layer.descriptor || layer.compression !== 'none') return undefined;
    const diffId = layer.foretold?.diffId ?? this.#diffIds.get(layer.key);
    const descriptor = diffId && this.#known.get(diffId);
    return descriptor && { descriptor, diffId };
  }

  /** In a target that keeps content in common, layers that came compressed stand for their content, too. */
  #remember(): void {
    for (const { image } of this.#plan.images) {
      for (const { key, diffId } of image.layers) {
        const stored = this.#stored.get(key);
        if (stored && diffId && !this.#known.has(diffId)) this.#known.set(diffId, stored.descriptor);
      }
    }
  }

  async #put(blob: BlobInput, home: Reference): Promise<PutResult> {
    const result = await this.#target.putBlob(blob, home);
    this.#ledger.note(result);
    return result;
  }
}
