import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { blake2b } from '../../src/support/blake2b.ts';
import { suite } from './suite.ts';

const test = suite('support/blake2b');

test('with 64 bytes it is what OpenSSL computes, for inputs around the ends of blocks', () => {
  for (const length of [0, 1, 74, 127, 128, 129, 255, 256, 257, 1000]) {
    const input = Buffer.alloc(length, 'airferry');
    const expected = createHash('blake2b512').update(input).digest('hex');
    assert.is(Buffer.from(blake2b(input, 64)).toString('hex'), expected, `${length} bytes`);
  }
});

test('with 32 bytes it is what b2sum -l 256 prints', () => {
  const known = {
    '': '0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8',
    abc: 'bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319',
  };
  for (const [input, expected] of Object.entries(known))
    assert.is(Buffer.from(blake2b(Buffer.from(input), 32)).toString('hex'), expected);
});

test.run();
