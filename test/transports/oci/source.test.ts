import { rmSync, symlinkSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../../src/content/digest.ts';
import { familiarName } from '../../../src/content/reference.ts';
import type { ErrorCode } from '../../../src/errors.ts';
import type { Inventory } from '../../../src/transports/source.ts';
import { failure } from '../../registry/rig.ts';
import {
  type Files,
  gzipped,
  imageOf,
  type LayoutOptions,
  layerOf,
  layoutOf,
  manifestOf,
  siteImages,
  tarOf,
  writeFolder,
} from '../../support/archives.ts';
import { suite } from '../../support/suite.ts';
import { facts, fileOf, folder, take } from '../rig.ts';

const test = suite('transports/oci');
const images = await siteImages();
const base = await layerOf('base', 'b');
const amd = imageOf([], [base, await layerOf('arch', 'amd64')]);
const arm = imageOf([], [base, await layerOf('arch', 'arm64')], { platform: 'linux/arm64' });
let folders = 0;

/** The same layout as a folder, an archive, and an archive that is compressed as a whole. */
async function forms(files: Files): Promise<string[]> {
  const bytes = await tarOf(files);
  return [writeFolder(`${folder}/layout-${folders++}`, files), fileOf(bytes), fileOf(gzipped(bytes))];
}

async function inventories(options: LayoutOptions): Promise<Inventory[]> {
  const taken = await Promise.all((await forms(layoutOf([amd, arm], options))).map(take));
  return taken.map(({ inventory }) => inventory);
}

const blob = (digest: Digest): string => `blobs/${digest.replace(':', '/')}`;

test('the manifests of a layout are kept byte for byte', async () => {
  for (const path of await forms(layoutOf(images))) {
    const { inventory } = await take(path);
    assert.equal(
      inventory.images.map(({ manifest }) => Buffer.from(manifest?.bytes ?? [])),
      images.map(image => manifestOf(image)),
    );
  }
});

test('an index has the name, and its images their platforms', async () => {
  for (const { images: found, indexes } of await inventories({ indexName: 'multi:1' })) {
    assert.equal(
      indexes.map(({ names }) => names.map(familiarName)),
      [['multi:1']],
    );
    assert.equal(
      indexes[0]?.children,
      [amd, arm].map(image => digestOf(manifestOf(image))),
    );
    assert.equal(
      found.map(({ names }) => names),
      [[], []],
    );
    assert.equal(
      found.map(({ platform }) => platform.architecture),
      ['amd64', 'arm64'],
    );
  }
});

test('an index within an index comes before the one that names it', async () => {
  for (const { images: found, indexes } of await inventories({ indexName: 'multi:1', nested: 2 })) {
    assert.equal(
      indexes.map(({ names }) => names.length),
      [0, 0, 1],
    );
    assert.equal(indexes[2]?.children, [indexes[1]?.index.descriptor.digest]);
    assert.equal(indexes[1]?.children, [indexes[0]?.index.descriptor.digest]);
    assert.is(found.length, 2);
  }
});

test('indexes that are nested without end are refused', async () => {
  for (const path of await forms(layoutOf([amd], { indexName: 'deep:1', nested: 12 })))
    assert.match((await failure(take(path), 'MANIFEST_INVALID')).message, 'nests indexes too deep');
});

test('an index may name platforms that the layout does not hold', async () => {
  for (const { images: found, indexes } of await inventories({
    indexName: 'sparse:1',
    absent: ['linux/s390x', 'linux/ppc64le'],
  })) {
    assert.is(found.length, 2);
    assert.is(indexes[0]?.children.length, 2);
  }
});

test('an index with none of its images is refused', async () => {
  const files = layoutOf([], { indexName: 'hollow:1', absent: ['linux/s390x'] });
  for (const path of await forms(files))
    assert.match(
      (await failure(take(path), 'ARCHIVE_INVALID')).message,
      'has an index, but none of its images',
    );
});

test('attestations are images of no platform', async () => {
  for (const { images: found, indexes } of await inventories({ indexName: 'attested:1', attest: true })) {
    assert.equal(
      found.map(({ platform }) => platform.os),
      ['linux', 'linux', 'unknown', 'unknown'],
    );
    assert.is(indexes[0]?.children.length, 4);
  }
});

test('an image under several names is one image', async () => {
  for (const path of await forms(layoutOf(images))) {
    const { inventory } = await take(path);
    assert.equal(inventory.images[0]?.names.map(familiarName), ['site/app:1.0', 'site/app:latest']);
  }
});

/** Rewrite the annotations of the only entry of index.json. */
function annotated(annotations: Record<string, string>): Files {
  const files = layoutOf([imageOf(['x:1'], [base])]);
  const index = JSON.parse(files.get('index.json') as string);
  index.manifests[0].annotations = annotations;
  return files.set('index.json', JSON.stringify(index));
}

test('names are taken from the annotations of containerd first, and a bare tag is no name', async () => {
  const nameOf = async (annotations: Record<string, string>) =>
    (await take(fileOf(await tarOf(annotated(annotations))))).inventory.images[0]?.names.map(familiarName);
  const ref = 'org.opencontainers.image.ref.name';
  const whole = 'io.containerd.image.name';
  assert.equal(await nameOf({ [ref]: 'v1', [whole]: 'hub.company.com/a:v1' }), ['hub.company.com/a:v1']);
  assert.equal(await nameOf({ [ref]: 'hub.company.com/b:2' }), ['hub.company.com/b:2']);
  assert.equal(await nameOf({ [ref]: 'v1' }), []);
  assert.equal(await nameOf({ [ref]: 'No/Name:1' }), []);
  assert.equal(await nameOf({}), []);
});

const manifest = digestOf(manifestOf(amd));

const BROKEN: [what: string, breakIt: (files: Files) => void, code: ErrorCode, words: string][] = [
  [
    'a manifest that is missing',
    f => f.delete(blob(manifest)),
    'ARCHIVE_INVALID',
    `lacks the blob ${manifest}`,
  ],
  ['a config that is missing', f => f.delete(blob(amd.id)), 'ARCHIVE_INVALID', `lacks the blob ${amd.id}`],
  [
    'a config with other content',
    f => f.set(blob(amd.id), Buffer.from(amd.config).fill(0x20, 1, 2)),
    'DIGEST_MISMATCH',
    amd.id,
  ],
  ['an index.json that is no JSON', f => f.set('index.json', '{'), 'MANIFEST_INVALID', 'no JSON'],
  [
    'an index.json that is no index',
    f => f.set('index.json', manifestOf(amd)),
    'ARCHIVE_INVALID',
    'no index',
  ],
  [
    'a manifest of schema 1',
    f => {
      const old = Buffer.from('{"schemaVersion":1,"fsLayers":[]}');
      f.set(blob(digestOf(old)), old);
      const mediaType = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
      const manifests = [{ mediaType, digest: digestOf(old), size: old.length }];
      f.set('index.json', JSON.stringify({ schemaVersion: 2, manifests }));
    },
    'MANIFEST_INVALID',
    'schema 1',
  ],
];

for (const [what, breakIt, code, words] of BROKEN)
  test(`${what} is told`, async () => {
    const files = layoutOf([{ ...amd, names: ['a/b:1'] }]);
    breakIt(files);
    for (const path of await forms(files)) {
      const error = await failure(take(path), code);
      assert.match(error.message, words);
      assert.ok(error.where.file?.startsWith(path), `${error.where.file}`);
    }
  });

test('a layer that is missing, cut short or has other content is told when it is read', async () => {
  const layer = digestOf(gzipped(base));
  const whole = gzipped(base);
  for (const [content, code] of [
    [undefined, 'ARCHIVE_INVALID'],
    [whole.subarray(0, 40), 'DIGEST_MISMATCH'],
    [Buffer.concat([whole, whole]), 'DIGEST_MISMATCH'],
    [Buffer.from(whole).fill(0, 20, 24), 'DIGEST_MISMATCH'],
  ] as const) {
    const files = layoutOf([{ ...amd, names: ['a/b:1'] }]);
    if (content) files.set(blob(layer), content);
    else files.delete(blob(layer));
    const [inFolder = '', inTar = ''] = await forms(files);
    for (const path of [inFolder, inTar]) assert.match((await failure(take(path), code)).message, layer);
  }
});

test('an archive whose index.json is larger than any real one is refused', async () => {
  const files = layoutOf([amd]);
  files.set('index.json', Buffer.alloc(5 * 1024 * 1024, ' '));
  const [inFolder = '', inTar = ''] = await forms(files);
  for (const path of [inFolder, inTar])
    assert.match((await failure(take(path), 'ARCHIVE_INVALID')).message, 'more than 4 MiB');
});

test('links in an archive lead to no blob; only what is in it counts', async () => {
  const files = layoutOf([amd]);
  files.set(blob(amd.id), '-> /etc/passwd');
  assert.match((await failure(take(fileOf(await tarOf(files))), 'ARCHIVE_INVALID')).message, amd.id);
});

test('a link in a layout folder that leads out of it is refused before a byte of it is read', async () => {
  const root = writeFolder(`${folder}/layout-${folders++}`, layoutOf([amd]));
  const path = `${root}/${blob(amd.id)}`;
  rmSync(path);
  symlinkSync('/etc/hostname', path);
  assert.match((await failure(take(root), 'ARCHIVE_INVALID')).message, 'leads out of the layout');
});

test('a layout folder that is reached through a link is read', async () => {
  const real = writeFolder(`${folder}/layout-${folders++}`, layoutOf(images));
  symlinkSync(real, `${folder}/linked`);
  assert.is(facts((await take(`${folder}/linked`)).inventory).length, 2);
});

test.run();
