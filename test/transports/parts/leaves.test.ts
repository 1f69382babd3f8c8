import * as assert from 'uvu/assert';
import { LEAF, LeafDigester, Leaves } from '../../../src/transports/parts/leaves.ts';
import { exclusiveOr } from '../../../src/transports/parts/parity.ts';
import { noise } from '../../support/archives.ts';
import { suite } from '../../support/suite.ts';

const test = suite('transports/parts/leaves');
const bytes = noise(3 * LEAF + 12_345);

function inOrder(content: Uint8Array, chunk: number): string {
  const digester = new LeafDigester();
  for (let at = 0; at < content.length; at += chunk) digester.update(content.subarray(at, at + chunk));
  return digester.digest();
}

test('the digest does not depend on how the bytes come', () => {
  const whole = inOrder(bytes, bytes.length);
  for (const chunk of [1000, 65_536, LEAF - 1, LEAF, LEAF + 1]) assert.is(inOrder(bytes, chunk), whole);
  assert.is.not(inOrder(bytes.subarray(0, -1), LEAF), whole);
});

test('written in any order, only leaves that were not written straight on are read again', async () => {
  const leaves = new Leaves();
  const file = Buffer.alloc(bytes.length);
  const write = (at: number, end: number, from: Uint8Array = bytes): void => {
    const piece = from.subarray(at, end);
    leaves.wrote(piece, at);
    file.set(piece, at);
  };
  // Something else first, then over it; a gap that is filled last; the rest straight on, in pieces.
  write(2 * LEAF, 2 * LEAF + 100, Buffer.alloc(bytes.length, 1));
  write(512, LEAF);
  write(0, 512);
  write(LEAF, LEAF + 70_000);
  write(LEAF + 70_000, 3 * LEAF);
  write(3 * LEAF, bytes.length);
  const read: number[] = [];
  const digest = await leaves.digest(bytes.length, async (at, length) => {
    read.push(at / LEAF);
    return file.subarray(at, at + length);
  });
  assert.is(digest, inOrder(bytes, LEAF));
  assert.equal(read, [0, 2]);
});

test('what was written beyond the end is left out of account', async () => {
  const leaves = new Leaves();
  leaves.wrote(bytes, 0);
  const size = 2 * LEAF + 10;
  const digest = await leaves.digest(size, async (at, length) => bytes.subarray(at, at + length));
  assert.is(digest, inOrder(bytes.subarray(0, size), LEAF));
});

test('any one of several files is the exclusive or of all others and of theirs', async () => {
  const files = [noise(2 * LEAF, 1), noise(2 * LEAF, 2), noise(LEAF + 77, 3)];
  const sum = async (contents: readonly Uint8Array[]): Promise<Buffer> => {
    const sources = contents.map(content => async (at: number, n: number) => content.subarray(at, at + n));
    return Buffer.concat(await Array.fromAsync(exclusiveOr(sources, 2 * LEAF)));
  };
  const parity = await sum(files);
  for (const [i, file] of files.entries()) {
    const rebuilt = await sum([...files.toSpliced(i, 1), parity]);
    assert.ok(rebuilt.subarray(0, file.length).equals(file), String(i));
    assert.ok(rebuilt.subarray(file.length).every(byte => byte === 0));
  }
});

test.run();
