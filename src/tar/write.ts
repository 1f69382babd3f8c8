/** Encoding tar entries whose bytes depend on nothing but name, size and mode: no clock, no owner. */
import { pack } from 'tar-stream';
import { BLOCK, paddedSize } from './header.ts';

/** The end of an archive: two zero blocks. */
export const END_OF_ARCHIVE: Uint8Array = new Uint8Array(2 * BLOCK);

/** The header of a regular file; names up to 100 bytes of ASCII, any size (base 256 above 8 GiB, as GNU tar and Go read it). */
export async function fileHeader(name: string, size: number, mode = 0o644): Promise<Uint8Array> {
  const archive = pack();
  const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '', type: 'file' } as const;
  archive.entry({ name, size, mode, ...fixed }, () => undefined);
  for await (const header of archive as AsyncIterable<Uint8Array>) {
    archive.destroy();
    return header;
  }
  throw new Error(`no tar header came for ${name}`);
}

/** The zero bytes that fill an entry's content up to a whole block. */
export function padding(size: number): Uint8Array {
  return new Uint8Array(paddedSize(size) - size);
}
