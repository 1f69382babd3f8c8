/**
 * The files that a recipe leaves to publishers: fetched side by side into the cache, from mirrors if there are any, checked
 * against what the lock, the recipe or the publisher says of them. Without a cache they are streamed when they are packed.
 */
import { type Lock, notLocked } from '../../config/lock.ts';
import type { Mirror } from '../../config/mirrors.ts';
import type { Digest } from '../../content/digest.ts';
import { Digester } from '../../content/digest.ts';
import { AirferryError } from '../../errors.ts';
import { mapLimit } from '../../support/limit.ts';
import type { Meter } from '../../support/meter.ts';
import { inRecipe } from '../in-recipe.ts';
import type { Cache } from './cache.ts';
import { publishedChecksum } from './checksums.ts';
import { isSound, type Kept, keepFile } from './keep-file.ts';
import { mirrored } from './mirroring.ts';
import { type TransferRetry, transfer } from './transfer.ts';
import type { WantedFile } from './wanted-files.ts';

export interface FilesOptions {
  recipe: { file: string };
  lock: Lock;
  /** Nothing new may be resolved. */
  locked: boolean;
  /** Those of the command line, of the environment, of the recipe. */
  mirrors: readonly (readonly Mirror[])[];
  cache?: Cache | undefined;
  meter: Meter;
  signal?: AbortSignal | undefined;
  retry?: Partial<TransferRetry>;
}

/** Downloads at once. */
const AT_ONCE = 4;

export class PublishedFiles {
  /** Whole sentences. */
  readonly warnings: string[] = [];
  readonly #options: FilesOptions;
  readonly #kept = new Map<string, Kept>();
  /** What a publisher says of files that nothing else is known of. */
  readonly #published = new Map<string, Digest>();

  constructor(options: FilesOptions) {
    this.#options = options;
  }

  /** Throws LOCK_INCOMPLETE where the lock may not grow, and pins not all of the files. */
  expectPinned(files: readonly WantedFile[]): void {
    const { lock, locked } = this.#options;
    const unknown = files.filter(file => this.#pinned(file) === undefined);
    if (locked && unknown.length > 0)
      throw notLocked(
        lock,
        unknown.map(({ what, url }) => `${what} (${url})`),
      );
  }

  /**
   * Fetch files, or without a cache find out what they have to be. `onDownload` hears of each that is not in the cache.
   * Throws as `expectPinned`; DOWNLOAD_FAILED and DIGEST_MISMATCH at the place in the recipe.
   */
  async fetch(files: readonly WantedFile[], onDownload?: () => void): Promise<void> {
    const { recipe } = this.#options;
    this.expectPinned(files);
    const distinct = [...new Map(files.map(file => [file.url, file])).values()];
    await mapLimit(distinct, AT_ONCE, file => inRecipe(recipe, file.at, () => this.#fetch(file, onDownload)));
  }

  /** The content of a file, verified; what was not known of it before is pinned at its end. */
  async *open(file: WantedFile): AsyncGenerator<Uint8Array> {
    const { cache } = this.#options;
    const kept = this.#kept.get(file.url);
    if (cache && kept) yield* cache.read(kept);
    else yield* this.#stream(file);
  }

  async #fetch(file: WantedFile, onDownload?: () => void): Promise<void> {
    const { cache, meter, signal, retry } = this.#options;
    const expected = await this.#expected(file);
    if (!cache) return;
    const size = expected && (await cache.sizeOf(expected));
    if (expected && size !== undefined && (await isSound(cache, { digest: expected, size }, meter))) {
      this.#take(file, { digest: expected, size });
      return;
    }
    onDownload?.();
    const kept = await keepFile(this.#address(file), {
      cache,
      meter,
      expected,
      signal,
      ...(retry && { retry }),
    });
    this.#check(file, kept.digest);
    this.#take(file, kept);
  }

  #take(file: WantedFile, kept: Kept): void {
    this.#kept.set(file.url, kept);
    this.#pin(file, kept.digest);
  }

  async *#stream(file: WantedFile): AsyncGenerator<Uint8Array> {
    const { meter, signal, retry } = this.#options;
    const expected = this.#pinned(file) ?? this.#published.get(file.url);
    const digester = new Digester(expected);
    const bytes = transfer(this.#address(file), {
      onHead: ({ size }) => {
        if (size !== undefined) meter.expect(size);
      },
      checked: expected !== undefined,
      signal,
      ...(retry && { retry }),
    });
    for await (const chunk of meter.count(bytes, { reached: 0 })) {
      digester.update(chunk);
      yield chunk;
    }
    const digest = digester.digest();
    this.#check(file, digest);
    this.#pin(file, digest);
  }

  /** What a file has to be: as recipe or lock say, else as its publisher says. */
  async #expected(file: WantedFile): Promise<Digest | undefined> {
    const { mirrors, signal, retry } = this.#options;
    const known = this.#pinned(file) ?? this.#published.get(file.url);
    if (known || file.checksumUrl === undefined) return known;
    const url = mirrored(file.checksumUrl, mirrors);
    const digest = await publishedChecksum(url, file.fileName, { signal, ...(retry && { retry }) });
    if (digest) this.#published.set(file.url, digest);
    else
      this.warnings.push(
        `${url} is not there, so ${file.fileName} could not be checked; the lock pins what came.`,
      );
    return digest;
  }

  #pinned(file: WantedFile): Digest | undefined {
    return file.digest ?? this.#options.lock.digestOf(file.url);
  }

  #pin(file: WantedFile, digest: Digest): void {
    if (file.digest === undefined) this.#options.lock.pin(file.url, digest);
  }

  #address({ url }: WantedFile): string {
    return mirrored(url, this.#options.mirrors);
  }

  #check(file: WantedFile, got: Digest): void {
    const { lock } = this.#options;
    const pinned = this.#pinned(file);
    const expected = pinned ?? this.#published.get(file.url);
    if (expected === undefined || got === expected) return;
    const url = this.#address(file);
    const who = file.digest ? 'the recipe' : pinned ? lock.file : 'its publisher';
    throw new AirferryError(
      'DIGEST_MISMATCH',
      `${file.fileName} is not what ${who} says: expected ${expected}, got ${got} from ${url}`,
      {
        where: { url },
        suggestions: [
          file.digest
            ? 'The file at that address has changed. If that is known and meant, correct the sha256 in the recipe.'
            : pinned
              ? `The file at that address has changed since it was locked. If that is known and meant, run \`airferry bundle update ${file.fileName}\`.`
              : 'The download was changed on its way, or a mirror is out of date: fetch it from elsewhere.',
        ],
      },
    );
  }
}
