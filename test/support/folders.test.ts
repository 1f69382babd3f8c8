import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { systemCode } from '../../src/errors.ts';
import { makeFolders } from '../../src/support/folders.ts';
import { scratch } from './scratch.ts';
import { suite } from './suite.ts';

const test = suite('support/folders');

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(() => undefined, systemCode);
}

test('what is missing is made, and the highest of it told; what is there stays', async () => {
  const root = scratch();
  const path = join(root, 'a/b/c');
  assert.is(await makeFolders(path, 0o700), join(root, 'a'));
  for (const folder of ['a', 'a/b', 'a/b/c']) assert.is(statSync(join(root, folder)).mode & 0o777, 0o700);
  assert.is(await makeFolders(path), undefined);
  assert.is(await makeFolders(join(root, 'a/d')), join(root, 'a/d'));
});

test('many at once all end with the folder there', async () => {
  const path = join(scratch(), 'x/y/z');
  const told = await Promise.all(Array.from({ length: 20 }, () => makeFolders(path)));
  assert.ok(existsSync(path));
  assert.ok(told.some(made => made !== undefined));
});

test('a file in the way is an error', async () => {
  const file = join(scratch(), 'file');
  writeFileSync(file, '');
  assert.is(await codeOf(makeFolders(file)), 'EEXIST');
  assert.is(await codeOf(makeFolders(join(file, 'below'))), 'ENOTDIR');
});

test('where nothing can be made, that is said rather than tried for ever', async () => {
  assert.is(await codeOf(makeFolders('/proc/airferry/below')), 'ENOENT');
});

test.run();
