import * as assert from 'uvu/assert';
import { LineSplitter } from '../../src/support/line-splitter.ts';
import { suite } from './suite.ts';

const test = suite('lines out of pieces');

function split(...pieces: Buffer[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter(line => lines.push(line));
  for (const piece of pieces) splitter.add(piece);
  splitter.end();
  return lines;
}

test('it does not matter where the pieces are cut, not even within a character', () => {
  const bytes = Buffer.from('één\r\ntwo\n\nlast');
  for (let at = 0; at <= bytes.length; at++)
    assert.equal(split(bytes.subarray(0, at), bytes.subarray(at)), ['één', 'two', '', 'last']);
  assert.equal(split(Buffer.from('a\n')), ['a']);
  assert.equal(split(), []);
});

test('a line without an end does not grow for ever', () => {
  const lines = split(...Array.from({ length: 10 }, () => Buffer.alloc(20_000, 'x')));
  assert.ok(lines.every(line => line.length <= 84_000));
  assert.is(lines.join('').length, 200_000);
});

test.run();
