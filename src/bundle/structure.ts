/** The frame of a bundle: head, tar headers, padding and end are just what airferry writes, so a flipped bit has nowhere to hide. */
import { BLOCK, paddedSize } from '../tar/header.ts';
import type { TarEntry } from '../tar/index.ts';
import { fileHeader } from '../tar/write.ts';
import { formatHead, HEAD_SIZE } from './manifest.ts';
import type { Bundle } from './open.ts';
import type { BundleProblem } from './problem.ts';

/** That of a blob under sha512. Bytes. */
const LONGEST_NAME = 'blobs/sha512/'.length + 128;

/** What is wrong outside the content of blobs and documents. */
export async function structureProblems(bundle: Bundle): Promise<BundleProblem[]> {
  const { file, entries } = bundle;
  const problems: BundleProblem[] = [];
  const report = (message: string, offset: number): void => {
    problems.push({ kind: 'structure', message, offset, usedBy: [] });
  };
  const expectBytes = (offset: number, expected: Uint8Array, what: string): void => {
    const actual = file.readAt(offset, expected.length);
    if (actual.length < expected.length) report(`the bundle ends in ${what}`, offset + actual.length);
    else if (Buffer.compare(actual, expected) !== 0) report(`${what} is damaged`, offset);
  };
  let end = 0;
  for (const entry of entries) {
    const header = await expectedHeader(entry);
    if (header && entry.offset - end === header.length)
      expectBytes(end, header, `the tar header of ${entry.name}`);
    else report(`the tar header of ${entry.name.slice(0, 200)} is none that airferry writes`, end);
    const after = entry.offset + entry.size;
    const padding = paddedSize(entry.size) - entry.size;
    expectBytes(after, new Uint8Array(padding), `the padding after ${entry.name}`);
    end = after + padding;
  }
  expectBytes(BLOCK, formatHead(bundle.head), 'airferry.json');
  expectBytes(end, new Uint8Array(2 * BLOCK), 'the end of the archive');
  const over = file.size - end - 2 * BLOCK;
  if (over > 0) report(`${over} bytes follow the end of the archive`, end + 2 * BLOCK);
  return problems;
}

async function expectedHeader({ name, type, size }: TarEntry): Promise<Uint8Array | undefined> {
  if (
    type !== 'file' ||
    Buffer.byteLength(name) > LONGEST_NAME ||
    (name === 'airferry.json' && size !== HEAD_SIZE)
  )
    return undefined;
  return fileHeader(name, size);
}
