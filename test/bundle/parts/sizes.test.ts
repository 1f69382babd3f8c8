import * as assert from 'uvu/assert';
import { parsePartSize } from '../../../src/bundle/parts/sizes.ts';
import { AirferryError } from '../../../src/errors.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/parts/sizes');

for (const [text, bytes] of [
  ['4GB', 4_000_000_000],
  ['4g', 4_000_000_000],
  ['700MiB', 734_003_200],
  ['1.5 GB', 1_500_000_000],
  ['100000', 100_000],
] as const)
  test(`${text} is ${bytes} bytes`, () => {
    assert.is(parsePartSize(text), bytes);
  });

test('what fits on a medium leaves room for its file system', () => {
  assert.ok(parsePartSize('cd') < 360_000 * 2048);
  assert.ok(parsePartSize('DVD') < 2_295_104 * 2048);
  assert.ok(parsePartSize('fat32') < 2 ** 32 - 1);
  for (const medium of ['cd', 'dvd', 'fat32']) assert.ok(parsePartSize(medium) > 700_000_000, medium);
});

for (const text of [
  '',
  'floppy',
  '4 TB',
  '-1GB',
  '1e9',
  '4GBB',
  '0',
  '100',
  'Infinity',
  '4,5GB',
  '9'.repeat(20),
])
  test(`"${text}" is no size for parts`, () => {
    assert.throws(
      () => parsePartSize(text),
      (error: unknown) =>
        error instanceof AirferryError && error.code === 'USAGE' && /700MiB/.test(error.suggestions.join()),
    );
  });

test.run();
