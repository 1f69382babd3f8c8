import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { BLOCK, compiled, GzipEncoder } from '../../../src/support/deflate/encoder.ts';
import { CODE } from '../../../src/support/deflate/wasm.ts';
import { suite } from '../suite.ts';
import { compiledText } from './compile.ts';
import { mixture, Numbers, SHAPES, shaped } from './shapes.ts';

const test = suite('support/deflate/encoder', { timeout: 120_000 });
const module = compiled(Buffer.from(CODE, 'base64'));
const encoder = new GzipEncoder(module);

function comesBack(input: Uint8Array, what: string): Uint8Array {
  const member = encoder.member(input);
  assert.ok(gunzipSync(member).equals(input), `${what}, ${input.length} bytes`);
  return member;
}

test('what is shipped is what the source compiles to', () => {
  const shipped = readFileSync(new URL('../../../src/support/deflate/wasm.ts', import.meta.url), 'utf8');
  assert.is(compiledText(), shipped, 'npm run wasm');
});

test('blocks of every shape and length come back', () => {
  const numbers = new Numbers(1);
  const edges = [
    0, 1, 2, 3, 4, 15, 16, 17, 18, 257, 258, 259, 32_767, 32_768, 32_769, 65_535, 65_536, 65_537,
  ];
  for (const shape of SHAPES) {
    for (const length of edges) comesBack(shaped(shape, length, numbers), shape);
    for (let i = 0; i < 150; i++) comesBack(shaped(shape, numbers.below(4000), numbers), shape);
    for (let i = 0; i < 8; i++) comesBack(shaped(shape, numbers.below(200_000), numbers), shape);
    for (const length of [BLOCK - 1, BLOCK]) comesBack(shaped(shape, length, numbers), shape);
  }
});

test('mixtures of shapes come back', () => {
  const numbers = new Numbers(2);
  for (let i = 0; i < 600; i++) comesBack(mixture(numbers, 20_000), `mixture ${i}`);
  for (let i = 0; i < 25; i++) comesBack(mixture(numbers, BLOCK), `large mixture ${i}`);
});

test('what repeats is found within the window of 32 KiB, to its last byte and not beyond', () => {
  const numbers = new Numbers(3);
  for (const period of [1, 2, 3, 4, 5, 7, 8, 9, 257, 258, 259, 1000, 16_384, 32_767, 32_768]) {
    const unit = shaped('noise', period, numbers);
    const input = Buffer.concat(Array.from({ length: Math.ceil(200_000 / period) }, () => unit));
    const member = comesBack(input, `period ${period}`);
    assert.ok(member.length < period + 4500, `period ${period} became ${member.length} bytes`);
  }
  for (const period of [32_769, 40_000]) {
    const unit = shaped('noise', period, numbers);
    const member = comesBack(Buffer.concat([unit, unit, unit]), `period ${period}`);
    assert.ok(member.length > 3 * period, `period ${period} became ${member.length} bytes`);
  }
});

test('codes that would be longer than deflate allows are made shorter', () => {
  const numbers = new Numbers(4);
  for (const symbols of [10, 16, 20, 22]) {
    const bytes: number[] = [];
    for (let symbol = 0, count = 1, before = 1; symbol < symbols; symbol++) {
      for (let i = 0; i < count; i++) bytes.push(symbol * 11);
      [before, count] = [count, before + count];
    }
    for (let i = bytes.length - 1; i > 0; i--) {
      const other = numbers.below(i + 1);
      [bytes[i], bytes[other]] = [bytes[other] as number, bytes[i] as number];
    }
    const input = Uint8Array.from(bytes);
    assert.ok(comesBack(input, `${symbols} symbols`).length < 100 + input.length * 0.5);
  }
});

test('what does not compress grows by its headers only', () => {
  const member = comesBack(shaped('noise', BLOCK, new Numbers(5)), 'noise');
  assert.ok(member.length < BLOCK + 32 * 5 + 20, `${member.length}`);
});

test('GNU gzip finds the members sound, one by one and in a row', () => {
  const numbers = new Numbers(6);
  const inputs = [...SHAPES.map(shape => shaped(shape, 150_000, numbers)), new Uint8Array(0)];
  const members = inputs.map(input => encoder.member(input));
  for (const [i, member] of members.entries()) {
    const checked = spawnSync('gzip', ['-t'], { input: member, encoding: 'utf8' });
    assert.is(checked.status, 0, `${SHAPES[i]}: ${checked.stderr}`);
  }
  const plain = spawnSync('gzip', ['-dc'], { input: Buffer.concat(members), maxBuffer: 64 * BLOCK });
  assert.ok(plain.stdout.equals(Buffer.concat(inputs)));
});

test('a block leaves no trace in the next one', () => {
  const numbers = new Numbers(7);
  const blocks = Array.from({ length: 60 }, () => mixture(numbers, 1 + numbers.below(300_000)));
  const fresh = blocks.map(block => new GzipEncoder(module).member(block));
  for (const [i, block] of blocks.entries())
    assert.equal(Buffer.from(encoder.member(block)), Buffer.from(fresh[i] as Uint8Array), `block ${i}`);
});

test('the bytes are the same everywhere and ever: what was carried once is known by its digest', () => {
  const numbers = new Numbers(8);
  const hash = createHash('sha256');
  for (const shape of SHAPES) hash.update(encoder.member(shaped(shape, 300_000, numbers)));
  for (let i = 0; i < 5; i++) hash.update(encoder.member(mixture(numbers, BLOCK)));
  assert.is(hash.digest('hex'), 'ba9dc01e8e1855f858efb1a2c664d950c3b8ff0c40e6a8e8d74195866ed666f0');
});

test('more than a block is refused', () => {
  assert.throws(() => encoder.member(new Uint8Array(BLOCK + 1)), /at most/);
});

test.run();
