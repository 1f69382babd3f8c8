/**
 * Tar archives, three ways: `header.ts` decodes, `index.ts` (here) finds every entry of a file without reading its
 * content, `walk.ts` goes through a stream once, `write.ts` encodes headers.
 */
import { AirferryError } from '../errors.ts';
import { BLOCK, paddedSize, readHeader, type TarHeader } from './header.ts';

/** Entries in an archive; a saved image has a few per layer, a large bundle some thousands. */
export const ENTRIES_LIMIT = 200_000;

export interface TarEntry extends TarHeader {
  /** Where the content begins, in bytes from the start of the file. */
  offset: number;
}

/** Anything with a size that can be read at an offset; `support/file.ts` has one. */
export interface RandomAccess {
  readonly path: string;
  readonly size: number;
  readAt(offset: number, length: number): Uint8Array;
}

/**
 * The entries of an uncompressed tar, in order, by reading its headers alone; from the one whose header begins at `start`.
 * Throws ARCHIVE_INVALID for what is no tar, ARCHIVE_TRUNCATED for one that was cut short.
 */
export function indexTar(file: RandomAccess, start = 0): TarEntry[] {
  const entries: TarEntry[] = [];
  for (let at = start; ; ) {
    // Some writers leave out the two zero blocks at the end; a clean cut after an entry is then the end too.
    if (at === file.size && entries.length > 0) return entries;
    const entry = entryAt(file, at);
    if (entry === undefined) return entries;
    entries.push(entry);
    if (entries.length > ENTRIES_LIMIT) throw tooMany(file.path);
    at = entry.offset + paddedSize(entry.size);
    if (at > file.size && at - file.size < BLOCK) at = file.size;
  }
}

/**
 * The entry of an uncompressed tar whose header begins at an offset; undefined where the archive ends there.
 * Throws ARCHIVE_INVALID, ARCHIVE_TRUNCATED.
 */
export function entryAt(file: RandomAccess, start: number): TarEntry | undefined {
  let at = start;
  const take = (length: number): Uint8Array => {
    const bytes = file.readAt(at, length);
    if (bytes.length < length) throw truncated(file.path, file.size);
    at += length;
    return bytes;
  };
  const header = decodeAt(file.path, start, take);
  if (header === undefined) return undefined;
  if (at + header.size > file.size) throw truncated(file.path, file.size, header.name);
  return { ...header, offset: at };
}

function decodeAt(path: string, start: number, take: (length: number) => Uint8Array): TarHeader | undefined {
  const reader = readHeader();
  try {
    let step = reader.next();
    while (!step.done) step = reader.next(take(step.value));
    return step.value;
  } catch (error) {
    if (error instanceof AirferryError) throw error.at({ file: path, offset: start });
    throw error;
  }
}

/** The error for an archive with more entries than any real one. */
export function tooMany(path: string): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `the archive has more than ${ENTRIES_LIMIT} entries`, {
    where: { file: path },
  });
}

/** The error for an archive that ends before its content does. */
export function truncated(path: string, size: number, entry?: string): AirferryError {
  const inside = entry ? ` inside "${entry}"` : '';
  return new AirferryError(
    'ARCHIVE_TRUNCATED',
    `${path} ends${inside} after ${size} bytes; it was cut short`,
    {
      where: { file: path, offset: size },
      suggestions: ['Copy or save it again, and compare sizes or sha256sum with the original.'],
    },
  );
}
