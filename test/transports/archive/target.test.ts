import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../../src/bundle/open.ts';
import { openBundleTarget } from '../../../src/bundle/target.ts';
import { verifyBundle } from '../../../src/bundle/verify.ts';
import { digestOf } from '../../../src/content/digest.ts';
import { parseReference } from '../../../src/content/reference.ts';
import { Meter } from '../../../src/support/meter.ts';
import { once } from '../../../src/support/once.ts';
import { openArchiveTarget } from '../../../src/transports/archive/target.ts';
import { openImageSource } from '../../../src/transports/open.ts';
import { openFileTarget } from '../../../src/transports/open-target.ts';
import { refused } from '../../bundle/rig.ts';
import {
  imageOf,
  layerOf,
  noise,
  ociArchive,
  siteImages,
  writeFolder,
  writeTo,
} from '../../support/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { copyAll } from '../places.ts';
import { randomLayout } from '../random-images.ts';

const test = suite('transports/archive/target');
const folder = scratch();
const archive = writeTo(folder, 'site.tar', await ociArchive(await siteImages()));
const FORMATS = ['docker-archive', 'oci-archive', 'bundle'] as const;

function open(format: (typeof FORMATS)[number], path: string, options = {}) {
  return format === 'bundle' ? openBundleTarget(path, options) : openArchiveTarget(format, path, options);
}

for (const format of FORMATS) {
  test(`${format}: a file that is there is not replaced unless asked for, and then only by a whole one`, async () => {
    const path = writeTo(folder, `${format}-there.tar`, 'precious');
    const error = await refused(() => open(format, path), 'FILE_UNWRITABLE', 'there is a file of that name');
    assert.match(error.suggestions.join(' '), '--force');
    const opened = await open(format, path, { overwrite: true });
    await opened.target.putBlob({ mediaType: 'x', open: () => once(noise(1000)) }, parseReference('x'));
    assert.is(readFileSync(path, 'utf8'), 'precious');
    await opened.discard();
    assert.is(readFileSync(path, 'utf8'), 'precious');
    assert.equal(
      readdirSync(folder).filter(name => name.endsWith('.part')),
      [],
    );
  });

  test(`${format}: a folder, a device and a missing folder are refused`, async () => {
    await refused(() => open(format, folder), 'FILE_UNWRITABLE', 'it is a folder');
    await refused(() => open(format, '/dev/null', { overwrite: true }), 'FILE_UNWRITABLE', 'no regular file');
    await refused(() => open(format, join(folder, 'none/x.tar')), 'FILE_UNWRITABLE', 'no such folder');
  });

  test(`${format}: blobs that are filled side by side give the same bytes each time`, async () => {
    const layout = writeFolder(join(folder, `random-${format}`), await randomLayout(5));
    const digests = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const path = join(folder, `${format}-side.tar`);
      const opened = await open(format, path, { overwrite: true, concurrency: 4 });
      const source = await openImageSource(layout);
      await copyAll(source, { target: async () => opened, source: () => openImageSource(path) });
      await source.close();
      digests.add(digestOf(readFileSync(path)));
    }
    assert.is(digests.size, 1);
  });

  test(`${format}: a stop in the middle of a blob leaves nothing`, async () => {
    const home = join(folder, `stopped-${format}`);
    mkdirSync(home);
    const controller = new AbortController();
    const opened = await open(format, join(home, 'x.tar'), { signal: controller.signal });
    async function* bytes(): AsyncGenerator<Uint8Array> {
      yield noise(1000);
      controller.abort(new Error('stopped'));
      yield noise(1000);
    }
    const known = { mediaType: 'x', digest: digestOf('x'), size: 2000 };
    for (const input of [
      { mediaType: 'x', open: bytes },
      { descriptor: known, open: bytes },
    ]) {
      try {
        await opened.target.putBlob(input, parseReference('x'));
        assert.unreachable();
      } catch (error) {
        assert.match(String(error), 'stopped');
      }
    }
    await opened.discard();
    assert.equal(readdirSync(home), []);
  });

  test(`${format}: a blob that is not what its digest says is refused`, async () => {
    const opened = await open(format, join(folder, `${format}-wrong.tar`));
    const known = { mediaType: 'x', digest: digestOf('x'), size: 3 };
    const put = () =>
      opened.target.putBlob({ descriptor: known, open: () => once(noise(3)) }, parseReference('x'));
    await refused(put, 'DIGEST_MISMATCH');
    await opened.discard();
  });

  test(`${format}: two images of one name are refused`, async () => {
    const path = join(folder, `${format}-two.tar`);
    const opened = await open(format, path);
    const target = async () => ({ ...opened, commit: async () => undefined });
    for (const content of ['a', 'b']) {
      const image = imageOf(['same:1'], [await layerOf('x', content)]);
      const source = await openImageSource(writeTo(folder, `${content}.tar`, await ociArchive([image])));
      const copy = () => copyAll(source, { target, source: () => openImageSource(path) });
      if (content === 'a') await copy();
      else await refused(copy, format === 'bundle' ? 'RECIPE_INVALID' : 'RULE_COLLISION', 'named same:1');
      await source.close();
    }
    await opened.discard();
  });
}

test('docker-archive: has manifest.json, oci-archive: has none', async () => {
  for (const format of ['docker-archive', 'oci-archive'] as const) {
    const path = join(folder, `${format}-documents.tar`);
    const source = await openImageSource(archive);
    await copyAll(source, {
      target: () => openFileTarget({ transport: format, path }),
      source: () => openImageSource(path),
    });
    await source.close();
    assert.is(readFileSync(path).includes('manifest.json'), format === 'docker-archive');
  }
});

test('a target cannot be named by position', async () => {
  const location = { transport: 'docker-archive', path: join(folder, 'x.tar'), name: '@0' } as const;
  await refused(() => openFileTarget(location), 'USAGE', 'names none of a target');
});

test('a bundle of images alone verifies; name, version and platforms are as asked, or as its images are', async () => {
  for (const [options, expected] of [
    [{}, ['images', '1', ['linux/amd64']]],
    [{ name: 'plant-7', version: '2', platforms: ['linux/arm64'] }, ['plant-7', '2', ['linux/arm64']]],
  ] as const) {
    const home = join(folder, `bundle-${options === undefined ? '' : JSON.stringify(options).length}`);
    mkdirSync(home);
    const path = join(home, 'images.tar');
    const source = await openImageSource(archive);
    await copyAll(source, {
      target: () =>
        openBundleTarget(path, {
          ...options,
          platforms: 'platforms' in options ? [...options.platforms] : undefined,
        }),
      source: () => openImageSource(path),
    });
    await source.close();
    const bundle = Bundle.open(path);
    const { name, version, platforms } = bundle.manifest;
    assert.equal([name, version, platforms], expected);
    assert.equal((await verifyBundle(bundle, { meter: new Meter() })).problems, []);
    bundle.close();
  }
});

test('a bundle with blobs under sha512 verifies', async () => {
  const path = join(folder, 'sha512.tar');
  writeFileSync(path, '');
  for (let seed = 1; seed < 9; seed++) {
    const layout = writeFolder(join(folder, `sha512-${seed}`), await randomLayout(seed));
    const source = await openImageSource(layout);
    await copyAll(source, {
      target: () => openBundleTarget(path, { overwrite: true }),
      source: () => openImageSource(path),
    });
    await source.close();
    const bundle = Bundle.open(path);
    assert.equal((await verifyBundle(bundle, { meter: new Meter() })).problems, [], `seed ${seed}`);
    bundle.close();
  }
});

test.run();
