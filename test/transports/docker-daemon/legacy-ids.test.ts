import { readFile } from 'node:fs/promises';
import * as assert from 'uvu/assert';
import type { Digest } from '../../../src/content/digest.ts';
import { chainIds } from '../../../src/content/manifest.ts';
import { LegacyIds } from '../../../src/transports/docker-daemon/legacy-ids.ts';
import { suite } from '../../support/suite.ts';

const test = suite('transports/docker-daemon/legacy-ids');

/** What engine 20.10.24 saved: the folders of an image's layers, from the lowest up. */
const saved = JSON.parse(await readFile(new URL('save-20.json', import.meta.url), 'utf8')) as {
  diffIds: Digest[];
  folders: { id: string; json: string }[];
};
const chains = chainIds(saved.diffIds);
const OTHER: Digest[] = [`sha256:${'1'.repeat(64)}`, `sha256:${'2'.repeat(64)}`];

test('each folder tells its layer, in whatever order they come, among layers of other images', () => {
  const folders = saved.folders.map((folder, i) => ({ ...folder, chain: chains[i] }));
  for (const order of [folders, folders.toReversed(), [folders[1], folders[2], folders[0]]]) {
    const ids = new LegacyIds([OTHER, saved.diffIds]);
    for (const folder of order)
      assert.is(ids.chainOf(folder?.id ?? '', Buffer.from(folder?.json ?? '')), folder?.chain);
  }
});

test('nothing is told of layers that are not expected, of folders of another name, and of no JSON', () => {
  const [first] = saved.folders;
  const json = Buffer.from(first?.json ?? '');
  assert.is(new LegacyIds([OTHER]).chainOf(first?.id ?? '', json), undefined);
  const ids = new LegacyIds([saved.diffIds]);
  assert.is(ids.chainOf('0'.repeat(64), json), undefined);
  assert.is(ids.chainOf(first?.id ?? '', Buffer.from('{')), undefined);
  assert.is(ids.chainOf(first?.id ?? '', Buffer.from('null')), undefined);
});

test('JSON that was tampered with tells nothing', () => {
  const [, second] = saved.folders;
  const json = Buffer.from(second?.json.replace('"Hostname":""', '"Hostname":"x"') ?? '');
  assert.is(new LegacyIds([saved.diffIds]).chainOf(second?.id ?? '', json), undefined);
});

test.run();
