/**
 * Tar headers, read from hostile bytes: ustar, pax and GNU long names. Pure; where the bytes come from is the
 * caller's affair (`index.ts` seeks in a file, `walk.ts` reads a stream). POSIX pax interchange format; GNU tar manual.
 */
import { AirferryError } from '../errors.ts';

export const BLOCK = 512;
/** Bytes that an extended header (long name, pax records) may have; a path is at most 4096. */
const EXTENSION_LIMIT = 64 * 1024;
const NAME_LIMIT = 4096;
/** Bytes of a header's own field for the name. */
const NAME_FIELD = 100;
/** Extended headers before one entry: GNU tar writes up to four. */
const EXTENSIONS_LIMIT = 16;

export type EntryType = 'file' | 'directory' | 'symlink' | 'link' | 'other';

export interface TarHeader {
  /** As written in the archive: may be absolute or hold `..`; judge it with `safePath` before use. */
  name: string;
  type: EntryType;
  /** Bytes of content that follow the header. */
  size: number;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  linkname: string;
}

interface Extension {
  name?: string;
  linkname?: string;
  size?: number;
}

/**
 * Read one entry's header. Yields the number of bytes that it needs next and is given just those; returns undefined
 * at the end of the archive. Throws ARCHIVE_INVALID.
 */
export function* readHeader(): Generator<number, TarHeader | undefined, Uint8Array> {
  const extension: Extension = {};
  for (let extensions = 0; extensions <= EXTENSIONS_LIMIT; extensions++) {
    const block = yield BLOCK;
    const raw = decodeBlock(block);
    if (raw === undefined) return undefined;
    switch (raw.flag) {
      case 'x':
        Object.assign(extension, parsePax(yield* readExtension(raw.size)));
        break;
      case 'g':
        yield* readExtension(raw.size);
        break;
      case 'L':
        extension.name = cString(yield* readExtension(raw.size));
        break;
      case 'K':
        extension.linkname = cString(yield* readExtension(raw.size));
        break;
      case 'S':
        throw invalid(`an entry "${clip(raw.name)}" that is a sparse file of GNU tar's old format`);
      default:
        return finish(raw, extension);
    }
  }
  throw invalid(`more than ${EXTENSIONS_LIMIT} extended headers in a row`);
}

/** Bytes that an entry's content takes up in the archive: whole blocks. */
export function paddedSize(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** Bytes that the header of a file takes up. Names of more than 100 bytes are those whose last part has as many. */
export function headerSize(name: string): number {
  if (name.length <= NAME_FIELD) return BLOCK;
  const record = ` path=${name}\n`.length;
  const digits = String(record + String(record).length).length;
  return 2 * BLOCK + paddedSize(record + digits);
}

/**
 * The path that an entry's name stands for, relative to the archive's root and normalised, or undefined when the name
 * leads out of it: absolute, with `..`, with a NUL or a backslash.
 */
export function safePath(name: string): string | undefined {
  if (name.startsWith('/') || name.includes('\\') || name.includes('\0')) return undefined;
  if (!/(?:^|\/)\.{0,2}(?:\/|$)/.test(name)) return name;
  const parts = name.split('/').filter(part => part !== '' && part !== '.');
  return parts.includes('..') ? undefined : parts.join('/');
}

function* readExtension(size: number): Generator<number, Uint8Array, Uint8Array> {
  if (size > EXTENSION_LIMIT) throw invalid(`an extended header claims ${size} bytes`);
  const padded = yield paddedSize(size);
  return padded.subarray(0, size);
}

interface RawHeader extends TarHeader {
  flag: string;
}

function decodeBlock(block: Uint8Array): RawHeader | undefined {
  let sum = 8 * 32;
  for (let i = 0; i < BLOCK; i++) sum += i >= 148 && i < 156 ? 0 : (block[i] ?? 0);
  if (sum === 8 * 32) return undefined;
  if (sum !== number(block, 148, 8))
    throw invalid('a header whose checksum is wrong; this is no tar, or a damaged one');
  const flag = String.fromCharCode(block[156] ?? 0).replace('\0', '0');
  const ustar = latin(block, 257, 5) === 'ustar' && block[262] === 0;
  const prefix = ustar ? string(block, 345, 155) : '';
  const name = string(block, 0, 100);
  return {
    flag,
    name: prefix ? `${prefix}/${name}` : name,
    type: typeOf(flag),
    size: number(block, 124, 12),
    mode: number(block, 100, 8) & 0o7777,
    linkname: string(block, 157, 100),
  };
}

/** Links, devices, directories and pipes have no content, whatever their size field says: Go, and so Docker, reads them so. */
const HEADER_ONLY = ['1', '2', '3', '4', '5', '6'];

function finish(raw: RawHeader, extension: Extension): TarHeader {
  const name = extension.name ?? raw.name;
  const linkname = extension.linkname ?? raw.linkname;
  if (name.length > NAME_LIMIT || linkname.length > NAME_LIMIT)
    throw invalid(`an entry "${clip(name)}" with too long a name`);
  // The oldest tars mark a directory by a trailing slash only.
  const type = raw.type === 'file' && name.endsWith('/') ? 'directory' : raw.type;
  const size = HEADER_ONLY.includes(raw.flag) ? 0 : (extension.size ?? raw.size);
  return { name, type, size, mode: raw.mode, linkname };
}

function typeOf(flag: string): EntryType {
  switch (flag) {
    case '0':
    case '7':
      return 'file';
    case '1':
      return 'link';
    case '2':
      return 'symlink';
    case '5':
      return 'directory';
    default:
      return 'other';
  }
}

/** Records of the form `<length> <key>=<value>\n`, the length counting the whole record. */
function parsePax(bytes: Uint8Array): Extension {
  const extension: Extension = {};
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at);
    const digits = space < 0 ? '' : latin(bytes, at, space - at);
    const length = /^\d{1,6}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    if (length <= digits.length + 2 || end > bytes.length || bytes[end - 1] !== 0x0a)
      throw invalid('a pax header with a wrong length');
    const record = Buffer.from(bytes.subarray(space + 1, end - 1)).toString('utf8');
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    // An empty value stands for none: the header's own field counts again.
    if (key === 'path') extension.name = value || undefined;
    else if (key === 'linkpath') extension.linkname = value || undefined;
    else if (key === 'size') extension.size = value === '' ? undefined : decimal(value);
    else if (key.startsWith('GNU.sparse.')) throw invalid('a sparse file in pax format');
    at = end;
  }
  return extension;
}

function decimal(text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalid(`a size of "${clip(text)}" bytes`);
  return value;
}

/** A number field: octal digits, or base 256 where the top bit of its first byte is set. */
function number(block: Uint8Array, offset: number, length: number): number {
  const first = block[offset] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f;
    for (let i = 1; i < length; i++) value = value * 256 + (block[offset + i] ?? 0);
    if (!Number.isSafeInteger(value)) throw invalid('a header with an absurd number');
    return value;
  }
  // Byte by byte: a large archive has a hundred thousand of these, and each would leave a string or two behind.
  let at = offset;
  let end = offset + length;
  while (at < end && isBlank(block[at])) at++;
  while (end > at && isBlank(block[end - 1])) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) throw invalid('a header with a number that is not octal');
    value = value * 8 + digit;
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === 0 || byte === 0x20;
}

function cString(bytes: Uint8Array): string {
  return string(bytes, 0, bytes.length);
}

function string(block: Uint8Array, offset: number, length: number): string {
  const bytes = asBuffer(block);
  const limit = Math.min(offset + length, bytes.length);
  const end = bytes.indexOf(0, offset);
  return bytes.toString('utf8', offset, end < 0 || end > limit ? limit : end);
}

function latin(block: Uint8Array, offset: number, length: number): string {
  return asBuffer(block).toString('latin1', offset, offset + length);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Short, and without what a terminal would take for commands. */
function clip(text: string): string {
  const short = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return short.replace(/\p{Cc}/gu, '?');
}

function invalid(found: string): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `the archive has ${found}`);
}
