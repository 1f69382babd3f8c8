import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Lock } from '../../src/config/lock.ts';
import { digestOf } from '../../src/content/digest.ts';
import { refusal } from '../engine/expect.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/lock');
const [a, b] = [digestOf('a'), digestOf('b')];

test('the lock of a recipe bears its name', async () => {
  const dir = scratch();
  assert.is((await Lock.beside(join(dir, 'bundle.yaml'))).file, join(dir, 'bundle.lock.yaml'));
  assert.is((await Lock.beside(join(dir, 'plant.yml'))).file, join(dir, 'plant.lock.yaml'));
});

test('a lock is the same whatever the order in which it was filled', async () => {
  const texts = await Promise.all(
    [
      ['b', 'a'],
      ['a', 'b'],
    ].map(async names => {
      const lock = await Lock.beside(join(scratch(), 'bundle.yaml'));
      for (const name of names) {
        lock.pin(`https://example.com/${name}`, digestOf(name));
        lock.pin(`docker.io/library/${name}:1`, digestOf(name), 'images');
      }
      lock.pinReferrers(
        a,
        names.map(name => digestOf(name)),
      );
      lock.pinReferrers(b, []);
      await lock.save();
      return readFileSync(lock.file, 'utf8');
    }),
  );
  assert.is(texts[0], texts[1]);
  assert.match(texts[0] ?? '', /^# Written by airferry/);
  assert.match(texts[0] ?? '', `images:\n  docker.io/library/a:1: ${a}\n`);
});

test('what was written is read again, and an unchanged lock is not written', async () => {
  const recipe = join(scratch(), 'bundle.yaml');
  const lock = await Lock.beside(recipe);
  await lock.save();
  assert.not(existsSync(lock.file));
  lock.pin('https://example.com/x', a);
  lock.pinReferrers(a, [b]);
  lock.pinReferrers(b, []);
  await lock.save();
  const again = await Lock.beside(recipe);
  assert.equal(
    [again.digestOf('https://example.com/x'), again.referrersOf(a), again.referrersOf(b)],
    [a, [b], []],
  );
  assert.is(again.referrersOf(digestOf('c')), undefined);
  writeFileSync(lock.file, `# by hand\n${readFileSync(lock.file)}`);
  await again.save();
  assert.match(readFileSync(lock.file, 'utf8'), /^# by hand/);
  again.pin('https://example.com/x', b);
  again.release(a, 'referrers');
  assert.equal(again.changes(), [
    { kind: 'downloads', name: 'https://example.com/x', from: a, to: b },
    { kind: 'referrers', name: a, from: b },
  ]);
});

test('a lock that someone has broken is refused at its line', async () => {
  for (const [text, line] of [
    ['schemaVersion: 1\ndownloads:\n  https://example.com/x: sha256:abc\n', 3],
    ['schemaVersion: 2\ndownloads: {}\n', 1],
    ['schemaVersion: 1\nfoo: 1\ndownloads: {}\n', 2],
    ['schemaVersion: 1\ndownloads: [\n', 3],
    ['schemaVersion: 1\nimages: { a: b }\n', 2],
    ['schemaVersion: 1\nreferrers: { a: b }\n', 2],
    ['- 1\n', 1],
  ] as const) {
    const folder = scratch();
    writeFileSync(join(folder, 'bundle.lock.yaml'), text);
    const error = await refusal(() => Lock.beside(join(folder, 'bundle.yaml')), 'RECIPE_INVALID');
    assert.match(error.where.file ?? '', /bundle\.lock\.yaml$/);
    assert.ok(error.where.line !== undefined && error.where.line <= line, `${error.where.line} for ${text}`);
  }
});

test.run();
