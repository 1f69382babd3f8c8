import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { familiarName } from '../../src/content/reference.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { selectSource } from '../../src/transports/select.ts';
import { refused } from '../bundle/rig.ts';
import {
  dockerArchive20,
  dockerArchive26,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  manifestOf,
  ociArchive,
  siteImages,
  type TestImage,
  tarOf,
  writeFolder,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { type Artifact, artifactOf, enclose } from './registry-content.ts';
import { fileOf, folder } from './rig.ts';

const test = suite('transports/select');
const images = await siteImages();
const [app, tool] = images as [TestImage, TestImage];

/** IDs, names and number of layers of what a name means. */
async function chosen(
  path: string,
  name: string,
): Promise<{ ids: string[]; names: string[]; layers: number }> {
  const source = await selectSource(await openImageSource(path), name);
  try {
    const { images, indexes } = await source.inventory();
    const layers = (await Array.fromAsync(source.layers())).length;
    return {
      ids: images.map(({ config }) => config.descriptor.digest),
      names: [...images, ...indexes].flatMap(({ names }) => names.map(familiarName)),
      layers,
    };
  } finally {
    await source.close();
  }
}

const DIALECTS: [string, string][] = [
  ['docker save before 25', fileOf(await dockerArchive20(images))],
  ['docker save from 25', fileOf(await dockerArchive26(images))],
  ['compressed docker save', fileOf(gzipped(await dockerArchive20(images)))],
  ['OCI archive', fileOf(await ociArchive(images))],
  ['OCI layout', writeFolder(`${folder}/select`, layoutOf(images))],
];

for (const [dialect, path] of DIALECTS) {
  test(`${dialect}: a name means its image, with that name and its layers alone`, async () => {
    const distinct = new Set(app.diffIds).size;
    for (const name of ['site/app:1.0', 'docker.io/site/app:1.0'])
      assert.equal(await chosen(path, name), { ids: [app.id], names: ['site/app:1.0'], layers: distinct });
    assert.equal(await chosen(path, 'site/app'), {
      ids: [app.id],
      names: ['site/app:latest'],
      layers: distinct,
    });
    assert.equal((await chosen(path, 'tool:2')).ids, [tool.id]);
    assert.equal((await chosen(path, tool.id)).ids, [tool.id]);
  });

  test(`${dialect}: @0 means the first image, with all its names`, async () => {
    const first = await chosen(path, '@0');
    assert.equal([first.ids, first.names[0]], [[app.id], 'site/app:1.0']);
    await refused(() => chosen(path, '@9'), 'IMAGE_NOT_FOUND', 'no image @9');
  });

  test(`${dialect}: a name that it has not is told with the nearest that it has`, async () => {
    const error = await refused(
      () => chosen(path, 'site/ap:1.0'),
      'IMAGE_NOT_FOUND',
      'has no image site/ap:1.0',
    );
    assert.match(error.suggestions.join(' '), 'Did you mean site/app:1.0?');
  });
}

test('a bare tag of a layout, as skopeo writes it, means the entry that says it, whatever else there is', async () => {
  const files = layoutOf(images);
  const index = JSON.parse(String(files.get('index.json')));
  index.manifests.forEach((entry: { annotations: object }, i: number) => {
    entry.annotations = { 'org.opencontainers.image.ref.name': `v${i}` };
  });
  files.set('index.json', JSON.stringify(index));
  const path = writeFolder(`${folder}/bare`, files);
  assert.equal(await chosen(path, 'v2'), { ids: [tool.id], names: ['v2:latest'], layers: 2 });
  assert.equal((await chosen(path, 'v0')).ids, [app.id]);
  const error = await refused(() => chosen(path, 'v7'), 'IMAGE_NOT_FOUND');
  assert.match(error.suggestions.join(' '), 'It has v0');
});

test('an index is chosen with everything that it names, nested indexes included', async () => {
  const layer = await layerOf('x', 'x');
  const two = ['linux/amd64', 'linux/arm64'].map(platform => imageOf([], [layer], { platform }));
  const files = layoutOf(two, { indexName: 'site/multi:1', nested: 1, attest: true });
  const path = writeFolder(`${folder}/nested`, files);
  const { ids, names } = await chosen(path, 'site/multi:1');
  assert.is(ids.length, 4);
  assert.equal(names, ['site/multi:1']);
  const source = await openImageSource(path);
  const top = (await source.inventory()).indexes.at(-1)?.index;
  assert.is(digestOf(top?.bytes ?? ''), top?.descriptor.digest);
  assert.is((await chosen(path, String(top?.descriptor.digest))).ids.length, 4);
  await source.close();
});

test('what there is about an image comes with its name, to the last signature, and nothing about another', async () => {
  const about = (what: string, subject: Digest): Artifact =>
    artifactOf(what, { subject, artifactType: 'x/y' });
  const sbom = about('sbom', digestOf(manifestOf(app)));
  const signature = about('signature', sbom.digest);
  const other = about('other', digestOf(manifestOf(tool)));
  // In the order in which nobody would write them.
  const all = [signature, other, sbom].reduce((files, one) => enclose(files, one), layoutOf(images));
  for (const path of [fileOf(await tarOf(all)), fileOf(gzipped(await tarOf(all)))]) {
    const chosenOf = async (name: string): Promise<(Digest | undefined)[]> => {
      const source = await selectSource(await openImageSource(path), name);
      const inventory = await source.inventory();
      await source.close();
      return inventory.images.map(({ manifest }) => manifest?.descriptor.digest);
    };
    assert.equal(await chosenOf('site/app:1.0'), [digestOf(manifestOf(app)), signature.digest, sbom.digest]);
    assert.equal(await chosenOf('tool:2'), [digestOf(manifestOf(tool)), other.digest]);
  }
});

test('an index about an image brings what it names', async () => {
  const part = artifactOf('part', { artifactType: 'x/y' });
  const subject = {
    mediaType: OCI_MANIFEST,
    digest: digestOf(manifestOf(app)),
    size: manifestOf(app).length,
  };
  const named = { mediaType: OCI_MANIFEST, digest: part.digest, size: part.bytes.length };
  const bytes = Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, subject, manifests: [named] }),
  );
  const files = enclose(layoutOf(images), part);
  files.set(`blobs/sha256/${digestOf(bytes).slice(7)}`, bytes);
  const top = JSON.parse(String(files.get('index.json')));
  top.manifests.push({ mediaType: OCI_INDEX, digest: digestOf(bytes), size: bytes.length });
  files.set('index.json', JSON.stringify(top));
  const source = await selectSource(await openImageSource(fileOf(await tarOf(files))), 'site/app:1.0');
  const inventory = await source.inventory();
  await source.close();
  assert.equal(
    inventory.images.map(({ manifest }) => manifest?.descriptor.digest),
    [digestOf(manifestOf(app)), part.digest],
  );
  assert.equal(
    inventory.indexes.map(({ index }) => index.descriptor.digest),
    [digestOf(bytes)],
  );
});

test.run();
