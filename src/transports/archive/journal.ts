/**
 * Changing the end of a large file where it lies, so that a crash or a pulled plug leaves the old content or the new,
 * never half of each. What is to be written goes into a journal beside the file first; whoever opens the file and finds
 * a journal finishes what it says. A file that has to grow gets its room before anything is overwritten, so that a full
 * disk changes nothing.
 */
import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import * as z from 'zod';
import { AirferryError, systemCode } from '../../errors.ts';
import { withFileLockNow } from '../../support/file-lock.ts';
import { unwritable } from '../../support/write-file.ts';

/** Bytes that go to a place in the file. */
export interface Write {
  offset: number;
  bytes: Uint8Array;
}

const header = z.object({
  version: z.literal(1),
  /** Bytes of the file before and after. */
  before: z.number().int().nonnegative(),
  after: z.number().int().nonnegative(),
  /** A stretch of the file that does not change, and its digest: the journal is for no other file. */
  mark: z.object({ offset: z.number(), length: z.number(), sha256: z.string() }),
  writes: z.array(z.object({ offset: z.number(), length: z.number() })),
});
type Header = z.infer<typeof header>;

const MARK_BYTES = 64 * 1024;
const DIGEST_BYTES = 64;

export function journalOf(path: string): string {
  return `${path}.airferry-journal`;
}

/**
 * Write into a file and give it a new size. `writes` are in order; the last one reaches to the new end. The caller holds
 * `changeLock`. Throws FILE_UNWRITABLE, DISK_FULL; nothing has changed then, or the journal stays to finish it.
 */
export function changeInPlace(path: string, writes: readonly Write[]): void {
  const fd = openForChange(path);
  try {
    const before = fstatSync(fd).size;
    const last = writes.at(-1) ?? { offset: before, bytes: new Uint8Array() };
    const offset = Math.max(0, last.offset - MARK_BYTES);
    const length = last.offset - offset;
    const head: Header = {
      version: 1,
      before,
      after: last.offset + last.bytes.length,
      mark: { offset, length, sha256: sha256(readAt(fd, offset, length)) },
      writes: writes.map(({ offset, bytes }) => ({ offset, length: bytes.length })),
    };
    writeJournal(path, head, writes);
    apply(path, fd, head, writes);
  } finally {
    closeSync(fd);
  }
}

/** The lock file of those who change or finish; see `support/file-lock.ts`. */
export function changeLock(path: string): string {
  return `${path}.airferry-lock`;
}

/**
 * Finish a change that was interrupted, if there is one. Throws FILE_UNWRITABLE where that cannot be done, as on
 * read-only media, and while another process is at it; ARCHIVE_INVALID for a journal that is damaged.
 */
export function finishChange(path: string): void {
  const journal = journalOf(path);
  if (!existsSync(journal)) return;
  try {
    withFileLockNow(changeLock(path), () => {
      if (!existsSync(journal)) return;
      const { head, writes } = readJournal(journal);
      const fd = openForChange(path);
      try {
        const { offset, length, sha256: expected } = head.mark;
        if (sha256(readAt(fd, offset, length)) === expected) apply(path, fd, head, writes);
        else unlinkSync(journal);
      } finally {
        closeSync(fd);
      }
    });
  } catch (cause) {
    if (!(cause instanceof AirferryError) || cause.code !== 'FILE_UNWRITABLE') throw cause;
    throw new AirferryError(
      'FILE_UNWRITABLE',
      `a change of ${path} was interrupted and has to be finished first: ${cause.message}`,
      {
        where: { file: path },
        cause,
        suggestions: [
          `Copy ${basename(path)} and ${basename(journal)} together to a disk that can be written, and open it there.`,
          ...cause.suggestions,
        ],
      },
    );
  }
}

function apply(path: string, fd: number, { before, after }: Header, writes: readonly Write[]): void {
  try {
    grow(fd, after);
  } catch (cause) {
    // Nothing of the old content is overwritten yet.
    ftruncateSync(fd, before);
    fsyncSync(fd);
    unlinkSync(journalOf(path));
    throw unwritable(path, cause);
  }
  try {
    for (const { offset, bytes } of writes) writeAt(fd, bytes, offset);
    ftruncateSync(fd, after);
    fsyncSync(fd);
    unlinkSync(journalOf(path));
  } catch (cause) {
    throw unwritable(path, cause);
  }
  syncFolder(dirname(path));
}

/** Zeros up to a size; the disk has given the room then. */
function grow(fd: number, size: number): void {
  const now = fstatSync(fd).size;
  if (size <= now) return;
  writeAt(fd, new Uint8Array(size - now), now);
  fsyncSync(fd);
}

/** The journal gets its name only when it is whole. */
function writeJournal(path: string, head: Header, writes: readonly Write[]): void {
  const journal = journalOf(path);
  const content = Buffer.concat([
    Buffer.from(`${JSON.stringify(head)}\n`),
    ...writes.map(({ bytes }) => bytes),
  ]);
  const temporary = `${journal}.part`;
  try {
    writeFileSync(temporary, Buffer.concat([content, Buffer.from(sha256(content))]), { flush: true });
    renameSync(temporary, journal);
  } catch (cause) {
    rmSync(temporary, { force: true, recursive: true });
    throw unwritable(journal, cause);
  }
  syncFolder(dirname(path));
}

function readJournal(journal: string): { head: Header; writes: Write[] } {
  const bytes = readFileSync(journal);
  const content = bytes.subarray(0, -DIGEST_BYTES);
  const end = content.indexOf(0x0a);
  if (sha256(content) !== bytes.subarray(-DIGEST_BYTES).toString('latin1') || end < 0) throw damaged(journal);
  const parsed = header.safeParse(JSON.parse(content.subarray(0, end).toString('utf8')));
  if (!parsed.success) throw damaged(journal);
  let at = end + 1;
  const writes = parsed.data.writes.map(({ offset, length }) => {
    at += length;
    return { offset, bytes: content.subarray(at - length, at) };
  });
  return { head: parsed.data, writes };
}

function damaged(journal: string): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `${journal} is damaged, so a change cannot be finished`, {
    where: { file: journal },
    suggestions: ['Copy the archive and its journal again from where they came.'],
  });
}

function openForChange(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (cause) {
    throw unwritable(path, cause);
  }
}

function readAt(fd: number, offset: number, length: number): Uint8Array {
  const buffer = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const count = readSync(fd, buffer, done, length - done, offset + done);
    if (count === 0) return buffer.subarray(0, done);
    done += count;
  }
  return buffer;
}

function writeAt(fd: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}

function syncFolder(path: string): void {
  try {
    const fd = openSync(path, 'r');
    fsyncSync(fd);
    closeSync(fd);
  } catch (error) {
    // Not every file system syncs folders.
    if (systemCode(error) === undefined) throw error;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
