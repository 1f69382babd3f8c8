import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { familiarName, parseReference, type Reference } from '../../../src/content/reference.ts';
import { Meter } from '../../../src/support/meter.ts';
import { copyImages } from '../../../src/transports/copy.ts';
import { parseLocation } from '../../../src/transports/location.ts';
import { openImageSource } from '../../../src/transports/open.ts';
import { type ImageFileLocation, openFileTarget, targetName } from '../../../src/transports/open-target.ts';
import type { ImageTarget } from '../../../src/transports/target.ts';
import { refused } from '../../bundle/rig.ts';
import {
  dockerArchive20,
  imageOf,
  layerOf,
  ociArchive,
  siteImages,
  type TestImage,
  writeTo,
} from '../../support/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { copyAll, PLACES } from '../places.ts';

const test = suite('transports/oci/target');
const folder = scratch();
const images = await siteImages();
const archive = writeTo(folder, 'site.tar', await ociArchive(images));
let count = 0;

function home(): string {
  const path = join(folder, String(count++));
  mkdirSync(path);
  return path;
}

async function copyTo(layout: string, from = archive): Promise<{ moved: number; present: number }> {
  const source = await openImageSource(from);
  try {
    const place = PLACES.oci?.(layout);
    if (!place) throw new Error('there is no place for layouts');
    const { moved, present } = await copyAll(source, place);
    return { moved: moved.blobs, present: present.blobs };
  } finally {
    await source.close();
  }
}

async function namesIn(layout: string): Promise<string[]> {
  const source = await openImageSource(layout);
  const { images } = await source.inventory();
  await source.close();
  return images.flatMap(({ names }) => names.map(familiarName)).sort();
}

async function saved(image: TestImage): Promise<string> {
  return writeTo(folder, `${count++}.tar`, await dockerArchive20([image]));
}

function indexOf(layout: string): { manifests: { digest: string; annotations?: Record<string, string> }[] } {
  return JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
}

test('a second copy moves nothing and leaves the layout as it is', async () => {
  const at = home();
  assert.ok((await copyTo(at)).moved > 0);
  const { mtimeMs } = statSync(join(at, 'layout/index.json'));
  assert.is((await copyTo(at)).moved, 0);
  assert.is(statSync(join(at, 'layout/index.json')).mtimeMs, mtimeMs);
});

test('a blob of the right size with wrong content is found and mended by the next copy', async () => {
  const at = home();
  await copyTo(at);
  const blobs = join(at, 'layout/blobs/sha256');
  for (const name of readdirSync(blobs)) {
    const path = join(blobs, name);
    const whole = readFileSync(path);
    const bad = Buffer.from(whole);
    bad[bad.length >> 1] = (bad[bad.length >> 1] ?? 0) ^ 1;
    writeFileSync(path, bad);
    await copyTo(at);
    assert.ok(readFileSync(path).equals(whole), name);
    writeFileSync(path, whole.subarray(1));
    await copyTo(at);
    assert.ok(readFileSync(path).equals(whole), name);
  }
});

test('a name that stood for another image moves, and other names stay', async () => {
  const at = home();
  await copyTo(at);
  await copyTo(at, await saved(imageOf(['tool:2'], [await layerOf('new', 'new')])));
  assert.equal(await namesIn(join(at, 'layout')), ['site/app:1.0', 'site/app:latest', 'tool:2']);
  assert.is(indexOf(join(at, 'layout')).manifests.length, 3);
});

test('what others wrote into index.json stays as it is', async () => {
  const at = home();
  await copyTo(at);
  const path = join(at, 'layout/index.json');
  const index = JSON.parse(readFileSync(path, 'utf8'));
  index.annotations = { site: 'plant-7' };
  index.manifests[0].urls = ['https://hub.company.com/x'];
  index.manifests.push({ ...index.manifests[0], annotations: { 'org.opencontainers.image.ref.name': 'v1' } });
  writeFileSync(path, JSON.stringify(index));
  await copyTo(at, await saved(imageOf(['new:1'], [await layerOf('new', 'new')])));
  const after = JSON.parse(readFileSync(path, 'utf8'));
  assert.equal(after.manifests.slice(0, -1), index.manifests);
  assert.equal(after.annotations, index.annotations);
});

test('many writers at once lose no entry', async () => {
  const at = home();
  const names = Array.from({ length: 12 }, (_, i) => `app-${i}:1`);
  await Promise.all(
    names.map(async (name, i) => copyTo(at, await saved(imageOf([name], [await layerOf('x', `${i % 3}`)])))),
  );
  assert.equal(await namesIn(join(at, 'layout')), names.sort());
  assert.equal(
    readdirSync(join(at, 'layout')).filter(name => name.startsWith('.')),
    [],
  );
});

test('a copy that fails leaves no name and no half blob, and the next one finds what arrived', async () => {
  const at = home();
  const good = await ociArchive(images);
  const bad = Buffer.from(good);
  const [, tool] = images;
  const last = Buffer.from(tool.config).subarray(0, 40);
  bad[bad.indexOf(last) + 20] = 0x20;
  const failing = writeTo(folder, 'bad.tar', bad);
  await refused(() => copyTo(at, failing), 'DIGEST_MISMATCH');
  const source = await openImageSource(archive);
  const opened = await openFileTarget({ transport: 'oci', path: join(at, 'layout') });
  let blobs = 0;
  const { target: layout } = opened;
  const target: ImageTarget = {
    description: layout.description,
    scope: layout.scope,
    concurrency: 1,
    holds: (name, manifest) => layout.holds(name, manifest),
    putManifest: (document, name) => layout.putManifest(document, name),
    async putBlob(blob, name) {
      if (blobs++ === 2) throw new Error('the cable was pulled');
      return layout.putBlob(blob, name);
    },
  };
  try {
    const options = {
      names: (from: Reference[]) => from,
      unnamed: true,
      compression: 'gzip',
      meter: new Meter(),
    } as const;
    await copyImages(source, target, options);
    assert.unreachable();
  } catch (error) {
    assert.match(String(error), 'the cable was pulled');
  }
  await opened.discard();
  await source.close();
  assert.not(existsSync(join(at, 'layout/index.json')));
  assert.not(readdirSync(join(at, 'layout')).some(name => name.endsWith('.part')));
  const { moved, present } = await copyTo(at);
  assert.ok(present >= 2 && moved >= 1, `${moved} moved, ${present} present`);
});

test('a layout that was made for nothing is taken away again', async () => {
  const path = join(home(), 'layout');
  const opened = await openFileTarget({ transport: 'oci', path });
  assert.ok(existsSync(path));
  await opened.discard();
  assert.not(existsSync(path));
});

test('a folder with other things in it, a file, and a layout of another version are refused', async () => {
  const other = home();
  writeFileSync(join(other, 'notes.txt'), 'mine');
  await refused(
    () => openFileTarget({ transport: 'oci', path: other }),
    'ARCHIVE_INVALID',
    'other things in it',
  );
  assert.equal(readdirSync(other), ['notes.txt']);
  await refused(() => openFileTarget({ transport: 'oci', path: archive }), 'FILE_UNWRITABLE', 'it is a file');
  const newer = home();
  writeFileSync(join(newer, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
  await refused(() => openFileTarget({ transport: 'oci', path: newer }), 'ARCHIVE_INVALID', 'version');
});

test('a bare tag in the location is written as skopeo reads it, and read back by it', async () => {
  const path = join(home(), 'layout');
  const source = await openImageSource(await saved(imageOf(['tool:2'], [await layerOf('x', 'x')])));
  const location = parseLocation(`oci:${path}:v1`) as ImageFileLocation;
  const name = targetName(location) ?? parseReference('none');
  for (const round of [1, 2]) {
    const opened = await openFileTarget(location);
    const options = { names: () => [name], unnamed: true, compression: 'gzip', meter: new Meter() } as const;
    const { images, moved } = await copyImages(source, opened.target, options);
    await opened.commit();
    assert.is(images.length, 1);
    assert.is(moved.blobs > 0, round === 1);
  }
  await source.close();
  assert.equal(
    indexOf(path).manifests.map(({ annotations }) => annotations),
    [{ 'org.opencontainers.image.ref.name': 'v1' }],
  );
});

test.run();
