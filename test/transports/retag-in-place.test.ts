import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { retagBundle } from '../../src/bundle/retag.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import { familiarName, parseReference } from '../../src/content/reference.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { Meter } from '../../src/support/meter.ts';
import type { NameRequest } from '../../src/transports/names.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { retagInPlace } from '../../src/transports/retag-in-place.ts';
import { refused } from '../bundle/rig.ts';
import {
  dockerArchive20,
  dockerArchive26,
  dockerArchive26Files,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  ociArchive,
  podmanArchive,
  siteImages,
  tarOf,
  writeFolder,
  writeTo,
} from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { copyAll, PLACES } from './places.ts';

const test = suite('transports/retag-in-place');
const folder = scratch();
const images = await siteImages();
let count = 0;

/** Every form whose names can be changed in place, each as a new copy. */
async function everyForm(): Promise<[form: string, path: string][]> {
  const home = join(folder, String(count++));
  writeFolder(home, new Map([['x', '']]));
  const origin = writeTo(home, 'origin.tar', await ociArchive(images));
  const ours: [string, string][] = [];
  for (const [_name, make] of Object.entries(PLACES)) {
    const place = make(home);
    const source = await openImageSource(origin);
    await copyAll(source, place);
    await source.close();
  }
  for (const file of ['docker.tar', 'layout', 'oci.tar', 'bundle.tar']) ours.push([file, join(home, file)]);
  return [
    ...ours,
    ['docker save before 25', writeTo(home, '20.tar', await dockerArchive20(images))],
    ['podman save', writeTo(home, 'podman.tar', await podmanArchive(images))],
    ['skopeo layout', writeFolder(join(home, 'skopeo'), layoutOf(images))],
  ];
}

function retag(path: string, request: NameRequest, options = {}) {
  return path.endsWith('bundle.tar')
    ? retagBundle(path, request, options)
    : retagInPlace(path, request, options);
}

async function namesOf(path: string): Promise<string[]> {
  const source = await openImageSource(path);
  for await (const layer of source.layers()) for await (const _ of layer.open());
  const { images } = await source.inventory();
  await source.close();
  return images
    .flatMap(({ names, config }) =>
      (names.length > 0 ? names.map(familiarName) : ['-']).map(
        name => `${name} ${config.descriptor.digest.slice(7, 12)}`,
      ),
    )
    .sort();
}

const ID = images.map(({ id }) => id.slice(7, 12));
const rules = (...texts: string[]): NameRequest => ({ rules: texts.map(parseRetagRule) });

for (const [form, path] of await everyForm()) {
  test(`${form}: rules rewrite the names they match, and no layer is moved`, async () => {
    const layers = statSync(path).isFile() ? readFileSync(path).subarray(5120, 60_000) : undefined;
    const { changed, changes } = await retag(path, rules('site/*=hub.company.com/plant/*'));
    assert.ok(changed);
    assert.is(changes.filter(({ rule }) => rule !== undefined).length, 2);
    assert.equal(await namesOf(path), [
      `hub.company.com/plant/app:1.0 ${ID[0]}`,
      `hub.company.com/plant/app:latest ${ID[0]}`,
      `tool:2 ${ID[1]}`,
    ]);
    if (layers) assert.ok(readFileSync(path).subarray(5120, 60_000).equals(layers));
    assert.not(existsSync(`${path}.airferry-journal`));
    assert.not(existsSync(`${path}.airferry-lock`));
  });

  test(`${form}: one image gets its name, another loses it, a third keeps the old one beside the new`, async () => {
    await retag(path, { rename: { from: 'tool:2', to: parseReference('site/tool:3') }, keep: true });
    await retag(path, { remove: ['hub.company.com/plant/app:latest'] });
    assert.equal(await namesOf(path), [
      `hub.company.com/plant/app:1.0 ${ID[0]}`,
      `site/tool:3 ${ID[1]}`,
      `tool:2 ${ID[1]}`,
    ]);
    await retag(path, { remove: ['site/tool:3', 'tool:2'] });
    assert.equal(await namesOf(path), [`- ${ID[1]}`, `hub.company.com/plant/app:1.0 ${ID[0]}`]);
    await retag(path, { rename: { from: images[1].id, to: parseReference('again:1') } });
    assert.equal(await namesOf(path), [`again:1 ${ID[1]}`, `hub.company.com/plant/app:1.0 ${ID[0]}`]);
  });

  test(`${form}: what would be done is told without doing it; nothing to do is nothing written`, async () => {
    const before = statSync(path).mtimeMs;
    const now = await namesOf(path);
    const planned = await retag(path, rules('again:*=x:*'), { dryRun: true });
    assert.not(planned.changed);
    assert.equal(planned.changes.find(({ from }) => from?.tag === '1')?.to.map(familiarName), ['x:1']);
    assert.not((await retag(path, rules('nothing=like-this'))).changed);
    assert.equal(await namesOf(path), now);
    assert.is(statSync(path).mtimeMs, before);
  });

  test(`${form}: a name that is not there, and one that two would have, are refused`, async () => {
    const now = await namesOf(path);
    const to = parseReference('x:1');
    await refused(
      () => retag(path, { rename: { from: 'agian:1', to } }),
      'IMAGE_NOT_FOUND',
      'no image agian:1',
    );
    await refused(() => retag(path, { remove: ['none:1'] }), 'IMAGE_NOT_FOUND');
    const error = await refused(
      () => retag(path, rules('again:1=x:1', 'hub.company.com/plant/app:1.0=x:1')),
      'RULE_COLLISION',
      'nothing was changed',
    );
    assert.match(error.suggestions.join(' '), '--remove x:1');
    assert.equal(await namesOf(path), now);
  });

  if (!form.startsWith('bundle')) continue;
  test('a bundle verifies after all this', async () => {
    const bundle = Bundle.open(path);
    assert.equal((await verifyBundle(bundle, { meter: new Meter() })).problems, []);
    bundle.close();
  });
}

test('a retagged bundle has the very bytes of one that was made under the new names', async () => {
  const paths: string[] = [];
  for (const [i, name] of ['site/app:1', 'other/app:1'].entries()) {
    const home = join(folder, `bytes-${i}`);
    writeFolder(home, new Map([['x', '']]));
    const image = imageOf([name], [await layerOf('x', 'x')]);
    const source = await openImageSource(writeTo(home, 'a.tar', await dockerArchive20([image])));
    const place = PLACES.bundle?.(home);
    if (place) await copyAll(source, place);
    await source.close();
    paths.push(join(home, 'bundle.tar'));
  }
  const [one = '', other = ''] = paths;
  await retagBundle(one, rules('site/*=other/*'));
  assert.ok(readFileSync(one).equals(readFileSync(other)));
});

test('an index and what it names keep their digests under a new name', async () => {
  const layer = await layerOf('x', 'x');
  const two = ['linux/amd64', 'linux/arm64'].map(platform => imageOf([], [layer], { platform }));
  const home = join(folder, 'indexes');
  const layout = writeFolder(join(home, 'origin'), layoutOf(two, { indexName: 'site/multi:1' }));
  for (const [name, make] of Object.entries(PLACES)) {
    const place = make(home);
    const source = await openImageSource(layout);
    const before = (await source.inventory()).indexes[0]?.index.descriptor.digest;
    await copyAll(source, place);
    await source.close();
    const path = join(
      home,
      { oci: 'layout', 'docker-archive': 'docker.tar', 'oci-archive': 'oci.tar' }[name] ?? 'bundle.tar',
    );
    await retag(path, rules('site/*=hub.company.com/*'));
    const again = await openImageSource(path);
    const { indexes, images } = await again.inventory();
    await again.close();
    assert.is(indexes[0]?.index.descriptor.digest, before);
    assert.equal(indexes[0]?.names.map(familiarName), ['hub.company.com/multi:1'], name);
    assert.is(images.length, 2);
  }
});

test('where layers follow the documents, or all is compressed, the command that copies is named', async () => {
  const files = [...dockerArchive26Files(images)];
  const documents = files.filter(([name]) => !name.startsWith('blobs/'));
  const blobs = files.filter(([name]) => name.startsWith('blobs/'));
  const early = writeTo(folder, 'early.tar', await tarOf(new Map([...documents, ...blobs])));
  const packed = writeTo(folder, 'packed.tgz', gzipped(await dockerArchive26(images)));
  for (const [path, why] of [
    [early, 'layers follow its documents'],
    [packed, 'compressed as a whole'],
  ] as const) {
    const before = readFileSync(path);
    const error = await refused(() => retag(path, rules('site/*=x/*')), 'FILE_UNWRITABLE', why);
    assert.match(error.suggestions.join(' '), `airferry image copy ${path}`);
    assert.ok(readFileSync(path).equals(before));
  }
});

test('an archive without end blocks, and one with blocks to spare, are written to their new end', async () => {
  const whole = await dockerArchive26(images);
  for (const bytes of [whole.subarray(0, -1024), Buffer.concat([whole, Buffer.alloc(9 * 1024)])]) {
    const path = writeTo(folder, 'ends.tar', bytes);
    await retag(path, rules('tool:*=x:*'));
    assert.ok((await namesOf(path)).includes(`x:2 ${ID[1]}`));
  }
});

test('two at once on one archive both take effect', async () => {
  const path = join(folder, 'both.tar');
  copyFileSync(writeTo(folder, 'both-origin.tar', await dockerArchive20(images)), path);
  await Promise.all([retag(path, rules('tool:*=x:*')), retag(path, rules('site/*=y/*'))]);
  assert.equal(await namesOf(path), [`x:2 ${ID[1]}`, `y/app:1.0 ${ID[0]}`, `y/app:latest ${ID[0]}`]);
});

test.run();
