import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { parseImageConfig, parseManifest } from '../../src/content/manifest.ts';
import { Meter } from '../../src/support/meter.ts';
import {
  dockerArchive20,
  dockerArchive20Files,
  dockerArchive26Files,
  EMPTY_LAYER,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  manifestOf,
  siteImages,
  type TestImage,
  tarOf,
  writeFolder,
  zstandard,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { copy, lines } from './copying.ts';
import { everyDialect, fileOf, folder, plain } from './rig.ts';
import { StrictTarget } from './strict-target.ts';

const test = suite('transports/copy, every dialect');
const images = await siteImages();
const [app, tool] = images;
const NAMES = [
  'hub.company.com/library/tool:2',
  'hub.company.com/site/app:1.0',
  'hub.company.com/site/app:latest',
];
const SCOPES = ['repository', 'whole'] as const;
const dialects = await everyDialect(images);
/** Enough where it does not matter how an archive was compressed as a whole. */
const some = dialects.filter(([dialect]) => !dialect.endsWith(', zstd'));

/** An image at the target is whole: its config is the one that was saved, its layers unpack to the diffIDs. */
function assertWhole(target: StrictTarget, name: string, image: TestImage): void {
  const { bytes, descriptor } = target.document(name);
  const manifest = parseManifest(bytes, descriptor.mediaType);
  if (manifest.kind !== 'image') throw new Error(`${name} is an index`);
  assert.is(manifest.config.digest, image.id, name);
  const blobs = target.blobs.get(target.scope === 'whole' ? '' : name.slice(0, name.lastIndexOf(':')));
  assert.equal(parseImageConfig(blobs?.get(image.id) as Buffer).diffIds, image.diffIds);
  const diffIds = manifest.layers.map(({ digest, mediaType, size }) => {
    const layer = blobs?.get(digest) as Buffer;
    assert.is(layer.length, size);
    return digestOf(plain(layer, /\+(\w+)$/.exec(mediaType)?.[1] ?? 'none'));
  });
  assert.equal(diffIds, image.diffIds, name);
}

function assertMeterAtEnd({ progress: { done, total } }: Meter, what: string): void {
  assert.ok(total > 0, what);
  assert.is(done, total, what);
}

for (const [dialect, path] of dialects)
  test(`${dialect}: every image arrives whole, and the meter ends at its total`, async () => {
    for (const scope of SCOPES) {
      const { report, target, meter } = await copy(path, new StrictTarget({ scope }));
      assert.equal(target.names(), NAMES);
      assertWhole(target, 'hub.company.com/site/app:1.0', app);
      assertWhole(target, 'hub.company.com/site/app:latest', app);
      assertWhole(target, 'hub.company.com/library/tool:2', tool);
      assert.is(report.images.length, 2);
      assertMeterAtEnd(meter, scope);
    }
  });

for (const [dialect, path] of dialects)
  test(`${dialect}: each blob goes into each repository once, and its bytes travel once`, async () => {
    const { report, target, log } = await copy(path);
    const blobs = log.filter(line => line.startsWith('blob ')).map(line => line.replace(/^blob \w+ /, ''));
    assert.is(new Set(blobs).size, blobs.length, blobs.join('\n'));
    // Base, empty, app and tool layers, and two configs; the base is in both repositories.
    assert.equal([report.moved.blobs, report.mounted.blobs, report.present.blobs], [6, 1, 0]);
    const stored = [...target.blobs.values()].flatMap(all => [...all]);
    const distinct = [...new Map(stored).values()].reduce((sum, blob) => sum + blob.length, 0);
    assert.is(report.moved.bytes, distinct);
    const first = log.findIndex(line => line.startsWith('manifest '));
    assert.ok(log.slice(0, first).filter(line => line.startsWith('blob ')).length >= 6, log.join('\n'));
  });

test('where nothing is mounted, bytes travel to each repository', async () => {
  for (const [dialect, path] of some) {
    const { report, target } = await copy(path, new StrictTarget({ mounts: false }));
    assert.equal([report.moved.blobs, report.mounted.blobs], [7, 0], dialect);
    assertWhole(target, 'hub.company.com/library/tool:2', tool);
  }
});

test('where blobs are kept in common, each goes once', async () => {
  for (const [dialect, path] of some)
    for (const unnamed of [true, false]) {
      const { report, log } = await copy(path, new StrictTarget({ scope: 'whole' }), { unnamed });
      assert.is(report.moved.blobs, 6, dialect);
      assert.is(log.filter(line => line.startsWith('blob ')).length, 6, dialect);
    }
});

test('a manifest that came with its image stays as it is, byte for byte', async () => {
  const saved = await tarOf(dockerArchive26Files(images, gzipped));
  const layout = await tarOf(layoutOf(images));
  const archives = {
    folder: writeFolder(`${folder}/verbatim`, layoutOf(images)),
    tar: fileOf(layout),
    'tar, gzip': fileOf(gzipped(layout)),
    'docker save': fileOf(saved),
    'docker save, zstd': fileOf(zstandard(saved)),
  };
  for (const [what, path] of Object.entries(archives))
    for (const scope of SCOPES) {
      const { target } = await copy(path, new StrictTarget({ scope }), { compression: 'zstd' });
      assert.equal(target.document('hub.company.com/site/app:1.0').bytes, manifestOf(app), what);
      assert.equal(target.document('hub.company.com/library/tool:2').bytes, manifestOf(tool), what);
    }
});

test('the same archive gives the same manifests every time, in place or in passing', async () => {
  const bytes = await dockerArchive20(images);
  for (const compression of ['none', 'gzip', 'zstd'] as const) {
    const digests = new Set<string>();
    for (const path of [fileOf(bytes), fileOf(bytes), fileOf(gzipped(bytes)), fileOf(zstandard(bytes))]) {
      const { target } = await copy(path, undefined, { compression });
      digests.add(NAMES.map(name => target.document(name).descriptor.digest).join());
    }
    assert.is(digests.size, 1, compression);
  }
});

test('a target that reads each blob twice gets the same bytes, and the meter does not count them twice', async () => {
  for (const [dialect, path] of some) {
    const { target, meter } = await copy(path, new StrictTarget({ attempts: 2 }));
    assertWhole(target, 'hub.company.com/site/app:1.0', app);
    assertMeterAtEnd(meter, dialect);
  }
});

test('an image with a manifest that is present costs one question per name, and moves nothing', async () => {
  const withManifests = dialects.filter(([dialect]) => /OCI|containerd/.test(dialect));
  assert.is(withManifests.length, 10);
  for (const [dialect, path] of withManifests) {
    const { target } = await copy(path);
    const { log, report, meter } = await copy(path, target);
    assert.equal(
      log.sort(),
      NAMES.map(name => `holds ${name}`),
      dialect,
    );
    assert.ok(lines(report).every(line => line.endsWith(', present')));
    assert.equal([report.moved, report.present, report.mounted], Array(3).fill({ blobs: 0, bytes: 0 }));
    assert.is(meter.progress.done, meter.progress.total, dialect);
  }
});

test('blobs that are found at the target are done for the meter too', async () => {
  for (const [dialect, path] of some) {
    const { target } = await copy(path);
    target.manifests.clear();
    const { report, meter } = await copy(path, target);
    assert.equal(target.names(), NAMES, dialect);
    assert.ok(report.present.blobs >= 2, dialect);
    const { done, total, spared } = meter.progress;
    assert.is(done, total, dialect);
    assert.ok(spared > 0 || done > 0, dialect);
  }
});

test('an image without a name comes along or is left, as asked', async () => {
  const unnamed = imageOf([], [await layerOf('u', 'unnamed')]);
  for (const [dialect, path] of await everyDialect([unnamed, tool])) {
    const left = await copy(path, new StrictTarget({ scope: 'whole' }));
    assert.equal([...left.target.manifests.keys()].length, 2, dialect);
    const kept = await copy(path, new StrictTarget({ scope: 'whole' }), { unnamed: true });
    assert.is(kept.target.manifests.size, 3, dialect);
    assert.ok(lines(kept.report).includes('unnamed → unnamed'), dialect);
    assert.ok(kept.target.blobs.get('')?.has(unnamed.id), dialect);
  }
});

test('two entries for one image both get their names', async () => {
  const twins = [tool, { ...tool, names: ['again:3'] }];
  for (const files of [dockerArchive20Files(twins), dockerArchive26Files(twins, gzipped)]) {
    const bytes = await tarOf(files);
    for (const path of [fileOf(bytes), fileOf(gzipped(bytes))]) {
      const { target } = await copy(path);
      assert.equal(target.names(), ['hub.company.com/library/again:3', 'hub.company.com/library/tool:2']);
    }
  }
});

test('the meter never goes back, nor beyond its total', async () => {
  for (const [dialect, path] of some) {
    const meter = new Meter();
    let last = 0;
    const look = (): void => {
      const { done, total } = meter.progress;
      assert.ok(done >= last && done <= total, `${dialect}: ${last}, ${done} of ${total}`);
      last = done;
    };
    await copy(path, new StrictTarget({ onBlob: look }), { meter });
    look();
  }
});

test('the empty layer, three times in one image, is one blob', async () => {
  const thrice = imageOf(['thrice:1'], [EMPTY_LAYER, EMPTY_LAYER, EMPTY_LAYER]);
  for (const [dialect, path] of await everyDialect([thrice])) {
    const { target, report } = await copy(path);
    assertWhole(target, 'hub.company.com/library/thrice:1', thrice);
    assert.is(report.moved.blobs, 2, dialect);
  }
});

test.run();
