import { appendFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { layerMediaType } from '../../src/content/media-types.ts';
import { LayerBook } from '../../src/transports/layer-book.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/layer-book');
const plain = digestOf('plain');
const packed = { mediaType: layerMediaType('gzip'), digest: digestOf('packed'), size: 6 };

function onlyFile(folder: string): string {
  const [name = '', ...others] = readdirSync(folder);
  assert.equal(others, []);
  return join(folder, name);
}

test('what a run has learned the next one knows, for the same manner of compressing', async () => {
  const folder = join(scratch(), 'layers');
  const first = await LayerBook.open(folder, 'gzip');
  assert.not(first.has(plain));
  first.set(plain, packed);
  assert.equal((await LayerBook.open(folder, 'gzip')).get(plain), packed);
  assert.not((await LayerBook.open(folder, 'zstd')).has(plain));
  assert.equal([statSync(folder).mode & 0o777, statSync(onlyFile(folder)).mode & 0o777], [0o700, 0o600]);
});

test('an earlier word may be disowned, one of this run not', async () => {
  const folder = scratch();
  (await LayerBook.open(folder, 'gzip')).set(plain, packed);
  const book = await LayerBook.open(folder, 'gzip');
  assert.ok(book.disown(plain));
  assert.not(book.has(plain));
  assert.not(book.disown(plain));
  const other = { ...packed, digest: digestOf('other') };
  book.set(plain, other);
  assert.not(book.disown(plain));
  assert.equal((await LayerBook.open(folder, 'gzip')).get(plain), other, 'the last word counts');
});

test('lines that are damaged are passed over', async () => {
  const folder = scratch();
  (await LayerBook.open(folder, 'gzip')).set(plain, packed);
  const file = onlyFile(folder);
  const line = readFileSync(file, 'utf8');
  for (const bad of [
    `${digestOf('x')} ../../etc 5\n`,
    `${digestOf('x')} ${digestOf('y')} -1\n`,
    '\0\0\n',
    'half',
  ])
    appendFileSync(file, bad);
  const book = await LayerBook.open(folder, 'gzip');
  assert.equal(book.get(plain), packed);
  assert.not(book.has(digestOf('x')));
  writeFileSync(file, line.repeat(60_000));
  assert.not(
    (await LayerBook.open(folder, 'gzip')).has(plain),
    'a file that is far too large is none of ours',
  );
});

test('of a full book the older half goes', async () => {
  const folder = scratch();
  const seed = await LayerBook.open(folder, 'gzip');
  seed.set(plain, packed);
  const file = onlyFile(folder);
  const lines = Array.from({ length: 30_000 }, (_, i) => `${digestOf(`${i}`)} ${packed.digest} 6`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const book = await LayerBook.open(folder, 'gzip');
  assert.not(book.has(digestOf('0')));
  assert.ok(book.has(digestOf('29999')));
  assert.ok(readFileSync(file, 'utf8').split('\n').length < 16_000);
  book.set(plain, packed);
  assert.equal((await LayerBook.open(folder, 'gzip')).get(plain), packed);
});

test('a folder that cannot be made costs nothing but the memory', async () => {
  const file = join(scratch(), 'file');
  writeFileSync(file, '');
  const book = await LayerBook.open(join(file, 'layers'), 'gzip');
  book.set(plain, packed);
  assert.equal(book.get(plain), packed);
});

test.run();
