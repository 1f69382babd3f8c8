/**
 * A download into the cache. What was fetched of it stays when it breaks off, and the next run goes on there; what is whole is
 * known by its digest, and by its address, so that it need not be fetched again as long as the server has the same.
 *
 * `downloads/KEY.part` is under way, `downloads/KEY.json` says what it is a part of, or what it became; KEY is the sha256 of the
 * address.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, Digester, isDigest } from '../../content/digest.ts';
import { isAirferryError } from '../../errors.ts';
import { ReadFile } from '../../support/file.ts';
import { withFileLock } from '../../support/file-lock.ts';
import { isObject } from '../../support/is-object.ts';
import type { Meter } from '../../support/meter.ts';
import { writeWhole } from '../../support/write-file.ts';
import { type Cache, cacheUnwritable } from './cache.ts';
import { failed, type TransferRetry, transfer } from './transfer.ts';

export interface KeepOptions {
  cache: Cache;
  meter: Meter;
  /** The digest that it has to have, as far as it is known. */
  expected?: Digest | undefined;
  signal?: AbortSignal | undefined;
  retry?: Partial<TransferRetry>;
}

export interface Kept {
  digest: Digest;
  /** Bytes. */
  size: number;
}

/** What is known of an address. */
export interface DownloadNote {
  url: string;
  /** What tells this state of the file from others. */
  validator?: string;
  /** What it became; absent while it is under way. */
  digest?: Digest;
}

/** How long one run waits for another that fetches the same file; milliseconds. */
const PATIENCE_MS = 30 * 60_000;

/** The note of an address lies beside its part. */
export function downloadsFolder(cache: Cache): string {
  return join(cache.folder, 'downloads');
}

/**
 * Bring the content of an address into the cache. Throws DOWNLOAD_FAILED; DIGEST_MISMATCH is the caller's to throw, who knows
 * what was expected, and why: what came instead is kept under its own digest.
 */
export async function keepFile(url: string, options: KeepOptions): Promise<Kept> {
  const { cache, signal } = options;
  const folder = downloadsFolder(cache);
  await cache.makeFolder(folder);
  const key = join(folder, createHash('sha256').update(url).digest('hex'));
  return withFileLock(`${key}.lock`, () => new Download(url, key, options).run(), {
    patience: PATIENCE_MS,
    ...(signal && { signal }),
  });
}

class Download {
  readonly #url: string;
  readonly #part: string;
  readonly #noteFile: string;
  readonly #options: KeepOptions;
  #digester = new Digester();

  constructor(url: string, key: string, options: KeepOptions) {
    this.#url = url;
    this.#part = `${key}.part`;
    this.#noteFile = `${key}.json`;
    this.#options = options;
  }

  async run(): Promise<Kept> {
    const { cache, meter, signal, retry, expected } = this.#options;
    const note = await readNote(this.#noteFile);
    const known = note?.url === this.#url ? note : undefined;
    const whole = known?.digest === undefined ? undefined : await this.#whole(known.digest);
    const part = await openPart(this.#part);
    let unchanged = false;
    let validator: string | undefined;
    try {
      const there = known?.validator && !whole ? await this.#hashPart(part) : 0;
      const bytes = transfer(this.#url, {
        ...(known?.validator && there > 0 && { from: { offset: there, validator: known.validator } }),
        ...(known?.validator &&
          whole && {
            unless: {
              validator: known.validator,
              unchanged: () => {
                unchanged = true;
              },
            },
          }),
        onHead: async head => {
          validator = head.validator;
          if (head.offset === 0) this.#digester = new Digester();
          await part.truncate(head.offset);
          if (head.size !== undefined) meter.expect(head.size - head.offset);
          await writeNote(this.#noteFile, { url: this.#url, ...(validator && { validator }) });
        },
        checked: expected !== undefined,
        signal,
        ...(retry && { retry }),
      });
      for await (const chunk of meter.count(bytes, { reached: 0 })) {
        await write(part, chunk, this.#digester.size, this.#part);
        this.#digester.update(chunk);
      }
      if (unchanged && whole) return whole;
      await part.sync();
    } catch (error) {
      // Without it the rest could not be told to belong to it; and a full disk has better use for the room.
      if (validator === undefined || isAirferryError(error, 'DISK_FULL')) await this.#forget(whole);
      throw error;
    } finally {
      await part.close();
      if (unchanged) await unlink(this.#part).catch(() => undefined);
    }
    return this.#finish(cache, validator);
  }

  /** The blob that this address gave before, if it is there and sound. */
  async #whole(digest: Digest): Promise<Kept | undefined> {
    const { cache } = this.#options;
    const size = await cache.sizeOf(digest);
    if (size === undefined) return undefined;
    return (await isSound(cache, { digest, size })) ? { digest, size } : undefined;
  }

  /** Go through what is there of the file; the bytes of it. */
  async #hashPart(part: FileHandle): Promise<number> {
    const { size } = await part.stat();
    if (size === 0) return 0;
    const file = ReadFile.open(this.#part);
    try {
      for await (const chunk of file.stream()) this.#digester.update(chunk);
    } finally {
      file.close();
    }
    return this.#digester.size;
  }

  async #finish(cache: Cache, validator: string | undefined): Promise<Kept> {
    const size = this.#digester.size;
    if (size === 0) throw failed(this.#url, 'gave an empty file');
    const digest = this.#digester.digest();
    const path = cache.blobPath(digest);
    await cache.makeFolder(dirname(path));
    try {
      await rename(this.#part, path);
    } catch (cause) {
      throw cacheUnwritable(path, cause);
    }
    await writeNote(this.#noteFile, { url: this.#url, ...(validator && { validator }), digest });
    return { digest, size };
  }

  async #forget(whole: Kept | undefined): Promise<void> {
    await unlink(this.#part).catch(() => undefined);
    if (!whole) await unlink(this.#noteFile).catch(() => undefined);
  }
}

/** Go through a blob of the cache. One that is damaged is removed. */
export async function isSound(cache: Cache, blob: Kept, meter?: Meter): Promise<boolean> {
  try {
    meter?.expect(blob.size);
    const bytes = cache.read(blob);
    for await (const _ of meter ? meter.count(bytes, { reached: 0 }) : bytes);
    return true;
  } catch (error) {
    if (isAirferryError(error, 'DIGEST_MISMATCH', 'FILE_NOT_FOUND')) return false;
    throw error;
  }
}

/** What is known of an address; undefined where that is nothing, or not to be made out. */
export async function readNote(file: string): Promise<DownloadNote | undefined> {
  try {
    const note: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (!isObject(note) || typeof note.url !== 'string') return undefined;
    const { url, validator, digest } = note;
    return {
      url,
      ...(typeof validator === 'string' && validator.length < 1000 && { validator }),
      ...(isDigest(digest) && { digest }),
    };
  } catch {
    return undefined;
  }
}

function writeNote(path: string, note: DownloadNote): Promise<void> {
  return writeWhole(path, JSON.stringify(note), 0o600);
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW, 0o600);
  } catch (cause) {
    throw cacheUnwritable(path, cause);
  }
}

async function write(file: FileHandle, bytes: Uint8Array, at: number, path: string): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
  } catch (cause) {
    throw cacheUnwritable(path, cause);
  }
}
