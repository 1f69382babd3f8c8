import * as assert from 'uvu/assert';
import { familiarName, parseReference } from '../../src/content/reference.ts';
import { imageSetOf } from '../../src/transports/image-set.ts';
import type { Inventory, RandomSource, SourceLayer } from '../../src/transports/source.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/image-set');

const digest = (n: number): string => `sha256:${String(n).padStart(64, '0')}`;
const image = (n: number, layer: string, ...names: string[]) => ({
  names: names.map(parseReference),
  manifest: { descriptor: { digest: digest(n) } },
  layers: [{ key: layer }],
});
const inventory = {
  images: [image(1, 'a', 'web:1', 'web:2'), image(2, 'b', 'db:1'), image(3, 'c'), image(4, 'd')],
  indexes: [
    {
      names: [parseReference('many:1')],
      index: { descriptor: { digest: digest(9) } },
      children: [digest(3)],
    },
  ],
} as unknown as Inventory;

const source: RandomSource = {
  description: 'bundle:site.tar',
  access: 'random',
  inventory: async () => inventory,
  async *layers() {
    for (const key of ['a', 'b', 'c', 'd']) yield { key } as SourceLayer;
  },
  close: async () => undefined,
};

async function chosen(...set: string[]): Promise<string[]> {
  const some = imageSetOf(source, set);
  const { images, indexes } = await some.inventory();
  const layers = (await Array.fromAsync(some.layers())).map(({ key }) => key);
  const names = [...images, ...indexes].flatMap(item => item.names.map(familiarName));
  return [...names, ...layers];
}

test('images of a set come with the names that are in it and with their layers alone', async () => {
  assert.equal(await chosen('web'), ['web:1', 'web:2', 'a']);
  assert.equal(await chosen('*:1'), ['web:1', 'db:1', 'many:1', 'a', 'b', 'c']);
  assert.equal(await chosen('web:2', 'db'), ['web:2', 'db:1', 'a', 'b']);
});

test('an index brings its images, which need no name of their own', async () => {
  assert.equal(await chosen('many:1'), ['many:1', 'c']);
});

test('a set that matches nothing is nothing', async () => {
  assert.equal(await chosen('x*'), []);
});

test.run();
