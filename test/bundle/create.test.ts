import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { parseManifest } from '../../src/content/manifest.ts';
import { AirferryError } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import { BINARIES, engineMembers, tgz } from '../engine/archives.ts';
import { dockerArchive20, imageOf, layerOf, layoutOf, writeFolder, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { create, ENGINE, refused, tinyImages, writeSite } from './rig.ts';

const test = suite('bundle/create');
const IMAGES_ONLY = 'name: t\nversion: "1"\nimages:\n  - archive: ./images.tar\n';

test('the same inputs give the same bytes', async () => {
  const dir = scratch();
  const recipe = await writeSite(dir);
  const first = await create(dir, recipe, { output: join(dir, 'a.tar') });
  const second = await create(dir, recipe, { output: join(dir, 'b.tar') });
  assert.is(first.digest, second.digest);
  assert.ok(readFileSync(join(dir, 'a.tar')).equals(readFileSync(join(dir, 'b.tar'))));
});

test('it makes no difference whether an archive is compressed as a whole', async () => {
  const dir = scratch();
  const archive = await dockerArchive20(await tinyImages());
  const digests: string[] = [];
  for (const bytes of [archive, gzipSync(archive), zstdCompressSync(archive)]) {
    writeTo(dir, 'images.tar', bytes);
    digests.push((await create(dir, IMAGES_ONLY)).digest);
  }
  assert.is(new Set(digests).size, 1);
});

test('airferry.json is the first entry, and every entry is a plain file with no clock in it', async () => {
  const dir = scratch();
  const { path } = await create(dir, await writeSite(dir));
  const bundle = Bundle.open(path);
  assert.is(bundle.entries[0]?.name, 'airferry.json');
  assert.is(bundle.entries[0]?.size, 4096);
  assert.ok(bundle.entries.every(entry => entry.type === 'file' && entry.mode === 0o644));
  assert.is(JSON.parse(readFileSync(path).toString('utf8', 512, 512 + 4096)).name, 'plant-7');
  bundle.close();
});

test('the manifest tells all that the recipe asked for', async () => {
  const dir = scratch();
  const created = await create(dir, await writeSite(dir));
  const bundle = Bundle.open(created.path);
  const { manifest } = bundle;
  assert.is(manifest.engine?.version, ENGINE);
  assert.equal(manifest.engine?.archives[0]?.components.toSorted(), [...(BINARIES[ENGINE] ?? [])].toSorted());
  assert.equal(manifest.daemon['insecure-registries'], ['hub.company.com']);
  assert.ok(manifest.units['docker.service']);
  assert.equal(
    manifest.images.map(image => image.name),
    ['docker.io/site/app:1.0', 'docker.io/library/tool:2'],
  );
  assert.equal(
    manifest.files.map(({ path, mode, size }) => [path, mode, size]),
    [['/etc/motd', '0640', 8]],
  );
  assert.is(created.blobs, manifest.blobs.length + 1);
  bundle.close();
});

test('image IDs are kept, and a shared layer is stored once', async () => {
  const dir = scratch();
  const images = await tinyImages();
  writeTo(dir, 'images.tar', await dockerArchive20(images));
  const bundle = Bundle.open((await create(dir, IMAGES_ONLY)).path);
  const { images: found } = await bundle.images().inventory();
  assert.equal(
    found.map(image => image.config.descriptor.digest),
    images.map(image => image.id),
  );
  const layers = found.flatMap(image => image.layers.map(layer => layer.key));
  assert.is(layers.length, 4);
  assert.is(new Set(layers).size, 3);
  bundle.close();
});

test('layers are compressed as asked', async () => {
  const dir = scratch();
  writeTo(dir, 'images.tar', await dockerArchive20(await tinyImages()));
  for (const [compression, ending] of [
    ['gzip', '+gzip'],
    ['zstd', '+zstd'],
    ['none', '.tar'],
  ] as const) {
    const bundle = Bundle.open((await create(dir, IMAGES_ONLY, { compression })).path);
    const { images } = await bundle.images().inventory();
    const manifest = parseManifest(images[0]?.manifest?.bytes as Uint8Array);
    assert.ok(manifest.kind === 'image' && manifest.layers.every(layer => layer.mediaType.endsWith(ending)));
    bundle.close();
  }
});

test('a layout keeps its digests, and only the wanted platform of an index comes along', async () => {
  const dir = scratch();
  const layer = await layerOf('x', 'x');
  const images = ['linux/amd64', 'linux/arm64'].map(platform => imageOf([], [layer], { platform }));
  writeFolder(join(dir, 'layout'), layoutOf(images, { indexName: 'docker.io/site/multi:1' }));
  const recipe = 'name: t\nversion: "1"\nplatforms: [linux/arm64]\nimages: [{ oci: ./layout }]\n';
  const bundle = Bundle.open((await create(dir, recipe)).path);
  const { images: found, indexes } = await bundle.images().inventory();
  assert.is(indexes.length, 0);
  assert.equal(
    found.map(image => [image.platform.architecture, image.config.descriptor.digest, image.names.length]),
    [['arm64', images[1]?.id, 1]],
  );
  bundle.close();
});

test('only the named images of an archive come along, and a wrong name gets a suggestion', async () => {
  const dir = scratch();
  writeTo(dir, 'images.tar', await dockerArchive20(await tinyImages()));
  const only = (name: string) => `${IMAGES_ONLY}    only: ["${name}"]\n`;
  assert.equal((await create(dir, only('tool:2'))).images, ['tool:2']);
  const error = await refused(() => create(dir, only('tool:3')), 'IMAGE_NOT_FOUND', 'no image tool:3');
  assert.match(error.suggestions.join(' '), 'Did you mean tool:2?');
});

test('an input that is missing is told with its place in the recipe, before anything is written', async () => {
  const dir = scratch();
  const file = join(dir, 'bundle.yaml');
  for (const [line, recipe] of [
    [4, IMAGES_ONLY],
    [3, `name: t\nversion: "1"\nengine: { version: ${ENGINE}, archive: ./none.tgz }\n`],
    [4, 'name: t\nversion: "1"\nfiles:\n  - { from: ./none, to: /etc/x }\n'],
  ] as const) {
    const { where } = await refused(() => create(dir, recipe), 'FILE_NOT_FOUND', 'there is no file');
    assert.is(where.file, file);
    assert.is(where.line, line);
    assert.ok(where.column);
  }
  assert.equal(readdirSync(dir), []);
});

test('an engine archive that is cut short, of another architecture, or no engine is refused', async () => {
  const dir = scratch();
  const recipe = `name: t\nversion: "1"\nengine: { version: ${ENGINE}, archive: ./engine.tgz }\n`;
  const whole = await tgz(engineMembers(BINARIES[ENGINE] as string[]));
  writeTo(dir, 'engine.tgz', whole.subarray(0, whole.length - 20));
  assert.is((await refused(() => create(dir, recipe), 'ARCHIVE_TRUNCATED', 'ends too early')).where.line, 3);
  writeTo(dir, 'engine.tgz', await tgz(engineMembers(BINARIES[ENGINE] as string[], 'linux/arm64')));
  await refused(
    () => create(dir, recipe),
    'PLATFORM_MISMATCH',
    'linux/arm64 binaries; the recipe says linux/amd64',
  );
  writeTo(dir, 'engine.tgz', '<html>login</html>');
  await refused(() => create(dir, recipe), 'ARCHIVE_INVALID', 'a web page');
  assert.equal(readdirSync(dir), ['engine.tgz']);
});

test('a daemon.json mistake points at its key', async () => {
  const dir = scratch();
  const recipe = (await writeSite(dir)).replace('insecure-registries: [hub.company.com]', 'date-root: /data');
  const { where, suggestions } = await refused(() => create(dir, recipe), 'DAEMON_JSON_INVALID', 'date-root');
  assert.is(where.line, 4);
  assert.match(suggestions.join(' '), 'data-root');
});

test('two images of one name are refused', async () => {
  const dir = scratch();
  writeTo(dir, 'a.tar', await dockerArchive20([imageOf(['x:1'], [await layerOf('a', 'a')])]));
  writeTo(dir, 'b.tar', await dockerArchive20([imageOf(['x:1'], [await layerOf('b', 'b')])]));
  const recipe = 'name: t\nversion: "1"\nimages: [{ archive: ./a.tar }, { archive: ./b.tar }]\n';
  await refused(() => create(dir, recipe), 'RECIPE_INVALID', 'two different images are named x:1');
  assert.not.ok(existsSync(join(dir, 'site.tar')));
});

test('an interruption leaves nothing, and an older bundle as it was', async () => {
  const dir = scratch();
  writeTo(dir, 'images.tar', await dockerArchive20(await tinyImages()));
  writeFileSync(join(dir, 'site.tar'), 'older');
  const controller = new AbortController();
  controller.abort(new AirferryError('INTERRUPTED', 'interrupted'));
  await refused(() => create(dir, IMAGES_ONLY, { signal: controller.signal }), 'INTERRUPTED');
  assert.is(readFileSync(join(dir, 'site.tar'), 'utf8'), 'older');
  assert.equal(readdirSync(dir).sort(), ['images.tar', 'site.tar']);
});

test('a folder that does not exist is named', async () => {
  const dir = scratch();
  writeTo(dir, 'images.tar', await dockerArchive20(await tinyImages()));
  await refused(
    () => create(dir, IMAGES_ONLY, { output: join(dir, 'none/site.tar') }),
    'FILE_UNWRITABLE',
    'there is no such folder',
  );
});

test('the meter ends at its total', async () => {
  const dir = scratch();
  const meter = new Meter();
  await create(dir, await writeSite(dir), { meter });
  assert.is(meter.progress.done, meter.progress.total);
  assert.ok(meter.progress.done > 0);
});

test.run();
