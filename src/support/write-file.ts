/** Files written whole or not at all: under a temporary name beside the target, synced, then renamed. */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AirferryError, systemCode } from '../errors.ts';

/** What is written as one file, wherever its bytes go. Either `commit` or `discard` ends it. */
export interface PendingOutput {
  readonly path: string;
  /** Where the next `append` goes, in bytes from the start. */
  readonly position: number;
  /** Go back to an earlier position, once all is written: what follows it is overwritten, or cut off by `commit`. */
  rewind(position: number): Promise<void>;
  /** Leave room to be filled later by `writeAt`. */
  skip(bytes: number): void;
  /** Write at the end. Returns when the bytes before these are written, so that work and disk overlap. */
  append(bytes: Uint8Array): Promise<void>;
  writeAt(bytes: Uint8Array, at: number): Promise<void>;
  /** Make it stand under its name. */
  commit(): Promise<void>;
  /** Leave no trace. */
  discard(): Promise<void>;
}

/** A file under way. Either `commit` or `discard` ends it; until then nothing stands under its final name. */
export class PendingFile implements PendingOutput {
  readonly path: string;
  readonly #temporary: string;
  readonly #handle: FileHandle;
  #position = 0;
  #underway: Promise<unknown> = Promise.resolve();
  #sealed = false;

  private constructor(path: string, temporary: string, handle: FileHandle) {
    this.path = path;
    this.#temporary = temporary;
    this.#handle = handle;
  }

  /**
   * Begin a file; until it is whole it lies in `folder`, on the same file system. Throws FILE_UNWRITABLE, also where a
   * folder of that name stands.
   */
  static async create(path: string, folder = dirname(path)): Promise<PendingFile> {
    const temporary = join(folder, `.${basename(path)}.${randomBytes(4).toString('hex')}.part`);
    try {
      const there = await stat(path).catch(() => undefined);
      if (there?.isDirectory()) throw Object.assign(new Error(`${path} is a folder`), { code: 'EISDIR' });
      const flags = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;
      return new PendingFile(path, temporary, await open(temporary, flags, 0o600));
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  /**
   * Go on with a file that lies at `temporary` as `leave` left it, or begin it there. It is the caller's to see to it that
   * nobody else does. Throws FILE_UNWRITABLE.
   */
  static async resume(path: string, temporary: string): Promise<PendingFile> {
    try {
      const flags = constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW;
      const file = new PendingFile(path, temporary, await open(temporary, flags, 0o600));
      file.#position = (await file.#handle.stat()).size;
      return file;
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }

  /** Where the next `append` goes, in bytes from the start. */
  get position(): number {
    return this.#position;
  }

  /** Go back to an earlier position, once all is written: what follows it is overwritten, or cut off by `commit`. */
  async rewind(position: number): Promise<void> {
    await this.#underway;
    this.#position = position;
  }

  /** Leave room to be filled later by `writeAt`. */
  skip(bytes: number): void {
    this.#position += bytes;
  }

  /** Write at the end. Returns when the bytes before these are written, so that work and disk overlap. */
  async append(bytes: Uint8Array): Promise<void> {
    const at = this.#position;
    this.#position += bytes.length;
    await this.#underway;
    this.#underway = this.writeAt(bytes, at);
    this.#underway.catch(() => undefined);
  }

  async writeAt(bytes: Uint8Array, at: number): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, at + done);
        done += bytesWritten;
      }
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }

  /** Up to `length` bytes of what was written at an offset; fewer only at the end. */
  async readAt(at: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafeSlow(length);
    try {
      for (let done = 0; ; ) {
        const { bytesRead } = await this.#handle.read(buffer, done, length - done, at + done);
        done += bytesRead;
        if (bytesRead === 0 || done === length) return buffer.subarray(0, done);
      }
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
  }

  /** Bring it to the disk, cut to the position, with these permission bits. Only its name is left to be given then. */
  async seal(mode = 0o644): Promise<void> {
    await this.#underway;
    try {
      await this.#handle.truncate(this.#position);
      await this.#handle.chmod(mode & ~process.umask());
      await this.#handle.sync();
      await this.#handle.close();
    } catch (cause) {
      throw unwritable(this.path, cause);
    }
    this.#sealed = true;
  }

  /**
   * Make the file stand under its name, or under one that was not known before: cut to the position, on disk, with the
   * given permission bits.
   */
  async commit(mode = 0o644, path = this.path): Promise<void> {
    if (!this.#sealed) await this.seal(mode);
    try {
      await rename(this.#temporary, path);
    } catch (cause) {
      throw unwritable(path, cause);
    }
    await syncFolder(dirname(path));
  }

  /** End it for now: what was written of it stays under its temporary name, for `resume`. */
  async leave(): Promise<void> {
    await this.#underway.catch(() => undefined);
    await this.#handle.close().catch(() => undefined);
  }

  /** Leave no trace. */
  async discard(): Promise<void> {
    await this.leave();
    await unlink(this.#temporary).catch(() => undefined);
  }
}

/** Write a small file whole or not at all, with these permission bits. Throws FILE_UNWRITABLE, DISK_FULL. */
export async function writeWhole(path: string, content: string | Uint8Array, mode?: number): Promise<void> {
  const file = await PendingFile.create(path);
  try {
    await file.append(typeof content === 'string' ? Buffer.from(content) : content);
    await file.commit(mode);
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** Bring a folder's names to the disk, so that a disk which is pulled out has them. Not every file system can. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** The error for a file that could not be written. */
export function unwritable(path: string, cause: unknown): AirferryError {
  const code = systemCode(cause);
  const where = { file: path };
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AirferryError('DISK_FULL', `the disk is full; ${path} was not written`, {
      where,
      cause,
      suggestions: [`Free space on ${dirname(path)} (df -h tells), or write to another disk with -o.`],
    });
  }
  if (code === 'EFBIG') {
    return new AirferryError('FILE_UNWRITABLE', `the file system of ${path} takes no file of this size`, {
      where,
      cause,
      suggestions: ['FAT32 ends at 4 GiB a file. Format the disk as exFAT or ext4.'],
    });
  }
  const why = (code && REASONS[code]) ?? code ?? String(cause);
  return new AirferryError('FILE_UNWRITABLE', `cannot write ${path}: ${why}`, { where, cause });
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'there is no such folder',
  EISDIR: 'it is a folder',
  EACCES: 'permission denied',
  EROFS: 'the disk is read-only',
  EIO: 'the disk reports a write error',
};
