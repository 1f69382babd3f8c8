/** Tar blocks made by hand, true or lying, and both readers over the same bytes. */
import { AirferryError } from '../../src/errors.ts';
import { indexTar, type RandomAccess, type TarEntry } from '../../src/tar/index.ts';
import { walkTar } from '../../src/tar/walk.ts';

export interface RawBlock {
  name?: string;
  /** The size field as bytes, or a number to be written in octal. */
  size?: number | Buffer;
  flag?: string;
  linkname?: string;
  magic?: 'ustar' | 'gnu' | 'none';
  prefix?: string;
  mode?: string;
  checksum?: number;
}

/** One header block. */
export function block(fields: RawBlock = {}): Buffer {
  const {
    name = 'x',
    size = 0,
    flag = '0',
    linkname = '',
    magic = 'ustar',
    prefix = '',
    mode = '0000644',
  } = fields;
  const header = Buffer.alloc(512);
  header.write(name, 0, 100, 'utf8');
  header.write(`${mode}\0`, 100, 8, 'latin1');
  if (typeof size === 'number') header.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 12, 'latin1');
  else size.copy(header, 124);
  header.write(flag, 156, 1, 'latin1');
  header.write(linkname, 157, 100, 'utf8');
  if (magic !== 'none') header.write(magic === 'ustar' ? 'ustar\x0000' : 'ustar  \0', 257, 8, 'latin1');
  header.write(prefix, 345, 155, 'utf8');
  header.fill(' ', 148, 156);
  const sum = fields.checksum ?? header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8, 'latin1');
  return header;
}

/** Content filled up to whole blocks. */
export function padded(content: Uint8Array | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

/** An extended header and its content. */
export function extension(flag: 'x' | 'g' | 'L' | 'K', content: Uint8Array | string): Buffer {
  return Buffer.concat([block({ name: 'ext', flag, size: Buffer.byteLength(content) }), padded(content)]);
}

/** `27 path=some/name\n` */
export function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

export const END: Buffer = Buffer.alloc(1024);

/** Bytes that are read as a file. */
export function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    path: 'a.tar',
    size: bytes.length,
    readAt: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** The entries that `indexTar` finds. */
export function indexed(...parts: Uint8Array[]): TarEntry[] {
  return indexTar(inMemory(Buffer.concat(parts)));
}

/** The entries that `walkTar` finds in the same bytes, cut into chunks of `size`, each with its content. */
export async function walked(
  bytes: Uint8Array,
  size = 1000,
): Promise<{ entry: Omit<TarEntry, 'offset'>; content: Buffer }[]> {
  const found: { entry: Omit<TarEntry, 'offset'>; content: Buffer }[] = [];
  for await (const { header, body } of walkTar(cut(bytes, size), 'a.tar'))
    found.push({ entry: header, content: Buffer.concat(await Array.fromAsync(body)) });
  return found;
}

export async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** What a reader made of some bytes: the entries, or the code of its refusal. Anything else that it throws comes out. */
export async function outcome(read: () => unknown): Promise<unknown> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof AirferryError) return error.code;
    throw error;
  }
}
