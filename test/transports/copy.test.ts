/** The one algorithm, between real sources and a target in memory that checks what it is given. */
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { parseManifest } from '../../src/content/manifest.ts';
import { familiarName, type Reference } from '../../src/content/reference.ts';
import { decompress } from '../../src/support/compress.ts';
import { Meter } from '../../src/support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../../src/transports/copy.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { refusal } from '../engine/expect.ts';
import {
  dockerArchive20,
  dockerArchive26,
  dockerArchive26Files,
  EMPTY_LAYER,
  gzipped,
  imageOf,
  layerOf,
  manifestOf,
  noise,
  ociArchive,
  podmanArchive,
  siteImages,
  type TestImage,
  tarOf,
  writeTo,
} from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { StrictTarget } from './strict-target.ts';

const test = suite('copy');
const folder = scratch();
const images = await siteImages();
const [app, tool] = images;

/** Into hub.site, each name with its path. */
const toHub = (from: Reference[]): Reference[] => from.map(name => ({ ...name, registry: 'hub.site' }));
const OPTIONS = { names: toHub, unnamed: false, compression: 'gzip' } as const;

async function copy(
  bytes: Uint8Array,
  target: StrictTarget,
  over: Partial<CopyOptions> = {},
): Promise<CopyReport & { meter: Meter }> {
  const meter = over.meter ?? new Meter();
  const source = await openImageSource(writeTo(folder, 'source', bytes), { meter });
  try {
    const report = await copyImages(source, target, { ...OPTIONS, meter, ...over });
    assert.is(meter.progress.done, meter.progress.total, 'the meter ends where it said');
    return { ...report, meter };
  } finally {
    await source.close();
  }
}

/** The image under a name at a target: its ID, and the diffIDs of its layers as they are stored. */
async function imageAt(
  target: StrictTarget,
  repository: string,
  tag: string,
): Promise<{ id: string; diffIds: string[] }> {
  const parsed = parseManifest(target.document(`${repository}:${tag}`).bytes);
  assert.is(parsed.kind, 'image');
  if (parsed.kind !== 'image') throw new Error();
  const blobs = target.blobs.get(target.scope === 'whole' ? '' : repository);

  const diffIds = await Promise.all(
    parsed.layers.map(async ({ digest, mediaType }) => {
      const bytes = blobs?.get(digest) ?? Buffer.alloc(0);
      const kind = /gzip|zstd/.exec(mediaType)?.[0] as 'gzip' | undefined;
      return digestOf(
        kind ? Buffer.concat(await Array.fromAsync(decompress(once(bytes), kind, 'x'))) : bytes,
      );
    }),
  );
  return { id: parsed.config.digest, diffIds };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const DIALECTS: Record<string, Buffer> = {
  'docker save before 25': await dockerArchive20(images),
  'docker save from 25 on': await dockerArchive26(images),
  'podman save': await podmanArchive(images),
  'an OCI archive': await ociArchive(images),
};

for (const [dialect, bytes] of Object.entries(DIALECTS)) {
  for (const whole of [false, true]) {
    test(`${dialect}${whole ? ', compressed as a whole,' : ''} arrives in a registry with its IDs and layers`, async () => {
      const target = new StrictTarget();
      const report = await copy(whole ? gzipSync(bytes) : bytes, target);
      assert.equal(await imageAt(target, 'hub.site/site/app', '1.0'), { id: app.id, diffIds: app.diffIds });
      assert.equal(await imageAt(target, 'hub.site/site/app', 'latest'), {
        id: app.id,
        diffIds: app.diffIds,
      });
      assert.equal(await imageAt(target, 'hub.site/library/tool', '2'), {
        id: tool.id,
        diffIds: tool.diffIds,
      });
      const names = report.images.flatMap(({ from, to }) => [from.map(familiarName), to.map(familiarName)]);
      assert.equal(names.flat().length, 6);
      // Five layers of which one is shared by both repositories: it travels once, and is mounted once.
      assert.equal([report.moved.blobs, report.mounted.blobs], [4 + 2, 1]);
    });
  }
}

test('each blob is put once into each repository, however many images want it', async () => {
  for (const bytes of Object.values(DIALECTS)) {
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget();
      await copy(source, target);
      const puts = target.log
        .filter(line => line.startsWith('blob'))
        .map(line => line.split(' ').slice(2).join(' '));
      assert.is(new Set(puts).size, puts.length, puts.join('\n'));
    }
  }
});

test('plain layers are compressed once, though two repositories want them at the same time', async () => {
  const layer = await layerOf('big', noise(3_000_000));
  const many = ['one:1', 'two:1', 'three:1', 'four:1'].map(name => imageOf([name], [layer], { env: [name] }));
  const target = new StrictTarget({ concurrency: 4 });
  const report = await copy(await dockerArchive20(many), target);
  assert.equal([report.moved.blobs, report.mounted.blobs], [1 + 4, 3]);
});

test('a manifest that came with an image is stored byte for byte', async () => {
  for (const bytes of [
    DIALECTS['an OCI archive'] as Buffer,
    await tarOf(dockerArchive26Files(images, gzipped)),
  ]) {
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget();
      await copy(source, target);
      assert.equal(Buffer.from(target.document('hub.site/site/app:1.0').bytes), manifestOf(app));
    }
  }
});

test('what the registry has already costs one question per name', async () => {
  const target = new StrictTarget();
  const bytes = DIALECTS['an OCI archive'] as Buffer;
  await copy(bytes, target);
  target.log.length = 0;
  const again = await copy(bytes, target);
  assert.equal(
    target.log,
    ['holds hub.site/site/app:1.0', 'holds hub.site/library/tool:2', 'holds hub.site/site/app:latest'].sort(
      (a, b) => target.log.indexOf(a) - target.log.indexOf(b),
    ),
  );
  assert.ok(again.images.every(({ present }) => present));
  assert.is(again.moved.blobs + again.present.blobs, 0);
});

test('a compressed archive that the registry has already moves nothing either', async () => {
  const target = new StrictTarget();
  const bytes = gzipSync(DIALECTS['an OCI archive'] as Buffer);
  await copy(bytes, target);
  const again = await copy(bytes, target);
  assert.ok(again.images.every(({ present }) => present));
  assert.is(again.moved.blobs, 0);
});

test('an image of which one name is missing is sent under all, its blobs are found', async () => {
  const target = new StrictTarget();
  const bytes = DIALECTS['an OCI archive'] as Buffer;
  await copy(bytes, target);
  target.manifests.delete('hub.site/site/app:latest');
  const again = await copy(bytes, target);
  assert.is(again.moved.blobs, 0);
  assert.ok(target.document('hub.site/site/app:latest'));
});

test('only what the names select is moved', async () => {
  const onlyTool = (from: Reference[]): Reference[] =>
    toHub(from.filter(name => name.repository === 'library/tool'));
  for (const bytes of Object.values(DIALECTS)) {
    for (const source of [bytes, gzipSync(bytes)]) {
      for (const scope of ['repository', 'whole'] as const) {
        const target = new StrictTarget({ scope });
        const report = await copy(source, target, { names: onlyTool });
        assert.is(report.moved.blobs, tool.layers.length + 1);
        assert.is(report.images.length, 1);
      }
    }
  }
});

test('a target that keeps all in common gets each blob once, and the compressed file is read once', async () => {
  for (const [dialect, bytes] of Object.entries(DIALECTS)) {
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget({ scope: 'whole', concurrency: 1 });
      const meter = new Meter();
      const report = await copy(source, target, { unnamed: true, meter });
      assert.equal([report.moved.blobs, report.mounted.blobs], [4 + 2, 0], dialect);
      if (source !== bytes) assert.is(meter.progress.total, source.length);
      assert.equal((await imageAt(target, 'hub.site/site/app', '1.0')).diffIds, app.diffIds);
    }
  }
});

test('images without a name are moved where they may be, by their digest', async () => {
  const unnamed = imageOf([], [await layerOf('a', 'b')]);
  for (const bytes of [await dockerArchive20([unnamed, tool]), await ociArchive([unnamed, tool])]) {
    const whole = new StrictTarget({ scope: 'whole' });
    const report = await copy(bytes, whole, { unnamed: true });
    assert.equal(report.images.map(({ to }) => to.map(familiarName)).sort(), [
      [],
      ['hub.site/library/tool:2'],
    ]);
    const registry = new StrictTarget();
    assert.is((await copy(bytes, registry)).images.length, 1);
    assert.is(registry.count('manifest'), 1);
  }
});

test('compression is as asked for plain layers, and left alone for others', async () => {
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const suffix = compression === 'none' ? 'tar' : compression;
    const plain = new StrictTarget();
    await copy(DIALECTS['docker save from 25 on'] as Buffer, plain, { compression });
    const parsed = parseManifest(plain.document('hub.site/library/tool:2').bytes);
    assert.ok(parsed.kind === 'image' && parsed.layers.every(({ mediaType }) => mediaType.endsWith(suffix)));
    const packed = new StrictTarget();
    await copy(DIALECTS['podman save'] as Buffer, packed, { compression });
    const kept = parseManifest(packed.document('hub.site/library/tool:2').bytes);
    assert.ok(kept.kind === 'image' && kept.layers.every(({ mediaType }) => mediaType.endsWith('gzip')));
    assert.equal((await imageAt(plain, 'hub.site/library/tool', '2')).diffIds, tool.diffIds);
  }
});

// Several platforms.
const amd = imageOf([], [await layerOf('arch', 'amd64')]);
const arm = imageOf([], [await layerOf('arch', 'arm64')], { platform: 'linux/arm64' });
const s390 = imageOf([], [await layerOf('arch', 's390x')], { platform: 'linux/s390x' });
const wanting = (...architectures: string[]) => ({
  platform: ({ platform }: { platform: TestImage['platform'] }) =>
    architectures.includes(platform.architecture),
});

test('an index of which all platforms are wanted stays byte for byte, children before it', async () => {
  for (const nested of [0, 1, 2]) {
    const bytes = await ociArchive([amd, arm], { indexName: 'multi:1', nested, absent: ['linux/ppc64le'] });
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget();
      const report = await copy(source, target);
      const index = target.document('hub.site/library/multi:1');
      assert.is(report.images.length, 1);
      assert.is(index.descriptor.digest, report.images[0]?.manifest.digest);
      const order = target.log.filter(request => request.startsWith('manifest'));
      assert.is(order.length, 2 + nested + 1);
      assert.match(order.at(-1) ?? '', /multi:1/);
      const again = await copy(source, target);
      assert.equal(
        again.images.map(({ present }) => present),
        [true],
      );
    }
  }
});

test('an index of which one platform is wanted gives its name to that image', async () => {
  for (const nested of [0, 1]) {
    const bytes = await ociArchive([amd, arm], { indexName: 'multi:1', nested });
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget();
      const report = await copy(source, target, wanting('arm64'));
      assert.equal(
        await imageAt(target, 'hub.site/library/multi', '1'),
        { id: arm.id, diffIds: arm.diffIds },
        String(nested),
      );
      assert.equal(
        report.images.map(({ from, to }) => [from.map(familiarName), to.map(familiarName)]),
        [[['multi:1'], ['hub.site/library/multi:1']]],
      );
      assert.is(report.moved.blobs, 2, 'one layer and one config');
    }
  }
});

test('an index of which some platforms are wanted is written anew over those', async () => {
  const bytes = await ociArchive([amd, arm, s390], { indexName: 'multi:1' });
  const target = new StrictTarget();
  const report = await copy(bytes, target, wanting('arm64', 'amd64'));
  const index = parseManifest(target.document('hub.site/library/multi:1').bytes);
  assert.equal(index.kind === 'index' && index.manifests.map(({ platform }) => platform?.architecture), [
    'amd64',
    'arm64',
  ]);
  assert.is(report.moved.blobs, 4);
});

test('an index of which no platform is wanted is left out', async () => {
  const target = new StrictTarget();
  const report = await copy(
    await ociArchive([amd, arm], { indexName: 'multi:1' }),
    target,
    wanting('riscv64'),
  );
  assert.equal([report.images, target.log], [[], []]);
});

test('a nested index of which some platforms are wanted names only what is sent', async () => {
  const target = new StrictTarget();
  await copy(
    await ociArchive([amd, arm, s390], { indexName: 'multi:1', nested: 1 }),
    target,
    wanting('arm64', 'amd64'),
  );
  const outer = parseManifest(target.document('hub.site/library/multi:1').bytes);
  const reached = new Set<string>();
  const follow = (document: typeof outer): void => {
    if (document.kind === 'image') return;
    for (const child of document.manifests) {
      reached.add(child.digest);
      const held = target.manifests.get(`hub.site/library/multi@${child.digest}`);
      assert.ok(held, `${child.digest} is named, and not there`);
      if (held) follow(parseManifest(held.bytes));
    }
  };
  follow(outer);
  assert.ok(reached.has(digestOf(manifestOf(amd))) && reached.has(digestOf(manifestOf(arm))));
  assert.not(reached.has(digestOf(manifestOf(s390))));
});

test('an image that has a name of its own and is in an index of another repository gets to both', async () => {
  const named = { ...amd, names: ['solo:1'] };
  const files = new Map([...(await filesOf([named])), ...(await filesOf([amd, arm], 'multi:1'))]);
  const [one, two] = [await filesOf([named]), await filesOf([amd, arm], 'multi:1')].map(made =>
    JSON.parse(String(made.get('index.json'))),
  );
  files.set('index.json', JSON.stringify({ ...one, manifests: [...one.manifests, ...two.manifests] }));
  const bytes = await tarOf(files);
  const target = new StrictTarget();
  await copy(bytes, target);
  assert.equal(await imageAt(target, 'hub.site/library/solo', '1'), { id: amd.id, diffIds: amd.diffIds });
  // The index alone went missing: its children are needed there, though one is present under its own name.
  for (const name of target.manifests.keys())
    if (name.startsWith('hub.site/library/multi')) target.manifests.delete(name);
  const again = await copy(bytes, target);
  assert.ok(target.document(`hub.site/library/multi@${digestOf(manifestOf(amd))}`));
  assert.is(again.moved.blobs, 0);
});

async function filesOf(made: TestImage[], indexName?: string) {
  const { layoutOf } = await import('../support/archives.ts');
  return layoutOf(made, { indexName });
}

test('a layer that is not the one of the config stops the copy before any manifest', async () => {
  const layer = await layerOf('a', 'true');
  const made = imageOf(['x:1'], [layer]);
  const lying = { ...made, layers: [await layerOf('a', 'lies')] };
  for (const make of [dockerArchive20, podmanArchive]) {
    const bytes = await make([lying]);
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget();
      await refusal(() => copy(source, target), 'DIGEST_MISMATCH', /has the diffID/);
      assert.is(target.count('manifest'), 0);
    }
  }
});

test('a layer whose compression is damaged is told as such', async () => {
  const made = imageOf(['x:1'], [await layerOf('a', noise(50_000))]);
  const bytes = await podmanArchive([made]);
  const at = bytes.indexOf(Buffer.from([0x1f, 0x8b])) + 20_000;
  bytes.fill(0, at, at + 20);
  await refusal(
    () => copy(bytes, new StrictTarget()),
    'ARCHIVE_INVALID',
    /layer .* is damaged: it is not valid gzip/,
  );
});

test('a layer that a compressed layout lacks is missed before its manifest is put', async () => {
  const files = await filesOf([tool]);
  for (const path of files.keys()) if ((files.get(path)?.length ?? 0) > 5000) files.delete(path);
  const target = new StrictTarget();
  const bytes = await tarOf(files);
  for (const source of [bytes, gzipSync(bytes)]) {
    await refusal(() => copy(source, target), 'ARCHIVE_INVALID', /lacks the (blob|layer)/);
    assert.is(target.count('manifest'), 0);
  }
});

test('foreign layers that are not in the archive are left where they are', async () => {
  const files = await filesOf([tool]);
  const index = JSON.parse(String(files.get('index.json')));
  const path = `blobs/sha256/${index.manifests[0].digest.slice(7)}`;
  const manifest = JSON.parse(String(files.get(path)));
  files.delete(`blobs/sha256/${manifest.layers[0].digest.slice(7)}`);
  manifest.layers[0].mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const changed = Buffer.from(JSON.stringify(manifest));
  files.delete(path);
  files.set(`blobs/sha256/${digestOf(changed).slice(7)}`, changed);
  Object.assign(index.manifests[0], { digest: digestOf(changed), size: changed.length });
  files.set('index.json', JSON.stringify(index));
  const bytes = await tarOf(files);
  for (const source of [bytes, gzipSync(bytes)]) {
    const target = new StrictTarget();
    const report = await copy(source, target);
    assert.equal(Buffer.from(target.document('hub.site/library/tool:2').bytes), changed);
    assert.is(report.moved.blobs, 2);
  }
});

test('a target that breaks off and asks for the bytes again gets the same ones, from a compressed archive too', async () => {
  const bytes = DIALECTS['docker save before 25'] as Buffer;
  for (const source of [bytes, gzipSync(bytes)]) {
    const target = new StrictTarget({ concurrency: 1, attempts: 3 });
    await copy(source, target);
    assert.equal((await imageAt(target, 'hub.site/site/app', '1.0')).diffIds, app.diffIds);
  }
});

test('a target that fails stops the copy, and what arrived is found the next time', async () => {
  let count = 0;
  const target = new StrictTarget({
    concurrency: 1,
    onBlob: () => {
      if (++count === 3) throw new Error('the cable was pulled');
    },
  });
  const bytes = DIALECTS['an OCI archive'] as Buffer;
  const failed = await copy(bytes, target).then(
    () => undefined,
    error => error,
  );
  assert.match(String(failed), /the cable was pulled/);
  assert.is(target.count('manifest'), 0);
  const again = await copy(bytes, target);
  assert.ok(again.present.blobs >= 2);
  assert.equal((await imageAt(target, 'hub.site/site/app', '1.0')).diffIds, app.diffIds);
});

test('an interruption stops it between two blobs', async () => {
  const controller = new AbortController();
  for (const source of [
    DIALECTS['an OCI archive'] as Buffer,
    gzipSync(DIALECTS['docker save before 25'] as Buffer),
  ]) {
    const onBlob = () => controller.abort(new Error('stop'));
    const target = new StrictTarget({ concurrency: 1, onBlob });
    const failed = await copy(source, target, { signal: controller.signal }).then(
      () => undefined,
      error => error,
    );
    assert.match(String(failed), /stop/);
    assert.is(target.count('manifest'), 0);
  }
});

test('an image of empty layers alone, and one without layers', async () => {
  const empty = imageOf(['empty:1'], [EMPTY_LAYER, EMPTY_LAYER]);
  const none = imageOf(['none:1'], []);
  for (const bytes of [await dockerArchive20([empty, none]), await ociArchive([empty, none])]) {
    for (const source of [bytes, gzipSync(bytes)]) {
      const target = new StrictTarget();
      await copy(source, target);
      assert.equal((await imageAt(target, 'hub.site/library/empty', '1')).diffIds, empty.diffIds);
      assert.equal((await imageAt(target, 'hub.site/library/none', '1')).diffIds, []);
    }
  }
});

test.run();
