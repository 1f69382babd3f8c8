import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { chainIds } from '../../src/content/manifest.ts';
import { parsePlatform } from '../../src/content/platform.ts';
import { walkTar } from '../../src/tar/walk.ts';
import { type EngineStore, loadArchive, planLoads } from '../../src/transports/docker-load.ts';
import type { RandomSource } from '../../src/transports/source.ts';
import { collect } from '../registry/rig.ts';
import { dockerArchive20, imageOf, ociArchive, siteImages } from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { ARCHIVES, facts, factsOf, fileOf, take, withSource } from './rig.ts';

const test = suite('transports/docker-load, read back');
const images = await siteImages();
const [app, tool] = images;
const platform = parsePlatform('linux/amd64');
const engine = (more: Partial<EngineStore> = {}): EngineStore => ({
  kind: 'classic',
  major: 29,
  chains: new Set(),
  names: new Map(),
  ...more,
});

function withRandom<T>(path: string, work: (source: RandomSource) => Promise<T>): Promise<T> {
  return withSource(path, async source => {
    if (source.access !== 'random') throw new Error(`${path} is not random`);
    return work(source);
  });
}

for (const [dialect, write] of Object.entries(ARCHIVES))
  for (const kind of ['classic', 'containerd'] as const)
    test(`${dialect} → ${kind}: what is loaded is an archive with the image that was saved`, async () => {
      await withRandom(fileOf(await write(images)), async source => {
        for (const wanted of images) {
          const only = [wanted.names[0] ?? ''];
          const [load, ...more] = await planLoads(source, engine({ kind }), { platform, only });
          assert.is(more.length, 0);
          if (!load) throw new Error('nothing to load');
          const { inventory, layers } = await take(fileOf(await collect(loadArchive(load))));
          assert.equal(facts(inventory), factsOf([{ ...wanted, names: only }]));
          assert.equal(
            layers.map(({ diffId }) => diffId).sort(),
            [...new Set(wanted.diffIds)].sort(),
            'each layer once, and whole',
          );
          assert.equal([load.leftOut, load.bytes], [0, layers.reduce((sum, { size }) => sum + size, 0)]);
        }
      });
    });

test('the lowest layers that an engine has stay behind, the others come', async () => {
  await withRandom(fileOf(await dockerArchive20(images)), async source => {
    const chains = chainIds(app.diffIds);
    for (let known = 0; known <= chains.length; known++) {
      const store = engine({ chains: new Set(chains.slice(0, known)) });
      const [load] = await planLoads(source, store, { platform, only: ['site/app:1.0'] });
      assert.is(load?.leftOut, known);
      const sent = new Set(app.diffIds.slice(known));
      assert.is(load?.send.length, sent.size, `${known} known`);
    }
  });
});

test('an engine that has an image of the site gets the other one without the base that they share', async () => {
  await withRandom(fileOf(await ociArchive(images)), async source => {
    const store = engine({
      chains: new Set(chainIds(app.diffIds)),
      names: new Map([
        ['site/app:1.0', app.id],
        ['site/app:latest', app.id],
      ]),
    });
    const loads = await planLoads(source, store, { platform });
    assert.equal(
      loads.map(({ names, leftOut, send }) => [names, leftOut, send.length]),
      [[['tool:2'], 1, 1]],
    );
  });
});

test('layers in zstd go as plain tars to engines before 23, and as they are to later ones', async () => {
  const write = ARCHIVES['OCI archive with zstd layers'] as (all: typeof images) => Promise<Buffer>;
  await withRandom(fileOf(await write(images)), async source => {
    for (const major of [18, 22, 23]) {
      const loads = await planLoads(source, engine({ major }), { platform });
      assert.is(loads.length, 2);
      for (const load of loads) {
        const sizes = new Map<string, number>();
        const contents = new Map<string, string>();
        for await (const { header, body } of walkTar(loadArchive(load), 'load')) {
          const bytes = Buffer.concat(await Array.fromAsync(body));
          sizes.set(header.name, bytes.length);
          contents.set(header.name, digestOf(bytes));
        }
        for (const { key, compression, size } of load.send) {
          const { diffId } = load.image.layers.find(layer => layer.key === key) ?? {};
          const name = `layers/${diffId?.slice(7)}.tar`;
          assert.is(compression, major < 23 ? 'none' : 'zstd');
          assert.is(sizes.get(name), size);
          assert.is(contents.get(name), major < 23 ? diffId : key);
        }
        assert.is(
          load.bytes,
          load.send.reduce((sum, { size }) => sum + size, 0),
        );
      }
    }
  });
});

test('of an index, nested or not, the image of the platform of the engine is loaded under its name', async () => {
  const arm = imageOf([], [...tool.layers].reverse(), { platform: 'linux/arm64' });
  for (const nested of [0, 1, 2]) {
    const options = { indexName: 'multi:1', nested, attest: true, absent: ['linux/s390x'] };
    await withRandom(fileOf(await ociArchive([tool, arm], options)), async source => {
      const loads = await planLoads(source, engine(), { platform: parsePlatform('linux/arm64') });
      assert.equal(
        loads.map(({ names, id }) => [names, id]),
        [[['multi:1'], arm.id]],
      );
    });
  }
});

test.run();
