/** All that a recipe fetches: lock, cache, files of publishers, images of registries. */
import { Lock } from '../../config/lock.ts';
import type { Mirror } from '../../config/mirrors.ts';
import type { Recipe } from '../../config/recipe.ts';
import type { RegistryClientOptions } from '../../registry/client.ts';
import type { Meter } from '../../support/meter.ts';
import { fetchAhead } from './ahead.ts';
import { Cache, cacheFolder } from './cache.ts';
import { PublishedFiles } from './files.ts';
import { mirrorsIn } from './mirroring.ts';
import { PUBLISHER_HOSTS } from './publishers.ts';
import { Registries } from './registries.ts';
import { type FetchedGroup, openGroups } from './registry-images.ts';
import { type ResolvedImage, resolveImages } from './resolve-images.ts';
import type { TransferRetry } from './transfer.ts';
import { wantedFiles } from './wanted-files.ts';
import { wantedImages } from './wanted-images.ts';

export interface FetchOptions {
  /** The cache's folder, instead of the user's; false for none: nothing is kept for the next run. */
  cache?: string | false;
  /** What the lock does not pin is an error. */
  locked?: boolean;
  /** Before those of environment and recipe. */
  mirrors?: readonly Mirror[];
  env?: NodeJS.ProcessEnv;
  /** For the clients of all registries. */
  registry?: Partial<RegistryClientOptions>;
  /** For the downloads of files. */
  retry?: Partial<TransferRetry>;
}

interface Watch {
  meter: Meter;
  signal?: AbortSignal | undefined;
}

export class Fetching {
  readonly lock: Lock;
  readonly files: PublishedFiles;
  readonly #recipe: Recipe;
  readonly #locked: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #cache: Cache | undefined;
  readonly #registries: Registries;
  readonly #registryOptions: Partial<RegistryClientOptions>;
  readonly #warnings: string[] = [];
  #images: ResolvedImage[] = [];

  private constructor(recipe: Recipe, lock: Lock, options: FetchOptions & Watch) {
    const { cache, locked = false, mirrors = [], env = process.env, signal, meter, retry } = options;
    this.lock = lock;
    this.#recipe = recipe;
    this.#locked = locked;
    this.#signal = signal;
    this.#cache = cache === false ? undefined : new Cache(cache ?? cacheFolder(env));
    this.#registryOptions = { ...options.registry, env, ...(signal && { signal }) };
    this.#registries = new Registries(recipe.registries, this.#cache, this.#registryOptions);
    this.files = new PublishedFiles({
      recipe,
      lock,
      locked,
      mirrors: [mirrors, mirrorsIn(env, PUBLISHER_HOSTS), recipe.mirrors],
      cache: this.#cache,
      meter,
      signal,
      ...(retry && { retry }),
    });
  }

  /** Throws RECIPE_INVALID for a lock that cannot be read, and USAGE for a mirror that is none. */
  static async begin(recipe: Recipe, options: FetchOptions & Watch): Promise<Fetching> {
    return new Fetching(recipe, await Lock.beside(recipe.file), options);
  }

  /** Whole sentences. */
  get warnings(): string[] {
    return [...this.#warnings, ...this.files.warnings, ...(this.#cache?.warnings ?? [])];
  }

  /**
   * Find out what all images are, and fetch all files; with `ahead`, layers of the images come beside them into the cache,
   * as far as they get by then. Gives back the images, as sources of copies. Throws what `resolveImages`, `openGroups` and
   * `PublishedFiles.fetch` do.
   */
  async fetch({ ahead }: { ahead: boolean }): Promise<FetchedGroup[]> {
    await this.resolve();
    const files = await wantedFiles(this.#recipe);
    this.files.expectPinned(files);
    const groups = await this.openImages();
    const cache = this.#cache;
    if (!ahead || !cache) await this.files.fetch(files);
    else await this.#fetchBeside(groups, cache, begin => this.files.fetch(files, begin));
    return groups;
  }

  /** Layers are fetched from when `work` says so, and until it ends. */
  async #fetchBeside(
    groups: readonly FetchedGroup[],
    cache: Cache,
    work: (begin: () => void) => Promise<void>,
  ): Promise<void> {
    const enough = new AbortController();
    const signal = AbortSignal.any([enough.signal, ...(this.#signal ? [this.#signal] : [])]);
    const registries = new Registries(this.#recipe.registries, cache, { ...this.#registryOptions, signal });
    let layers: Promise<void> | undefined;
    try {
      await work(() => {
        layers ??= fetchAhead(groups, { registries, cache, signal });
      });
    } finally {
      enough.abort();
      await layers;
      await registries.close();
    }
  }

  /** Fetch all files, so that the lock has every one of them: without a cache, too, where nothing of them is kept. */
  async fetchFiles(): Promise<void> {
    const files = await wantedFiles(this.#recipe);
    await this.files.fetch(files);
    for (const file of files)
      if (!file.digest && !this.lock.digestOf(file.url)) for await (const _ of this.files.open(file));
  }

  /** Find out what all images are. */
  async resolve(): Promise<ResolvedImage[]> {
    const wanted = await wantedImages(this.#recipe);
    const { images, warnings } = await resolveImages(wanted.images, {
      recipe: this.#recipe,
      lock: this.lock,
      registries: this.#registries,
      locked: this.#locked,
      ...(this.#signal && { signal: this.#signal }),
    });
    this.#images = images;
    this.#warnings.push(...wanted.warnings, ...warnings);
    return images;
  }

  /** The images that were resolved, as sources of copies. */
  async openImages(): Promise<FetchedGroup[]> {
    const groups = await openGroups(this.#images, {
      recipe: this.#recipe,
      registries: this.#registries,
      lock: this.lock,
      locked: this.#locked,
      signal: this.#signal,
    });
    this.#warnings.push(...groups.flatMap(({ warnings }) => warnings));
    return groups;
  }

  close(): Promise<void> {
    return this.#registries.close();
  }
}
