import * as assert from 'uvu/assert';
import { inspectBundle } from '../../src/actions/bundle-inspect.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { create, ENGINE, refused, tinyImages, writeSite } from './rig.ts';

const test = suite('bundle/inspect');

test('sizes are told shared and unique, and add up', async () => {
  const dir = scratch();
  const { path, digest, size } = await create(dir, await writeSite(dir));
  const inspection = await inspectBundle({ path });
  assert.is(inspection.digest, digest);
  assert.is(inspection.size, size);
  assert.is(inspection.engine?.version, ENGINE);
  assert.equal(
    inspection.images.map(({ names, id, layers, platform }) => ({
      names,
      id,
      layers: layers.length,
      platform,
    })),
    (await tinyImages()).map(({ names, id }) => ({ names, id, layers: 2, platform: 'linux/amd64' })),
  );
  for (const image of inspection.images) assert.is(image.size, image.unique + inspection.shared);
  assert.ok(inspection.shared > 0);
  assert.equal(
    inspection.images.map(({ layers }) => layers.map(({ images }) => images)),
    [
      [2, 1],
      [2, 1],
    ],
  );
  assert.equal(
    inspection.files.map(({ path, mode, size }) => ({ path, mode, size })),
    [{ path: '/etc/motd', mode: '0640', size: 8 }],
  );
});

test('a file that is no bundle is refused', async () => {
  const dir = scratch();
  await writeSite(dir);
  await refused(() => inspectBundle({ path: `${dir}/images.tar` }), 'BUNDLE_INVALID', 'no airferry bundle');
});

test.run();
