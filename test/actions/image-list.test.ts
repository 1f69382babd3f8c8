import * as assert from 'uvu/assert';
import { listImages } from '../../src/actions/image-list.ts';
import { digestOf } from '../../src/content/digest.ts';
import { Meter } from '../../src/support/meter.ts';
import { parseLocation } from '../../src/transports/location.ts';
import { failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  gzipped,
  imageOf,
  manifestOf,
  ociArchive,
  siteImages,
  writeTo,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { everyDialect, folder } from '../transports/rig.ts';

const test = suite('actions/image-list');
const images = await siteImages();
const [app, tool] = images;

test('every dialect lists the same images, under the names that Docker shows', async () => {
  for (const [dialect, source] of await everyDialect(images)) {
    const meter = new Meter();
    const list = await listImages({ source: parseLocation(source), meter });
    const rows = list.images.map(({ names, id, platform, layers }) => [names, id, platform, layers]);
    assert.equal(
      rows,
      [
        [['site/app:1.0', 'site/app:latest'], app.id, 'linux/amd64', 4],
        [['tool:2'], tool.id, 'linux/amd64', 2],
      ],
      dialect,
    );
    assert.ok(list.source.endsWith(source), list.source);
    assert.is(meter.progress.done, meter.progress.total, dialect);
  }
});

test('sizes are those of the layers as stored, and a digest is said where there is one', async () => {
  const plain = await listImages({
    source: parseLocation(writeTo(folder, 'list.tar', await dockerArchive20(images))),
    meter: new Meter(),
  });
  const sum = (layers: Uint8Array[]) => layers.reduce((total, { length }) => total + length, 0);
  assert.equal(
    plain.images.map(({ size }) => size),
    [sum(app.layers), sum(tool.layers)],
  );
  assert.equal(
    plain.images.map(({ digest }) => digest),
    [undefined, undefined],
  );
  const layout = await listImages({
    source: parseLocation(writeTo(folder, 'list.oci.tar', await ociArchive(images))),
    meter: new Meter(),
  });
  assert.equal(
    layout.images.map(({ size }) => size),
    [app, tool].map(({ layers }) => sum(layers.map(gzipped))),
  );
  assert.equal(
    layout.images.map(({ digest }) => digest),
    images.map(image => digestOf(manifestOf(image))),
  );
});

test('the images of an index bear its name, each with its platform', async () => {
  const arm = imageOf([], tool.layers, { platform: 'linux/arm/v7' });
  const bytes = await ociArchive([{ ...tool, names: [] }, arm], { indexName: 'multi:1', attest: true });
  for (const content of [bytes, gzipped(bytes)]) {
    const { images: rows } = await listImages({
      source: parseLocation(writeTo(folder, 'multi.tar', content)),
      meter: new Meter(),
    });
    assert.equal(rows.map(({ names, platform }) => [names[0], platform]).slice(0, 2), [
      ['multi:1', 'linux/amd64'],
      ['multi:1', 'linux/arm/v7'],
    ]);
  }
});

test('an image without a name is listed by its ID', async () => {
  const unnamed = imageOf([], tool.layers);
  const source = parseLocation(writeTo(folder, 'unnamed.tar', await dockerArchive20([unnamed])));
  const { images: rows } = await listImages({ source, meter: new Meter() });
  assert.equal(
    rows.map(({ names, id }) => [names, id]),
    [[[], unnamed.id]],
  );
});

test('what is no archive is refused, and a signal stops the reading of a large one', async () => {
  await failure(
    listImages({ source: parseLocation(`${folder}/none.tar`), meter: new Meter() }),
    'FILE_NOT_FOUND',
  );
  const source = parseLocation(writeTo(folder, 'stop.tgz', gzipped(await dockerArchive20(images))));
  const stop = AbortSignal.abort(new Error('stopped'));
  const reason = await listImages({ source, meter: new Meter(), signal: stop }).catch(error => error);
  assert.is(reason.message, 'stopped');
});

test.run();
