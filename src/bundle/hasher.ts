/** Hashing the entries of a bundle: small bundles here, large ones on two cores. */
import { type Digest, Digester, hexOf } from '../content/digest.ts';
import { abortError } from '../errors.ts';
import type { ReadableFile } from '../support/file.ts';
import { HashPool } from '../support/hash-pool.ts';
import type { Meter } from '../support/meter.ts';
import type { TarEntry } from '../tar/index.ts';

/** Bytes up to which threads would take longer to begin than the work takes. */
const SMALL = 64 * 1024 * 1024;
/** Bytes of an entry that is hashed at once, without a stream. */
const TINY = 256 * 1024;

export class EntryHasher implements AsyncDisposable {
  readonly #file: ReadableFile;
  readonly #meter: Meter;
  readonly #signal: AbortSignal | undefined;
  readonly #aborted: Promise<never>;
  readonly #pool: HashPool | undefined;

  /** For entries of one file; their sizes decide how. */
  constructor(
    file: ReadableFile,
    tasks: readonly { entry: TarEntry }[],
    { meter, signal }: { meter: Meter; signal?: AbortSignal },
  ) {
    this.#file = file;
    this.#meter = meter;
    this.#signal = signal;
    this.#aborted = new Promise((_, reject) =>
      signal?.addEventListener('abort', () => reject(abortError(signal)), { once: true }),
    );
    this.#aborted.catch(() => undefined);
    const bytes = tasks.reduce((sum, { entry }) => sum + entry.size, 0);
    this.#pool = bytes > SMALL ? new HashPool() : undefined;
  }

  /** The digest of an entry's content, by the algorithm of `like`. Throws INTERRUPTED, FILE_UNREADABLE. */
  async hash({ offset, size }: TarEntry, like: Digest): Promise<Digest> {
    this.#signal?.throwIfAborted();
    if (size <= TINY) return this.#inMemory(offset, size, like);
    if (this.#pool) return this.#elsewhere(this.#pool, offset, size, like);
    const digester = new Digester(like);
    for await (const chunk of this.#file.lend(offset, size)) {
      this.#signal?.throwIfAborted();
      digester.update(chunk);
      this.#meter.advance(chunk.length);
    }
    return digester.digest();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool?.[Symbol.asyncDispose]();
  }

  #inMemory(offset: number, size: number, like: Digest): Digest {
    const digester = new Digester(like);
    digester.update(this.#file.readAt(offset, size));
    this.#meter.advance(size);
    return digester.digest();
  }

  async #elsewhere(pool: HashPool, offset: number, size: number, like: Digest): Promise<Digest> {
    const algorithm = like.slice(0, like.length - hexOf(like).length - 1) as 'sha256' | 'sha512';
    const stretches = this.#file.stretches(offset, size);
    const hashed = pool.hash({ algorithm, stretches }, bytes => this.#meter.advance(bytes));
    const hex = await Promise.race([hashed, this.#aborted]);
    return `${algorithm}:${hex}`;
  }
}
