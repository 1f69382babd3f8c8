import * as assert from 'uvu/assert';
import { digestOf } from '../../../src/content/digest.ts';
import { formatReference, parseReference } from '../../../src/content/reference.ts';
import { isAirferryError } from '../../../src/errors.ts';
import { Meter } from '../../../src/support/meter.ts';
import { copyImages } from '../../../src/transports/copy.ts';
import { gzipped, imageOf, layerOf, manifestOf, noise, siteImages } from '../../support/archives.ts';
import type { Dialect } from '../../support/fake-engine.ts';
import { suite } from '../../support/suite.ts';
import { toPlant } from '../copying.ts';
import { StrictTarget } from '../strict-target.ts';
import { saves, sourceOf, withEngines } from './rig.ts';

const test = suite('transports/docker-daemon/source');
const images = await siteImages();
const [app, tool] = images;
test('what an image has of another that comes along is not expected twice, but where each is saved on its own', async () => {
  const base = await layerOf('base', noise(50_000));
  const small = imageOf(['base:1'], [base]);
  const large = imageOf(['large:1'], [base, await layerOf('more', noise(20_000, 2))]);
  const sizeOf = (image: { layers: readonly Uint8Array[] }): number =>
    image.layers.reduce((sum, { length }) => sum + length, 0);
  for (const dialect of ['20', '26', 'containerd'] as const)
    await withEngines([[[small, large], dialect]], async rig => {
      const { bytes } = await sourceOf(rig);
      const both = sizeOf(small) + sizeOf(large);
      assert.is(bytes, dialect === 'containerd' ? both : sizeOf(large));
    });
});

const DIALECTS: Dialect[] = ['20', '26', 'containerd'];
const WHOLE = {
  '20': 'asked twice, since these folders do not tell their layers',
  '26': 'asked once',
  containerd: 'asked once for each image',
};

for (const dialect of DIALECTS) {
  test(`${dialect}: into repositories, ${WHOLE[dialect]}`, () =>
    withEngines([[images, dialect]], async rig => {
      const target = new StrictTarget();
      const meter = new Meter();
      const source = await sourceOf(rig, {}, meter);
      const options = { names: toPlant, unnamed: false, compression: 'gzip', meter } as const;
      const report = await copyImages(source, target, options);
      assert.equal(report.images.flatMap(({ to }) => to.map(formatReference)).sort(), [
        'hub.company.com/library/tool:2',
        'hub.company.com/site/app:1.0',
        'hub.company.com/site/app:latest',
      ]);
      assert.is(saves(rig).length, { '20': 2, '26': 1, containerd: 2 }[dialect]);
      const { done, total } = meter.progress;
      assert.is(done, total, 'the estimate is settled at the end');
    }));

  test(`${dialect}: into one place, asked once for everything or once for each image`, () =>
    withEngines([[images, dialect]], async rig => {
      const target = new StrictTarget({ scope: 'whole' });
      const source = await sourceOf(rig);
      const options = { names: toPlant, unnamed: true, compression: 'gzip', meter: new Meter() } as const;
      const report = await copyImages(source, target, options);
      assert.is(report.images.length, 2);
      assert.is(saves(rig).length, dialect === 'containerd' ? 2 : 1);
    }));

  test(`${dialect}: by name, by ID and by digest`, () =>
    withEngines([[images, dialect]], async rig => {
      const id = rig.engine.names.get('tool:2') as typeof tool.id;
      for (const selection of [
        { names: [parseReference('tool:2')] },
        { ids: [id] },
        { names: [parseReference('tool:2')], ids: [id] },
      ]) {
        const source = await sourceOf(rig, selection);
        for await (const layer of source.layers()) assert.ok(layer.size > 0);
        const { images: found } = await source.inventory();
        assert.equal(
          found.map(({ names, config }) => [names.map(formatReference), config.descriptor.digest]),
          [[selection.names ? ['docker.io/library/tool:2'] : [], tool.id]],
        );
      }
    }));
}

test('with the containerd store digests survive', () =>
  withEngines([[images, 'containerd']], async rig => {
    const target = new StrictTarget();
    const source = await sourceOf(rig);
    const options = { names: toPlant, unnamed: false, compression: 'gzip', meter: new Meter() } as const;
    const { images: copied } = await copyImages(source, target, options);
    assert.equal(
      copied.map(({ manifest }) => manifest.digest).sort(),
      images.map(image => digestOf(manifestOf(image, gzipped))).sort(),
    );
  }));

test('images that nothing is wanted of are not asked for', () =>
  withEngines([[images, '26']], async rig => {
    const source = await sourceOf(rig);
    const options = { names: () => [], unnamed: false, compression: 'gzip', meter: new Meter() } as const;
    const report = await copyImages(source, new StrictTarget(), options);
    assert.is(report.images.length, 0);
    assert.is(saves(rig).length, 0);
  }));

test('layers go to the repositories of their images alone', () =>
  withEngines([[images, '26']], async rig => {
    const target = new StrictTarget({ mounts: false });
    const options = { names: toPlant, unnamed: false, compression: 'gzip', meter: new Meter() } as const;
    await copyImages(await sourceOf(rig), target, options);
    const count = (repository: string): number | undefined => target.blobs.get(repository)?.size;
    assert.is(count('hub.company.com/site/app'), 4, 'three layers and a config');
    assert.is(count('hub.company.com/library/tool'), 3, 'two layers and a config');
  }));

test('engines that share what is known share layers: one that was put is not read again', async () => {
  const more = imageOf(['more:1'], [app.layers[0] as Buffer, await layerOf('m', noise(5000, 9))]);
  await withEngines(
    [
      [[app], '26'],
      [[more], '26'],
    ],
    async (first, second) => {
      const target = new StrictTarget({ scope: 'whole' });
      const known = new Map();
      const options = {
        names: toPlant,
        unnamed: true,
        compression: 'gzip',
        meter: new Meter(),
        known,
      } as const;
      await copyImages(await sourceOf(first), target, options);
      const { moved, present } = await copyImages(await sourceOf(second), target, options);
      assert.is(moved.blobs, 2, 'its own layer and its config');
      assert.is(present.blobs, 1);
      assert.is(known.size, 4);
    },
  );
});

test('an engine that is known to have a layer compressed gives it to those that have it plain', async () => {
  await withEngines(
    [
      [[app], 'containerd'],
      [[tool], '26'],
    ],
    async (first, second) => {
      const target = new StrictTarget({ scope: 'whole' });
      const known = new Map();
      const options = {
        names: toPlant,
        unnamed: true,
        compression: 'zstd',
        meter: new Meter(),
        known,
      } as const;
      await copyImages(await sourceOf(first), target, options);
      const { moved } = await copyImages(await sourceOf(second), target, options);
      assert.is(moved.blobs, 2, 'its own layer and its config; the base is there as gzip');
    },
  );
});

test('an image that is not there is named, and what is near it', () =>
  withEngines([[images, '26']], async rig => {
    try {
      await sourceOf(rig, { names: [parseReference('site/ap:1.0')] });
      assert.unreachable();
    } catch (error) {
      assert.ok(isAirferryError(error, 'IMAGE_NOT_FOUND'));
      assert.match((error as Error).message, 'site/ap:1.0');
      assert.match((error as { suggestions: string[] }).suggestions[0] ?? '', 'site/app:1.0');
    }
  }));

test.run();
