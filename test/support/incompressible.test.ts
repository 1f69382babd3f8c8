import { gunzipSync, gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { gzipStream } from '../../src/support/compress.ts';
import { isIncompressible } from '../../src/support/incompressible.ts';
import { noise } from './archives.ts';
import { suite } from './suite.ts';

const test = suite('incompressible');
const MiB = 1024 * 1024;
const random = noise(MiB);
const text = Buffer.alloc(MiB, 'Every byte is hashed as it passes, against the digest that names it. ');

test('random bytes and compressed ones are told from text, zeros and mixtures', () => {
  assert.ok(isIncompressible(random));
  assert.ok(isIncompressible(Buffer.concat([gzipSync(random), random]).subarray(0, MiB)));
  for (const other of [
    text,
    Buffer.alloc(MiB),
    Buffer.concat([random.subarray(0, MiB / 2), text]).subarray(0, MiB),
  ])
    assert.not(isIncompressible(other));
});

test('random bytes that repeat are worth compressing', () => {
  const page = noise(8192);
  assert.not(isIncompressible(Buffer.concat(Array.from({ length: 128 }, () => page))));
});

test('what is shorter than the trial is compressed in any case', () => {
  for (const length of [0, 1, 4096, 65_535]) assert.not(isIncompressible(random.subarray(0, length)));
});

test('a stream of such blocks is valid gzip, hardly longer than they are', async () => {
  const plain = Buffer.concat([random, text, noise(MiB, 2), random.subarray(0, 100_000)]);
  async function* bytes() {
    yield plain;
  }
  const packed = Buffer.concat(await Array.fromAsync(gzipStream(bytes())));
  assert.equal(gunzipSync(packed), plain);
  assert.ok(packed.length < 2 * MiB + 100_000 + 20_000, `${packed.length}`);
});

test.run();
