import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { CHUNK, ReadFile } from '../../src/support/file.ts';
import { refusal } from '../engine/expect.ts';
import { noise } from './archives.ts';
import { scratch } from './scratch.ts';
import { suite } from './suite.ts';

const test = suite('file');
const folder = scratch();
const path = join(folder, 'data');
const data = noise(2.5 * CHUNK);
writeFileSync(path, data);

const openFiles = (): number => readdirSync('/proc/self/fd').length;

async function all(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(stream));
}

test('bytes are read at an offset, fewer at the end, none beyond it', () => {
  const file = ReadFile.open(path);
  assert.is(file.size, data.length);
  assert.equal(Buffer.from(file.readAt(10, 20)), data.subarray(10, 30));
  assert.is(file.readAt(data.length - 5, 20).length, 5);
  assert.is(file.readAt(data.length + 5, 20).length, 0);
  file.close();
});

test('a stream gives the whole, or a part of it', async () => {
  const file = ReadFile.open(path);
  assert.ok((await all(file.stream())).equals(data));
  assert.ok((await all(file.stream(CHUNK - 1, CHUNK + 2))).equals(data.subarray(CHUNK - 1, 2 * CHUNK + 1)));
  assert.is((await all(file.stream(5, 0))).length, 0);
  assert.is((await all(file.stream(data.length - 3, 100))).length, 3);
  file.close();
});

test('several streams of one file do not disturb each other', async () => {
  const file = ReadFile.open(path);
  const streams = await Promise.all(Array.from({ length: 8 }, (_, i) => all(file.stream(i * 1000))));
  for (const [i, bytes] of streams.entries()) assert.ok(bytes.equals(data.subarray(i * 1000)));
  file.close();
});

test('a stream that is given up, read to its end or never begun leaves no file open', async () => {
  const before = openFiles();
  const file = ReadFile.open(path);
  for await (const _ of file.stream()) break;
  await all(file.stream());
  file.stream();
  file.close();
  assert.is(openFiles(), before);
});

test('a file that shrinks under way ends early', async () => {
  const shrinking = join(folder, 'shrinking');
  writeFileSync(shrinking, data);
  const file = ReadFile.open(shrinking);
  let seen = 0;
  for await (const chunk of file.stream()) {
    seen += chunk.length;
    truncateSync(shrinking, CHUNK);
  }
  assert.ok(seen < data.length);
  file.close();
});

test('what is missing or no regular file is told in words', async () => {
  await refusal(() => ReadFile.open(join(folder, 'none')), 'FILE_NOT_FOUND', /there is no file/);
  await refusal(() => ReadFile.open(join(path, 'below')), 'FILE_NOT_FOUND');
  await refusal(() => ReadFile.open(folder), 'FILE_UNREADABLE', /is a folder/);
  await refusal(() => ReadFile.open('/dev/null'), 'FILE_UNREADABLE', /not a regular file/);
});

test('a named pipe without a writer is refused, not waited for', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  await refusal(() => ReadFile.open(fifo), 'FILE_UNREADABLE', /not a regular file/);
});

test('a disk that does not give its bytes back is told in words, at an offset and as a stream', async () => {
  // The memory of this process is a regular file to the system, and its first page cannot be read.
  const file = ReadFile.open('/proc/self/mem');
  await refusal(() => file.readAt(0, 10), 'FILE_UNREADABLE', /the disk reports a read error/);
  await refusal(() => all(file.stream(0, 10)), 'FILE_UNREADABLE', /the disk reports a read error/);
  file.close();
});

test('a file that is gone by the time its stream begins is missed', async () => {
  const gone = join(folder, 'gone');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  writeFileSync(gone, 'x');
  const file = ReadFile.open(gone);
  execFileSync('rm', [gone]);
  await refusal(() => all(file.stream()), 'FILE_NOT_FOUND');
  file.close();
});

test('lent chunks are the same bytes in two pieces of memory, however long the file', async () => {
  const bytes = data;
  const file = ReadFile.open(path);
  const memory = new Set<ArrayBufferLike>();
  for (const [offset, length] of [
    [0, bytes.length],
    [CHUNK - 3, CHUNK + 9],
    [5, 0],
  ] as const) {
    memory.clear();
    const copies: Buffer[] = [];
    for await (const chunk of file.lend(offset, length)) {
      memory.add(chunk.buffer);
      copies.push(Buffer.from(chunk));
    }
    assert.equal(Buffer.concat(copies), bytes.subarray(offset, offset + length));
    assert.ok(memory.size <= 2);
  }
  file.close();
});

test.run();
