import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type ImageImportOptions, importImage } from '../../src/actions/image-import.ts';
import { digestOf } from '../../src/content/digest.ts';
import { Meter } from '../../src/support/meter.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { refused } from '../bundle/rig.ts';
import { elf, tar } from '../engine/archives.ts';
import {
  dockerArchive20,
  gzipped,
  noise,
  ociArchive,
  siteImages,
  tarOf,
  writeTo,
  zstandard,
} from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/root-file-system');
const folder = scratch();
let count = 0;
const ROOT = { 'etc/': '', 'etc/hosts': '127.0.0.1 localhost', 'data/größe': noise(30_000) };
const root = await tarOf(ROOT);

function file(bytes: Uint8Array, name = 'rootfs.tar'): string {
  return writeTo(folder, `${count++}-${name}`, bytes);
}

function run(rootfs: string, options: Partial<ImageImportOptions> = {}) {
  const output = join(folder, `${count++}-out.tar`);
  return importImage({
    rootfs,
    name: 'site/tool:1',
    target: { transport: 'docker-archive', path: output },
    created: '2026-11-20T12:00:00Z',
    meter: new Meter(),
    ...options,
  }).then(async imported => {
    const source = await openImageSource(output);
    const { images } = await source.inventory();
    await source.close();
    return { imported, image: images[0], config: JSON.parse(String(images[0]?.config.bytes ?? 'null')) };
  });
}

test('a root file system becomes an image of one layer, with just the config that was asked for', async () => {
  const { imported, config } = await run(file(root), {
    changes: ['CMD ["/tool"]', 'ENV A=1', 'LABEL site=plant-7'],
    message: 'from the plant',
    platform: 'linux/arm/v7',
  });
  assert.equal(config, {
    created: '2026-11-20T12:00:00Z',
    architecture: 'arm',
    variant: 'v7',
    os: 'linux',
    config: { Cmd: ['/tool'], Env: ['A=1'], Labels: { site: 'plant-7' } },
    rootfs: { type: 'layers', diff_ids: [digestOf(root)] },
    history: [{ created: '2026-11-20T12:00:00Z', comment: 'from the plant' }],
  });
  assert.equal([imported.name, imported.diffId], ['site/tool:1', digestOf(root)]);
});

test('compressed or not, the image ID is the same, and what is compressed goes as it is', async () => {
  const ids = new Set<string>();
  for (const bytes of [root, gzipped(root), zstandard(root)]) {
    const { imported, image } = await run(file(bytes), { message: 'same' });
    ids.add(imported.id);
    const manifest = JSON.parse(String(Buffer.from(image?.manifest?.bytes ?? [])));
    if (bytes !== root) assert.is(manifest.layers[0].digest, digestOf(bytes));
  }
  assert.is(ids.size, 1);
});

test('the time of creation is that of SOURCE_DATE_EPOCH, where nothing else is asked for', async () => {
  const path = file(root);
  const environment = { SOURCE_DATE_EPOCH: '1700000000' };
  assert.is((await run(path, { created: undefined, environment })).config.created, '2023-11-14T22:13:20Z');
  assert.is((await run(path, { created: '0', environment })).config.created, '1970-01-01T00:00:00Z');
  const now = (await run(path, { created: undefined, environment: {} })).config.created;
  assert.ok(Math.abs(Date.now() - Date.parse(now)) < 60_000);
  for (const created of ['yesterday', '2026-13-01', '12:00'])
    await refused(() => run(path, { created }), 'USAGE', 'is no time');
  await refused(
    () => run(path, { created: undefined, environment: { SOURCE_DATE_EPOCH: 'x' } }),
    'USAGE',
    'SOURCE_DATE_EPOCH is wrong',
  );
});

test('the platform is that of the binaries, and another one is refused', async () => {
  const path = file(await tar([{ name: 'bin/sh', content: elf('linux/arm64') }]));
  const error = await refused(
    () => run(path, { platform: 'linux/amd64' }),
    'PLATFORM_MISMATCH',
    'for linux/arm64',
  );
  assert.match(error.suggestions.join(' '), '--platform linux/arm64');
  assert.is((await run(path)).config.architecture, 'arm64');
  assert.is((await run(file(root))).config.architecture, 'amd64');
});

test('xz and bzip2 are named, with the command that undoes them', async () => {
  for (const tool of ['xz', 'bzip2']) {
    const magic = tool === 'xz' ? Buffer.from('fd377a585a0000', 'hex') : Buffer.from('BZh91AY');
    const error = await refused(() => run(file(magic)), 'ARCHIVE_INVALID', `compressed with ${tool}`);
    assert.match(error.suggestions.join(' '), `${tool} -dk`);
  }
});

test('archives of images are told from root file systems, one with a manifest.json of its own included', async () => {
  const images = await siteImages();
  for (const archive of [
    await dockerArchive20(images),
    await ociArchive(images),
    gzipped(await ociArchive(images)),
  ])
    await refused(() => run(file(archive)), 'ARCHIVE_INVALID', 'an archive of images');
  await run(file(await tarOf({ ...ROOT, 'manifest.json': '{}' })));
});

test('what is no tar, is empty, or was cut short is refused, and nothing is written', async () => {
  await refused(() => run(file(Buffer.from('#!/bin/sh\n'.repeat(100)))), 'ARCHIVE_INVALID', 'it is a script');
  await refused(() => run(file(new Uint8Array())), 'ARCHIVE_INVALID', 'is empty');
  await refused(() => run(file(root.subarray(0, 5000))), 'ARCHIVE_TRUNCATED');
  await refused(() => run(file(gzipped(root).subarray(0, -9))), 'ARCHIVE_TRUNCATED');
  await refused(() => run(join(folder, 'none.tar')), 'FILE_NOT_FOUND');
});

test('a bad change is refused before anything is read', async () => {
  await refused(() => run(join(folder, 'none.tar'), { changes: ['CMDD x'] }), 'USAGE', 'no instruction CMDD');
});

test('what GNU tar packs is taken, with long names, links and devices', async () => {
  const script = `set -e; mkdir -p r/etc r/${'long/'.repeat(40)}; ln -s /etc r/link; echo x > r/etc/hosts;
    ln r/etc/hosts r/hard; mkfifo r/pipe; tar -C r -cf rootfs.tar .`;
  const home = scratch();
  assert.is(spawnSync('sh', ['-c', script], { cwd: home }).status, 0);
  const { imported } = await run(join(home, 'rootfs.tar'));
  assert.is(imported.platform, 'linux/amd64');
});

test.run();
