/** Files read in place: at an offset, or as a stream of large chunks with one read ahead. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { AirferryError, systemCode } from '../errors.ts';
import { litter } from './garbage.ts';

/** Reads of this size keep both disk and hash busy; smaller ones cost up to half the speed. Bytes. */
export const CHUNK = 512 * 1024;

/** A piece of a file on the disk, in bytes from its start. */
export interface Stretch {
  file: string;
  offset: number;
  length: number;
}

/** Bytes that can be read anywhere: those of one file, or of several that are one behind another. */
export interface ReadableFile {
  /** What messages call it. */
  readonly path: string;
  /** Bytes at the time of opening. */
  readonly size: number;
  /** Up to `length` bytes at an offset; fewer only at the end. For headers and documents, not for bulk. */
  readAt(offset: number, length: number): Uint8Array;
  /** The bytes from an offset on, `length` of them, in large chunks; ends early at the end. */
  stream(offset?: number, length?: number): AsyncGenerator<Uint8Array>;
  /** As `stream`, for those who are done with a chunk when they ask for the next: its memory is filled again then. */
  lend(offset?: number, length?: number): AsyncGenerator<Uint8Array>;
  /** Where a byte lies on the disk, for messages. */
  locate(offset: number): { file: string; offset: number };
  /** The pieces of files on the disk that the bytes from an offset on lie in. */
  stretches(offset: number, length: number): Stretch[];
  close(): void;
}

/** A file that is open for reading. Close it when done. */
export class ReadFile implements ReadableFile {
  readonly path: string;
  /** Bytes at the time of opening. */
  readonly size: number;
  readonly #fd: number;

  private constructor(path: string, fd: number, size: number) {
    this.path = path;
    this.#fd = fd;
    this.size = size;
  }

  /** Open a regular file. Throws FILE_NOT_FOUND or FILE_UNREADABLE. */
  static open(path: string): ReadFile {
    let fd: number;
    try {
      // Without NONBLOCK a named pipe would be waited for; regular files take no notice of it.
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (cause) {
      throw unreadable(path, cause);
    }
    const stat = fstatSync(fd);
    if (stat.isFile()) return new ReadFile(path, fd, stat.size);
    closeSync(fd);
    const what = stat.isDirectory() ? 'a folder' : 'not a regular file';
    throw new AirferryError('FILE_UNREADABLE', `${path} is ${what}`, { where: { file: path } });
  }

  /**
   * Up to `length` bytes at an offset; fewer only at the end of the file. For headers and documents, not for bulk.
   * Throws FILE_UNREADABLE.
   */
  readAt(offset: number, length: number): Uint8Array {
    const buffer = Buffer.allocUnsafe(length);
    let done = 0;
    while (done < length) {
      let count: number;
      try {
        count = readSync(this.#fd, buffer, done, length - done, offset + done);
      } catch (cause) {
        throw unreadable(this.path, cause);
      }
      if (count === 0) break;
      done += count;
    }
    return buffer.subarray(0, done);
  }

  /** The bytes from an offset on, `length` of them; ends early at the end of the file. One chunk is read ahead. */
  stream(offset = 0, length: number = this.size - offset): AsyncGenerator<Uint8Array> {
    return this.#read(offset, length, size => {
      litter(size);
      return Buffer.allocUnsafeSlow(size);
    });
  }

  /** As `stream`, for those who are done with a chunk when they ask for the next: its memory is filled again then. */
  lend(offset = 0, length: number = this.size - offset): AsyncGenerator<Uint8Array> {
    const buffers = [0, 1].map(() => Buffer.allocUnsafeSlow(Math.min(CHUNK, length)));
    let turn = 0;
    return this.#read(offset, length, size => (buffers[turn++ % 2] as Buffer).subarray(0, size));
  }

  async *#read(offset: number, length: number, take: (size: number) => Buffer): AsyncGenerator<Uint8Array> {
    const handle = await openForReading(this.path);
    const end = offset + length;
    const read = async (at: number): Promise<Uint8Array> => {
      const buffer = take(Math.min(CHUNK, end - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      return buffer.subarray(0, bytesRead);
    };
    let ahead: Promise<Uint8Array> | undefined;
    try {
      let at = offset;
      if (at < end) ahead = read(at);
      while (ahead !== undefined) {
        const chunk: Uint8Array = await ahead;
        ahead = undefined;
        at += chunk.length;
        if (chunk.length === 0) return;
        if (at < end) ahead = read(at);
        yield chunk;
      }
    } catch (cause) {
      throw systemCode(cause) ? unreadable(this.path, cause) : cause;
    } finally {
      await ahead?.catch(() => undefined);
      await handle.close();
    }
  }

  locate(offset: number): { file: string; offset: number } {
    return { file: this.path, offset };
  }

  stretches(offset: number, length: number): Stretch[] {
    return [{ file: this.path, offset, length }];
  }

  close(): void {
    closeSync(this.#fd);
  }
}

async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r');
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The error for a file, or a folder, that could not be opened or read. */
export function unreadable(path: string, cause: unknown, what: 'file' | 'folder' = 'file'): AirferryError {
  const code = systemCode(cause);
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new AirferryError('FILE_NOT_FOUND', `there is no ${what} ${path}`, {
      where: { file: path },
      cause,
    });
  }
  const why =
    code === 'EACCES'
      ? 'permission denied'
      : code === 'EIO'
        ? 'the disk reports a read error'
        : (code ?? String(cause));
  return new AirferryError('FILE_UNREADABLE', `cannot read ${path}: ${why}`, {
    where: { file: path },
    cause,
  });
}
