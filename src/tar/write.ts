/** Encoding tar entries whose bytes depend on nothing but name, size and mode: no clock, no owner. */
import { pack } from 'tar-stream';
import { BLOCK, headerSize, paddedSize } from './header.ts';

/** The end of an archive: two zero blocks. */
export const END_OF_ARCHIVE: Uint8Array = new Uint8Array(2 * BLOCK);

/**
 * The header of a regular file; ASCII names, any size (base 256 above 8 GiB, as GNU tar and Go read it). A name of more
 * than 100 bytes gets a pax header before it: see `headerSize`.
 */
export async function fileHeader(name: string, size: number, mode = 0o644): Promise<Uint8Array> {
  const archive = pack();
  const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '', type: 'file' } as const;
  archive.entry({ name, size, mode, ...fixed }, () => undefined);
  const wanted = headerSize(name);
  const parts: Uint8Array[] = [];
  for await (const part of archive as AsyncIterable<Uint8Array>) {
    parts.push(part);
    const header = Buffer.concat(parts);
    if (header.length < wanted) continue;
    archive.destroy();
    if (header.length === wanted) return header;
    break;
  }
  throw new Error(`no tar header of ${wanted} bytes came for ${name}`);
}

/** The zero bytes that fill an entry's content up to a whole block. */
export function padding(size: number): Uint8Array {
  return new Uint8Array(paddedSize(size) - size);
}

/** The header of a symbolic link; name and target up to 100 bytes of ASCII. */
export async function linkHeader(name: string, linkname: string): Promise<Uint8Array> {
  const archive = pack();
  archive.entry({ name, linkname, type: 'symlink', mtime: new Date(0), uid: 0, gid: 0 });
  for await (const header of archive as AsyncIterable<Uint8Array>) {
    archive.destroy();
    return header;
  }
  throw new Error(`no tar header came for ${name}`);
}
