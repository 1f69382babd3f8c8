import * as assert from 'uvu/assert';
import { formatBytes, formatDuration, plural } from '../../src/support/format.ts';
import { suite } from './suite.ts';

const test = suite('format');

test('bytes have three digits at most, in decimal units', () => {
  const table: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.00 kB'],
    [9_990, '9.99 kB'],
    [9_996, '10.0 kB'],
    [99_940, '99.9 kB'],
    [99_960, '100 kB'],
    [999_499, '999 kB'],
    [999_500, '1.00 MB'],
    [83_412_345, '83.4 MB'],
    [1.5e12, '1.50 TB'],
    [4.2e15, '4200 TB'],
  ];
  for (const [bytes, text] of table) assert.is(formatBytes(bytes), text);
});

test('durations are told as people tell them', () => {
  const table: [number, string][] = [
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [12_345, '12.3 s'],
    [59_949, '59.9 s'],
    [59_951, '1 min 0 s'],
    [250_000, '4 min 10 s'],
    [3_599_400, '59 min 59 s'],
    [3_599_600, '1 h 0 min'],
    [7_500_000, '2 h 5 min'],
  ];
  for (const [ms, text] of table) assert.is(formatDuration(ms), text);
});

test('one thing has no plural', () => {
  assert.equal(
    [plural(0, 'image'), plural(1, 'image'), plural(2, 'image')],
    ['0 images', '1 image', '2 images'],
  );
  assert.is(plural(2, 'index', 'indexes'), '2 indexes');
});

test.run();
