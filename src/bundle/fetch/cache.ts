/**
 * The cache: content by its digest, kept for the next run. `blobs/sha256/HEX` is whole and was hashed on its way in; it is
 * hashed again whenever it is used. Several processes may use it at once: files appear by renaming, with the same content.
 */
import { chmod, stat, unlink, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';
import { verified } from '../../content/verified.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { ReadFile } from '../../support/file.ts';
import { makeFolders } from '../../support/folders.ts';
import { unwritable, writeWhole } from '../../support/write-file.ts';

type Named = Pick<Descriptor, 'digest' | 'size'>;

/** Nobody else may read what may come from a registry with a login. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** `$XDG_CACHE_HOME/airferry`, `~/.cache/airferry`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'airferry');
}

export class Cache {
  readonly folder: string;
  /** Whole sentences: what could not be kept. Nothing of it is a failure. */
  readonly warnings: string[] = [];

  constructor(folder: string) {
    this.folder = folder;
  }

  /** Where a blob lies, if it does. */
  blobPath(digest: Digest): string {
    return join(this.folder, 'blobs', ...digest.split(':'));
  }

  /** The size of a blob, in bytes; undefined where it is not there. */
  async sizeOf(digest: Digest): Promise<number | undefined> {
    const found = await stat(this.blobPath(digest)).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  }

  async has({ digest, size }: Named): Promise<boolean> {
    return (await this.sizeOf(digest)) === size;
  }

  /**
   * The bytes of a blob that is there, verified. One that turns out damaged is removed before DIGEST_MISMATCH is thrown, so
   * that the next run fetches it.
   */
  async *read({ digest, size }: Named): AsyncGenerator<Uint8Array> {
    const path = this.blobPath(digest);
    const file = ReadFile.open(path);
    try {
      const now = new Date();
      await utimes(path, now, now).catch(() => undefined);
      yield* verified(file.stream(), { digest, size });
    } catch (error) {
      if (!isAirferryError(error, 'DIGEST_MISMATCH')) throw error;
      await unlink(path).catch(() => undefined);
      throw new AirferryError('DIGEST_MISMATCH', `the copy of ${digest} in the cache was damaged`, {
        where: { file: path, blob: digest },
        suggestions: ['It was removed: run the command again, and it is fetched anew.'],
      });
    } finally {
      file.close();
    }
  }

  /** Small content that is at hand, and is what its digest says. What cannot be kept is not. */
  async store({ digest }: Named, bytes: Uint8Array): Promise<void> {
    try {
      await writeWhole(await this.placeFor(digest), bytes, FILE_MODE);
    } catch (error) {
      this.excuse(error);
    }
  }

  /** Where a blob is to lie, in a folder that is there. Throws FILE_UNWRITABLE, DISK_FULL. */
  async placeFor(digest: Digest): Promise<string> {
    const path = this.blobPath(digest);
    await this.makeFolder(dirname(path));
    return path;
  }

  /** Throws FILE_UNWRITABLE. */
  async makeFolder(path: string): Promise<void> {
    try {
      const made = await makeFolders(path, FOLDER_MODE);
      if (made !== undefined) await chmod(path, FOLDER_MODE);
    } catch (cause) {
      throw cacheUnwritable(path, cause);
    }
  }

  async remove(digest: Digest): Promise<void> {
    await unlink(this.blobPath(digest)).catch(() => undefined);
  }

  /** Something could not be kept: that is no failure, and is told once. Throws every other error again. */
  excuse(error: unknown): undefined {
    if (!isAirferryError(error, 'FILE_UNWRITABLE', 'DISK_FULL')) throw error;
    if (this.warnings.length === 0)
      this.warnings.push(`Not everything could be kept for the next run: ${error.message}.`);
    return undefined;
  }
}

/** The error for a file of the cache that could not be written. */
export function cacheUnwritable(path: string, cause: unknown): AirferryError {
  const { code, message, where } = unwritable(path, cause);
  return new AirferryError(code, message, {
    where,
    cause,
    suggestions: [
      'Make room with `airferry cache prune`, name another folder with --cache, or do without it: --no-cache.',
    ],
  });
}
