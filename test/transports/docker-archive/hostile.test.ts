import * as assert from 'uvu/assert';
import { hexOf } from '../../../src/content/digest.ts';
import type { AirferryError, ErrorCode } from '../../../src/errors.ts';
import { failure } from '../../registry/rig.ts';
import {
  dockerArchive20Files,
  dockerArchive26Files,
  type Files,
  gzipped,
  imageOf,
  layerOf,
  siteImages,
  tarOf,
  zstandard,
} from '../../support/archives.ts';
import { suite } from '../../support/suite.ts';
import { facts, factsOf, fileOf, folder, take } from '../rig.ts';

const test = suite('transports/docker-archive');
const images = await siteImages();
const one = imageOf(['one:1'], [await layerOf('a', 'a'), await layerOf('b', 'b')]);
const config = `${hexOf(one.id)}.json`;

/** The archive of one image with its `manifest.json` as given. */
function withManifest(manifest: unknown, more: Record<string, Uint8Array | string> = {}): Files {
  const files = dockerArchive20Files([one]);
  for (const [path, content] of Object.entries(more)) files.set(path, content);
  return files.set('manifest.json', typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
}

const [first = '', second = ''] = [...dockerArchive20Files([one]).keys()].filter(path =>
  /layer.tar$/.test(path),
);
const entry = { Config: config, RepoTags: ['one:1'], Layers: [first, second] };

/** The archive is refused, read in place and in passing alike. */
async function refused(files: Files, code: ErrorCode): Promise<AirferryError> {
  const bytes = await tarOf(files);
  const path = fileOf(bytes);
  const inPlace = await failure(take(path), code);
  for (const compressed of [gzipped(bytes), zstandard(bytes)]) {
    const passing = await failure(take(fileOf(compressed)), code);
    const general = (text: string) => text.replaceAll(new RegExp(`${folder}/\\S+`, 'g'), 'PATH');
    assert.is(general(passing.message), general(inPlace.message));
    assert.equal(passing.suggestions, inPlace.suggestions);
  }
  assert.is(inPlace.where.file, path, inPlace.message);
  return inPlace;
}

test('the archive that the others are made from is good', async () => {
  assert.equal(facts((await take(fileOf(await tarOf(withManifest([entry]))))).inventory), factsOf([one]));
});

test('a layer that manifest.json names and the archive lacks is told', async () => {
  const error = await refused(
    withManifest([{ ...entry, Layers: [first, 'gone/layer.tar'] }]),
    'ARCHIVE_INVALID',
  );
  assert.match(error.message, 'lacks the file gone/layer.tar that its manifest.json names');
  assert.match(error.suggestions.join(), 'save the image again');
});

test('a config that manifest.json names and the archive lacks is told', async () => {
  const error = await refused(withManifest([{ ...entry, Config: 'gone.json' }]), 'ARCHIVE_INVALID');
  assert.match(error.message, 'lacks the file gone.json');
});

test('one layer too few, or too many, for the config is told with both counts', async () => {
  const few = await refused(withManifest([{ ...entry, Layers: [first] }]), 'ARCHIVE_INVALID');
  assert.match(few.message, `${config} counts 2 layers, manifest.json 1`);
  const many = await refused(withManifest([{ ...entry, Layers: [first, second, first] }]), 'ARCHIVE_INVALID');
  assert.match(many.message, 'counts 2 layers, manifest.json 3');
  assert.match(many.suggestions.join(), 'save the image again');
});

test('an image name with upper case is refused, and the lower case one is suggested', async () => {
  const error = await refused(withManifest([{ ...entry, RepoTags: ['Site/One:1'] }]), 'REFERENCE_INVALID');
  assert.match(error.message, '"Site/One:1"');
  assert.match(error.suggestions.join(), 'Write site/one:1');
});

test('names in manifest.json that lead out of the archive are refused', async () => {
  for (const path of ['../x', 'a/../../x', '/etc/passwd', 'a\\..\\x', 'a\0b', '']) {
    const asLayer = await refused(withManifest([{ ...entry, Layers: [first, path] }]), 'ARCHIVE_INVALID');
    assert.match(asLayer.message, 'leads out of the archive', path);
    const asConfig = await refused(withManifest([{ ...entry, Config: path }]), 'ARCHIVE_INVALID');
    assert.match(asConfig.message, 'leads out of the archive', path);
  }
});

test('entries whose own names lead out of the archive are never found', async () => {
  for (const path of ['../evil.tar', '/evil.tar', 'a/../../evil.tar']) {
    const files = withManifest([{ ...entry, Layers: [first, 'evil.tar'] }], {
      [path]: one.layers[1] as Buffer,
    });
    assert.match((await refused(files, 'ARCHIVE_INVALID')).message, 'lacks the file evil.tar');
  }
});

test('a link out of the archive is no layer, be it relative, absolute or through another link', async () => {
  const cases: Record<string, string>[] = [
    { 'x/layer.tar': '-> ../../etc/passwd' },
    { 'x/layer.tar': '-> /etc/passwd' },
    { 'x/layer.tar': '-> /real.tar', 'x/real.tar': 'x'.repeat(600) },
    { 'x/layer.tar': '-> ../y/layer.tar', 'y/layer.tar': '-> ../../out' },
    { 'x/layer.tar': '-> .' },
  ];
  for (const links of cases) {
    const files = withManifest([{ ...entry, Layers: [first, 'x/layer.tar'] }], links);
    assert.match((await refused(files, 'ARCHIVE_INVALID')).message, 'lacks the file x/layer.tar');
  }
});

test('links in a loop end', async () => {
  const cases: Record<string, string>[] = [
    { 'x/layer.tar': '-> layer.tar' },
    { 'x/layer.tar': '-> ../y/layer.tar', 'y/layer.tar': '-> ../x/layer.tar' },
  ];
  for (const links of cases) {
    const files = withManifest([{ ...entry, Layers: [first, 'x/layer.tar'] }], links);
    assert.match((await refused(files, 'ARCHIVE_INVALID')).message, 'lacks the file x/layer.tar');
  }
  const loop = withManifest([entry], { 'manifest.json': '' });
  loop.set('manifest.json', '-> manifest.json');
  await failure(take(fileOf(await tarOf(loop))), 'ARCHIVE_INVALID');
});

test('a link to a link to a layer is followed', async () => {
  const links = { 'x/layer.tar': '-> ../y/layer.tar', 'y/layer.tar': `-> ../${second}` };
  const bytes = await tarOf(withManifest([{ ...entry, Layers: [first, 'x/layer.tar'] }], links));
  for (const path of [fileOf(bytes), fileOf(gzipped(bytes))])
    assert.equal(facts((await take(path)).inventory), factsOf([one]));
});

test('manifest.json of 5 MiB is refused before it is read', async () => {
  const large = JSON.stringify([{ ...entry, RepoTags: ['one:1'], Note: 'x'.repeat(5 * 1024 * 1024) }]);
  const bytes = await tarOf(withManifest(large));
  const error = await failure(take(fileOf(bytes)), 'ARCHIVE_INVALID');
  assert.match(error.message, /manifest\.json has \d+ bytes/);
  const passing = await failure(take(fileOf(gzipped(bytes))), 'ARCHIVE_INVALID');
  assert.match(passing.message, /manifest\.json has \d+ bytes/);
});

test('manifest.json that is something else is refused with what is wrong in it', async () => {
  for (const [manifest, words] of [
    ['[{"Config":', 'is no JSON'],
    [{ name: 'a browser extension' }, 'is no list of images'],
    [[{ ...entry, RepoTags: 'one:1' }], 'image 0 without a valid RepoTags'],
    [[entry, { ...entry, Layers: null }], 'image 1 without a valid Layers'],
    [[{ ...entry, Layers: [1] }], 'image 0 without a valid Layers'],
    [[{ RepoTags: ['one:1'], Layers: [first, second] }], 'image 0 without a valid Config'],
    [[null], 'image 0 without a valid Config'],
  ] as const)
    assert.match((await refused(withManifest(manifest), 'ARCHIVE_INVALID')).message, words);
});

test('a config that is no config is refused', async () => {
  const list = await refused(withManifest([entry], { [config]: '["no", "config"]' }), 'MANIFEST_INVALID');
  assert.match(list.message, 'image config');
  const odd = JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { diff_ids: ['sha256:short'] } });
  assert.match(
    (await refused(withManifest([entry], { [config]: odd }), 'MANIFEST_INVALID')).message,
    'diff_ids',
  );
});

test('a damaged blob of an archive that names its content is found when it is read', async () => {
  const files = dockerArchive26Files([one], gzipped);
  const path = [...files].find(([, content]) =>
    Buffer.from(content)
      .subarray(0, 2)
      .equals(Buffer.from([31, 139])),
  )?.[0];
  const bytes = Buffer.from(files.get(path as string) as Uint8Array);
  bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1;
  files.set(path as string, bytes);
  const archive = await tarOf(files);
  for (const file of [fileOf(archive), fileOf(gzipped(archive))]) {
    const error = await failure(take(file), 'DIGEST_MISMATCH');
    assert.is(error.where.file, file);
    assert.match(error.message, hexOf(path?.replace('blobs/sha256/', 'sha256:') as `sha256:${string}`));
    assert.match(error.suggestions.join(), 'sha256sum');
  }
});

test('images that share a config are one image with the names of both', async () => {
  const twins = [one, { ...one, names: ['two:2'] }];
  for (const files of [dockerArchive20Files(twins), dockerArchive26Files(twins, gzipped)]) {
    const { inventory } = await take(fileOf(await tarOf(files)));
    const names = inventory.images.flatMap(image => image.names.map(({ tag }) => tag));
    assert.equal(names.sort(), ['1', '2']);
  }
});

test('a large archive of many images is taken stock of', async () => {
  const layer = await layerOf('shared', 'x');
  const many = await Promise.all(
    Array.from({ length: 200 }, async (_, i) => imageOf([`many:${i}`], [layer, await layerOf('n', `${i}`)])),
  );
  const bytes = await tarOf(dockerArchive20Files(many));
  for (const path of [fileOf(bytes), fileOf(gzipped(bytes))]) {
    const { inventory, layers } = await take(path);
    assert.equal(facts(inventory), factsOf(many));
    assert.is(layers.length, 201);
  }
});

test('the layout beside manifest.json gives the manifest that an image came with; that over plain layers does not', async () => {
  const manifestsOf = async (files: Files) => {
    const bytes = await tarOf(files);
    const found = await Promise.all([fileOf(bytes), fileOf(gzipped(bytes))].map(path => take(path)));
    return found.map(({ inventory }) => inventory.images.map(({ manifest }) => manifest !== undefined));
  };
  assert.equal(await manifestsOf(dockerArchive26Files(images, gzipped)), [
    [true, true],
    [true, true],
  ]);
  assert.equal(await manifestsOf(dockerArchive26Files(images)), [
    [false, false],
    [false, false],
  ]);
  const sparse = dockerArchive26Files(images, gzipped);
  sparse.set('index.json', '{"schemaVersion":2,"manifests":[{"broken":true}]}');
  assert.equal(await manifestsOf(sparse), [
    [false, false],
    [false, false],
  ]);
});

test.run();
