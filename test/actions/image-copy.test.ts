import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { copyImages, type ImageCopyOptions } from '../../src/actions/image-copy.ts';
import { listImages } from '../../src/actions/image-list.ts';
import type { WantedImage } from '../../src/actions/image-names.ts';
import { sourceLocation, targetLocation } from '../../src/actions/image-words.ts';
import { digestOf } from '../../src/content/digest.ts';
import { parseReference } from '../../src/content/reference.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { Meter } from '../../src/support/meter.ts';
import { digestNote } from '../../src/transports/copy.ts';
import { formatLocation } from '../../src/transports/location.ts';
import { failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  gzipped,
  imageOf,
  layoutOf,
  manifestOf,
  ociArchive,
  siteImages,
  tarOf,
  writeFolder,
  writeTo,
} from '../support/archives.ts';
import { type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('actions/image-copy');
const folder = scratch();
const [app, tool] = await siteImages();
const oci = writeTo(folder, 'images.oci.tar', await ociArchive([app, tool]));
const NAMES = ['site/app:1.0', 'site/app:latest', 'tool:2'];
let registry: FakeRegistry;

test.before(async () => {
  process.env.DOCKER_CONFIG = folder;
  registry = await startFakeRegistry({});
});
test.after(() => registry.close());

function copy(sources: string[], target: string, options: Partial<ImageCopyOptions> = {}) {
  return copyImages({
    sources: sources.map(word => sourceLocation(word, 'docker')),
    target: targetLocation(target),
    sourcePlainHttp: true,
    targetPlainHttp: true,
    meter: new Meter(),
    ...options,
  });
}

function wanted(...names: string[]): WantedImage[] {
  return names.map(name => ({ name: parseReference(name), origins: [] }));
}

async function namesIn(place: string): Promise<string[]> {
  const source = sourceLocation(place, 'docker');
  const { images } = await listImages({ source, sourcePlainHttp: true, meter: new Meter() });
  return images.flatMap(({ names }) => names).sort();
}

async function digestsIn(place: string): Promise<unknown[]> {
  const source = sourceLocation(place, 'docker');
  const { images } = await listImages({ source, sourcePlainHttp: true, meter: new Meter() });
  return images.map(({ names, digest, id }) => [names.toSorted(), digest, id]).sort();
}

const places = {
  'an OCI layout': () => `oci:${folder}/layout-${Math.random()}`,
  'an OCI archive': () => `oci-archive:${folder}/archive-${Math.random()}.tar`,
  'a docker-archive': () => `docker-archive:${folder}/saved-${Math.random()}.tar`,
  'a bundle': () => `bundle:${folder}/bundle-${Math.random()}.tar`,
};

for (const [what, place] of Object.entries(places)) {
  test(`all images go into ${what} and back into a registry with their names and digests`, async () => {
    const target = place();
    const { images, moved } = await copy([oci], target);
    assert.equal(images.map(({ from }) => from).sort(), NAMES);
    assert.ok(images.every(({ outcome, changed }) => outcome === 'copied' && changed === undefined));
    assert.ok(moved.bytes > 0);
    assert.equal(await digestsIn(target), await digestsIn(oci));
    const prefix = `p${Math.random().toString(36).slice(2)}`;
    await copy([target], `docker://${registry.address}/${prefix}/`);
    assert.equal(
      await namesIn(`docker://${registry.address}/${prefix}/`),
      ['site/app:1.0', 'site/app:latest', 'tool:2'].map(name => `${registry.address}/${prefix}/${name}`),
    );
  });

  test(`a target in ${what} that names one image renames it`, async () => {
    const target = `${place()}:renamed:7`;
    const { images } = await copy([oci], target, { wanted: wanted('tool:2') });
    assert.equal(
      images.map(({ from, to, digest }) => [from, to, digest]),
      [['tool:2', 'docker.io/library/renamed:7', digestOf(manifestOf(tool))]],
    );
    assert.equal(await namesIn(target.replace(/:renamed:7$/, '')), ['renamed:7']);
  });
}

test('several sources go into one target, shared layers once', async () => {
  const one = writeTo(folder, '0.tar', await dockerArchive20([app]));
  const two = writeTo(folder, '1.tar', await dockerArchive20([tool]));
  const target = `oci:${folder}/several`;
  const { images } = await copy([one, two], target);
  assert.equal(images.map(({ from }) => from).sort(), NAMES);
  assert.equal(await namesIn(target), NAMES);
});

test('images of two sources under one name are refused, and nothing is written', async () => {
  const other = imageOf(['tool:2'], app.layers);
  const second = writeTo(folder, 'other.tar', await dockerArchive20([other]));
  await failure(copy([oci, second], `oci:${folder}/never`), 'RULE_COLLISION');
  assert.throws(() => readFileSync(`${folder}/never/index.json`));
});

test('the only image of a layout without a name goes under the name of the target', async () => {
  const unnamed = writeTo(folder, 'unnamed.oci.tar', await ociArchive([imageOf([], tool.layers)]));
  const { images } = await copy([unnamed], `docker://${registry.address}/fresh:1`);
  assert.equal(
    images.map(({ to }) => to),
    [`${registry.address}/fresh:1`],
  );
  assert.ok(registry.manifests.get('fresh')?.has('1'));
});

test('one image out of a file is chosen by its place, by its name, and by its ID', async () => {
  for (const name of ['tool:2', '@2', digestOf(manifestOf(tool))]) {
    const { images } = await copy([`oci-archive:${oci}:${name}`], `oci:${folder}/chosen-${name.length}`);
    assert.equal(
      images.map(({ digest }) => digest),
      [digestOf(manifestOf(tool))],
    );
  }
});

test('rules rename on the way into an archive, to any registry', async () => {
  const target = `docker-archive:${folder}/ruled.tar`;
  await copy([oci], target, { rules: [parseRetagRule('site/*=hub.company.com/plant/*')] });
  assert.equal(await namesIn(target), [
    'hub.company.com/plant/app:1.0',
    'hub.company.com/plant/app:latest',
    'tool:2',
  ]);
});

test('layers that are meant to be fetched from elsewhere come along when that is asked for', async () => {
  await copy([oci], `docker://${registry.address}/far/`, { wanted: wanted('tool:2') });
  const manifest = JSON.parse(manifestOf(tool).toString());
  manifest.layers[0].mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const bytes = Buffer.from(JSON.stringify(manifest));
  registry.manifests.get('far/tool')?.set('2', { mediaType: manifest.mediaType, bytes });
  const source = `docker://${registry.address}/far/tool:2`;
  for (const foreignLayers of [false, true]) {
    const { images, moved } = await copy([source], `oci:${folder}/far-${foreignLayers}`, { foreignLayers });
    assert.is(images[0]?.digest, digestOf(bytes));
    assert.is(moved.blobs, foreignLayers ? 3 : 2);
  }
});

test('an archive that is there is not replaced unless that is asked for', async () => {
  const target = `docker-archive:${folder}/kept.tar`;
  await copy([oci], target, { wanted: wanted('tool:2') });
  const before = readFileSync(`${folder}/kept.tar`);
  await failure(copy([oci], target), 'FILE_UNWRITABLE');
  assert.equal(readFileSync(`${folder}/kept.tar`), before);
  await copy([oci], target, { overwrite: true });
  assert.equal(await namesIn(target), NAMES);
});

test('an archive that is compressed as a whole is read once for a target that takes it all', async () => {
  const packed = writeTo(folder, 'packed.tar.gz', gzipped(await dockerArchive20([app, tool])));
  const meter = new Meter();
  const { images } = await copy([packed], `docker-archive:${folder}/unpacked.tar`, { meter });
  assert.equal(images.map(({ from }) => from).sort(), NAMES);
  assert.is(meter.progress.total, readFileSync(packed).length);
});

test('a dry run writes nothing and says what each name becomes', async () => {
  const { images, dryRun } = await copy([oci], `docker-archive:${folder}/dry.tar`, { dryRun: true });
  assert.ok(dryRun);
  assert.equal(images.map(({ to, outcome }) => [to, outcome]).sort(), [
    ['docker.io/library/tool:2', 'planned'],
    ['docker.io/site/app:1.0', 'planned'],
    ['docker.io/site/app:latest', 'planned'],
  ]);
  assert.throws(() => readFileSync(`${folder}/dry.tar`));
});

test('a location that cannot be read is named', async () => {
  const error = await failure(copy([`oci:${folder}/none`], `oci:${folder}/x`), 'FILE_NOT_FOUND');
  assert.match(error.message, 'none');
  assert.is(formatLocation(sourceLocation(`oci:${folder}/none`, 'docker')), `oci:${folder}/none`);
});

/** The platforms of what stands under each name, by name. */
async function platformsIn(place: string): Promise<Record<string, string[]>> {
  const { images } = await listImages({
    source: sourceLocation(place, 'docker'),
    sourcePlainHttp: true,
    meter: new Meter(),
  });
  const found: Record<string, string[]> = {};
  for (const { names, platform } of images)
    for (const name of names) found[name] = [...(found[name] ?? []), platform].sort();
  return found;
}

test('each image that is asked for comes for the platforms that were asked for with it', async () => {
  const platforms = ['linux/amd64', 'linux/arm64', 'linux/s390x'];
  const images = platforms.map(platform => imageOf([], app.layers, { platform }));
  const files: string[] = [];
  for (const name of ['one', 'two', 'all'])
    files.push(writeTo(folder, `${name}.tar`, await tarOf(layoutOf(images, { indexName: `${name}:1` }))));
  const host = registry.address;
  await copy(files, `docker://${host}/lots/`);
  const ask = (prefix: string): WantedImage[] => [
    { name: parseReference(`${prefix}one:1`), platforms: ['linux/arm64'], origins: [] },
    { name: parseReference(`${prefix}two:1`), platforms: ['linux/amd64', 'linux/s390x'], origins: [] },
    { name: parseReference(`${prefix}all:1`), origins: [] },
  ];
  const remote = ['one', 'two', 'all'].map(name => `docker://${host}/lots/${name}:1`);
  for (const [sources, prefix] of [
    [files, ''],
    [remote, `${host}/lots/`],
  ] as const) {
    for (const [what, place] of Object.entries(places)) {
      const target = place();
      await copy([...sources], target, { wanted: ask(prefix) });
      assert.equal(
        await platformsIn(target),
        {
          [`${prefix}one:1`]: ['linux/arm64'],
          [`${prefix}two:1`]: ['linux/amd64', 'linux/s390x'],
          [`${prefix}all:1`]: platforms,
        },
        what,
      );
    }
  }
  const none = await copy(files, `oci:${folder}/none-of-it`, {
    wanted: ask('').map(one =>
      one.platforms?.length === 1 ? { ...one, platforms: ['linux/riscv64'] } : one,
    ),
  });
  assert.equal(none.otherPlatforms, ['one:1'], 'what is not there for its platform is said');
  const target = `oci:${folder}/flagged`;
  await copy(files, target, { wanted: ask(''), platforms: ['linux/amd64'] });
  const flagged = await platformsIn(target);
  assert.equal(new Set(Object.values(flagged).flat()), new Set(['linux/amd64']));
});

test('one image that is asked for under two names comes for the platforms of each', async () => {
  const images = ['linux/amd64', 'linux/arm64'].map(platform => imageOf([], app.layers, { platform }));
  const file = writeTo(folder, 'multi.tar', await tarOf(layoutOf(images, { indexName: 'multi:1' })));
  const name = parseReference('multi:1');
  const asked = (as: string, platform: string): WantedImage => ({
    name,
    as: parseReference(as),
    platforms: [platform],
    origins: [],
  });
  const target = `oci:${folder}/multi-both`;
  const { images: told } = await copy([file], target, {
    wanted: [asked('multi:arm', 'linux/arm64'), asked('multi:amd', 'linux/amd64')],
  });
  assert.equal(await platformsIn(target), { 'multi:arm': ['linux/arm64'], 'multi:amd': ['linux/amd64'] });
  assert.equal(
    told.map(({ to, changed }) => [to, changed]),
    [
      ['docker.io/library/multi:arm', 'platform'],
      ['docker.io/library/multi:amd', 'platform'],
    ],
  );
});

test('a manifest that is named by sha512 keeps that name where it can, and it is said where it cannot', async () => {
  const files = layoutOf([tool]);
  const { manifests, ...rest } = JSON.parse(String(files.get('index.json')));
  const [entry] = manifests;
  const long = digestOf(manifestOf(tool), 'sha512:');
  files.set(`blobs/${long.replace(':', '/')}`, manifestOf(tool));
  files.set('index.json', JSON.stringify({ ...rest, manifests: [{ ...entry, digest: long }] }));
  const layout = writeFolder(`${folder}/long`, files);
  const kept = await copy([`oci:${layout}`], `oci-archive:${folder}/long.tar`);
  assert.equal([kept.images[0]?.digest, kept.images[0]?.changed], [long, undefined]);
  const { images } = await copy([`oci:${layout}`], `docker://${registry.address}/long:1`);
  assert.equal(
    images.map(({ digest, was, changed }) => [digest, was, changed]),
    [[digestOf(manifestOf(tool)), long, 'algorithm']],
  );
  assert.match(digestNote({ source: long, changed: images[0]?.changed }), 'the same bytes by sha256');
});

test.run();
