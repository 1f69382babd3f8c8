import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { digestOf } from '../../../src/content/digest.ts';
import { formatPlatform } from '../../../src/content/platform.ts';
import { familiarName, parseReference } from '../../../src/content/reference.ts';
import { AirferryError, type ErrorCode } from '../../../src/errors.ts';
import { Meter } from '../../../src/support/meter.ts';
import { type EngineLoadReport, loadIntoEngine } from '../../../src/transports/docker-daemon/load.ts';
import { retagInEngine } from '../../../src/transports/docker-daemon/retag.ts';
import { openImageSource } from '../../../src/transports/open.ts';
import type { SourceImage } from '../../../src/transports/source.ts';
import {
  dockerArchive20,
  dockerArchive26,
  imageOf,
  layerOf,
  manifestOf,
  noise,
  ociArchive,
  siteImages,
} from '../../support/archives.ts';
import type { Dialect } from '../../support/fake-engine.ts';
import { suite } from '../../support/suite.ts';
import { fileOf } from '../rig.ts';
import { load, saves, sourceOf, withEngines } from './rig.ts';

const test = suite('transports/docker-daemon/load');
const images = await siteImages();
const [app, tool] = images;
const update = imageOf(['site/app:1.1'], [...app.layers, await layerOf('new', noise(3000, 7))]);
const plain = fileOf(await dockerArchive20(images));
const whole = fileOf(gzipSync(await dockerArchive26(images)), 'images.tgz');
const suffixed = (suffix: string) => (from: ReturnType<typeof parseReference>[]) =>
  from.map(name => ({ ...name, tag: `${name.tag}${suffix}` }));

function told({ loads }: EngineLoadReport): string[] {
  return loads
    .map(({ to, how, leftOut }) => `${to.map(familiarName).join(' ')} ${how}, ${leftOut.layers} left out`)
    .sort();
}

async function fails(work: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await work.then(
    () => assert.unreachable('it did not fail'),
    error => {
      assert.instance(error, AirferryError);
      assert.is(error.code, code, error.message);
      assert.match(error.message, message);
      assert.ok(error.suggestions.length > 0);
    },
  );
}

test('an archive goes layer by layer, what the engine has stays here, and the second time nothing goes', () =>
  withEngines([[[tool], '26']], async rig => {
    const first = await load(rig, await openImageSource(plain));
    assert.equal(told(first), [
      'site/app:1.0 site/app:latest loaded, 1 left out',
      'tool:2 present, 2 left out',
    ]);
    assert.is(rig.engine.names.get('site/app:latest'), app.id);
    const again = await load(rig, await openImageSource(plain));
    assert.equal(told(again), [
      'site/app:1.0 site/app:latest present, 4 left out',
      'tool:2 present, 2 left out',
    ]);
    assert.is(again.moved.bytes, 0);
  }));

test('that an engine knows images by their configs is said of those that had a digest before', () =>
  withEngines([[[], '26']], async rig => {
    const addressed = fileOf(await ociArchive([app, tool]));
    const { images } = await load(rig, await openImageSource(addressed));
    assert.equal(
      images.map(({ source, manifest, changed }) => [source, manifest.digest, changed]),
      [app, tool].map(image => [digestOf(manifestOf(image)), image.id, 'engine']),
    );
    const plainly = await load(rig, await openImageSource(plain));
    assert.ok(plainly.images.every(({ source, changed }) => source === undefined && changed === undefined));
  }));

test('an image that is there under another name gets its name, and nothing is sent', () =>
  withEngines([[images, '26']], async rig => {
    const report = await load(rig, await openImageSource(plain), suffixed('-x'));
    assert.equal(told(report), [
      'site/app:1.0-x site/app:latest-x tagged, 4 left out',
      'tool:2-x tagged, 2 left out',
    ]);
    assert.is(rig.engine.names.get('tool:2-x'), tool.id);
    assert.is(rig.engine.seen.filter(({ path }) => path.includes('/load')).length, 0);
  }));

test('names that are wanted of nothing stay behind', () =>
  withEngines([[[], '26']], async rig => {
    const onlyTool = (from: ReturnType<typeof parseReference>[]) =>
      from.filter(({ repository }) => repository === 'library/tool');
    assert.equal(told(await load(rig, await openImageSource(plain), onlyTool)), [
      'tool:2 loaded, 0 left out',
    ]);
    assert.equal([...rig.engine.names.keys()], ['tool:2']);
  }));

for (const from of ['20', '26'] as Dialect[]) {
  test(`from engine ${from} to engine 26: images that are there are not asked for`, () =>
    withEngines(
      [
        [images, from],
        [[tool], '26'],
      ],
      async (source, target) => {
        const report = await load(target, await sourceOf(source));
        assert.match(told(report).join('; '), /site\/app:1\.0 site\/app:latest loaded.*tool:2 present/);
        assert.is(saves(source).length, 1);
        assert.not.match(saves(source)[0] ?? '', tool.id.slice(7));
        assert.is(target.engine.names.get('site/app:latest'), app.id);
      },
    ));
}

test('from engine to engine an update travels without the layers that are there', () =>
  withEngines(
    [
      [[app, update], '26'],
      [[app], '26'],
    ],
    async (source, target) => {
      const report = await load(target, await sourceOf(source));
      assert.equal(told(report), [
        'site/app:1.0 site/app:latest present, 4 left out',
        'site/app:1.1 loaded, 4 left out',
      ]);
      const layer = update.diffIds.at(-1)?.slice(7);
      assert.equal(target.engine.loadedFiles, [`blobs/sha256/${layer}`]);
      const sent = report.loads.find(({ how }) => how === 'loaded')?.bytes ?? 0;
      assert.ok(sent < 4096 + 16 * 1024, `${sent} bytes`);
      assert.is(report.spared.blobs, 8);
    },
  ));

test('a layer that is there, but on top of others, travels', () =>
  withEngines(
    [
      [[imageOf(['swapped:1'], [tool.layers[1] as Buffer, tool.layers[0] as Buffer])], '26'],
      [[tool], '26'],
    ],
    async (source, target) => {
      const report = await load(target, await sourceOf(source));
      assert.equal(told(report), ['swapped:1 loaded, 0 left out']);
      assert.is(target.engine.loadedFiles.length, 2);
    },
  ));

test('from engine to engine under new names; the old ones are left alone', () =>
  withEngines(
    [
      [[tool], '26'],
      [[imageOf(['tool:2'], [app.layers[0] as Buffer])], '26'],
    ],
    async (source, target) => {
      const before = target.engine.names.get('tool:2');
      await load(target, await sourceOf(source), suffixed('-new'));
      assert.is(target.engine.names.get('tool:2-new'), tool.id);
      assert.is(target.engine.names.get('tool:2'), before);
      assert.not(source.engine.names.has('tool:2-new'));
    },
  ));

for (const [from, to] of [
  ['26', 'containerd'],
  ['containerd', '26'],
] as [Dialect, Dialect][]) {
  test(`from ${from} to ${to} whole images go, one by one`, () =>
    withEngines(
      [
        [images, from],
        [[], to],
      ],
      async (source, target) => {
        const report = await load(target, await sourceOf(source));
        assert.equal(told(report), [
          'site/app:1.0 site/app:latest loaded, 0 left out',
          'tool:2 loaded, 0 left out',
        ]);
        assert.is(saves(source).length, 2);
        assert.is(target.engine.names.size, 3);
      },
    ));
}

test('an archive that is compressed as a whole goes as it is', () =>
  withEngines([[[], '26']], async rig => {
    // This engine reads plain archives only, which is enough to see what it is sent.
    let sent = 0;
    rig.engine.fault = (req, res, proceed) => {
      if (!req.url?.includes('/load')) return proceed();
      for (const image of images) rig.engine.images.set(image.id, image);
      rig.engine.names.set('site/app:1.0', app.id).set('tool:2', tool.id);
      req.on('data', chunk => {
        sent += chunk.length;
      });
      req.on('end', () => res.end('{"stream":"Loaded image: site/app:1.0\\nLoaded image: tool:2\\n"}\r\n'));
    };
    const source = await openImageSource(whole);
    const onlyTool = (from: ReturnType<typeof parseReference>[]) =>
      suffixed('-new')(from.filter(({ repository }) => repository === 'library/tool'));
    const report = await load(rig, source, onlyTool);
    assert.equal(told(report), ['tool:2-new loaded, 0 left out']);
    assert.is(sent, source.access === 'sequential' ? source.bytes : 0);
    assert.equal([...rig.engine.names], [['tool:2-new', tool.id]]);
    await source.close();
  }));

test('an old name that an archive took for itself is given back', () =>
  withEngines([[[imageOf(['tool:2'], [app.layers[0] as Buffer])], '26']], async rig => {
    const before = rig.engine.names.get('tool:2');
    rig.engine.fault = (req, res, proceed) => {
      if (!req.url?.includes('/load')) return proceed();
      rig.engine.images.set(tool.id, tool);
      rig.engine.names.set('tool:2', tool.id);
      req.resume().on('end', () => res.end('{"stream":"Loaded image: tool:2\\n"}\r\n'));
    };
    const source = await openImageSource(whole);
    await load(rig, source, suffixed('-new'));
    assert.is(rig.engine.names.get('tool:2'), before);
    assert.is(rig.engine.names.get('tool:2-new'), tool.id);
    await source.close();
  }));

test('what the engine says within status 200 is a failure', () =>
  withEngines([[[], '26']], async rig => {
    rig.engine.loadError = 'unexpected EOF';
    const source = await openImageSource(plain);
    await fails(load(rig, source), 'LOAD_FAILED', /could not be loaded .* unexpected EOF/);
    rig.engine.loadError = 'write /var/lib/docker/x: no space left on device';
    await fails(load(rig, source), 'HOST_DISK_FULL', /filled up while/);
    await source.close();
  }));

test('an image that is another one afterwards is a failure', () =>
  withEngines([[[], '26']], async rig => {
    rig.engine.fault = (req, res, proceed) => {
      if (!req.url?.includes('/load')) return proceed();
      rig.engine.images.set(tool.id, { ...tool, diffIds: tool.diffIds.toReversed() });
      for (const name of ['site/app:1.0', 'site/app:latest', 'tool:2']) rig.engine.names.set(name, tool.id);
      req.resume().on('end', () => res.end('{"stream":"Loaded image: x:1\\n"}\r\n'));
    };
    const source = await openImageSource(plain);
    await fails(load(rig, source), 'LOAD_FAILED', /not what was sent: its ID is .*; it has 2 layers, not 4/);
    await source.close();
  }));

test('an image for another platform is not loaded in silence', () =>
  withEngines([[[], '26']], async rig => {
    const arm = imageOf(['arm:1'], [app.layers[0] as Buffer], { platform: 'linux/arm64' });
    const source = await openImageSource(fileOf(await dockerArchive20([arm])));
    await fails(load(rig, source), 'PLATFORM_MISMATCH', /arm:1, but not for linux\/amd64/);
    await source.close();
  }));

test('each lot of names is loaded for its own platforms', () =>
  withEngines([[[], '26']], async ({ api, engine }) => {
    const of = (repository: string) => (from: ReturnType<typeof parseReference>[]) =>
      from.filter(name => name.repository === repository);
    const on = (platform: string) => (image: Pick<SourceImage, 'platform'>) =>
      formatPlatform(image.platform) === platform;
    const report = await loadIntoEngine(api, await openImageSource(plain), {
      names: of('library/tool'),
      platform: on('linux/amd64'),
      also: [{ names: of('site/app'), platform: on('linux/amd64') }],
      unnamed: false,
      meter: new Meter(),
    });
    assert.equal(told(report), [
      'site/app:1.0 site/app:latest loaded, 1 left out',
      'tool:2 loaded, 0 left out',
    ]);
    assert.is(engine.names.get('site/app:latest'), app.id);
  }));

test('names change places, old ones go last, and what is not there stops all of it', () =>
  withEngines([[images, '26']], async ({ api, engine }) => {
    const [a, b] = [parseReference('site/app:1.0'), parseReference('tool:2')];
    await fails(
      retagInEngine(api, [
        { from: a, to: [parseReference('x:1')] },
        { from: parseReference('nope:1'), to: [b] },
      ]),
      'IMAGE_NOT_FOUND',
      /nope:1/,
    );
    assert.not(engine.names.has('x:1'));
    await retagInEngine(api, [
      { from: a, to: [b], keep: false },
      { from: b, to: [a], keep: false },
    ]);
    assert.is(engine.names.get('site/app:1.0'), tool.id);
    assert.is(engine.names.get('tool:2'), app.id);
    await retagInEngine(api, [{ from: a, to: [parseReference('y:1')], keep: false }]);
    assert.equal([...engine.names.keys()].sort(), ['site/app:latest', 'tool:2', 'y:1']);
  }));

test.run();
