import { mkdirSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { formatReference, parseReference } from '../../src/content/reference.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  EMPTY_LAYER,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  noise,
  siteImages,
  tarOf,
  zstandard,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { ARCHIVES, everyDialect, facts, factsOf, fileOf, folder, take, withSource } from './rig.ts';

const test = suite('transports/open');
const images = await siteImages();
const distinct = [...new Set(images.flatMap(({ diffIds }) => diffIds))].sort();

for (const [dialect, path] of await everyDialect(images)) {
  test(`${dialect}: images, names and layers are those that were saved, each layer once`, async () => {
    const { layers, inventory } = await take(path);
    assert.equal(facts(inventory), factsOf(images));
    assert.equal(inventory.indexes, []);
    assert.equal(layers.map(({ diffId }) => diffId).sort(), distinct);
    const byKey = new Map(layers.map(layer => [layer.key, layer]));
    for (const image of inventory.images)
      for (const { key, diffId } of image.layers) assert.is(byKey.get(key)?.diffId, diffId, key);
  });
}

for (const [dialect, write] of Object.entries(ARCHIVES)) {
  test(`${dialect}: compressed as a whole it is read in passing, and says the same as in place`, async () => {
    const bytes = await write(images);
    const random = await take(fileOf(bytes));
    assert.is(random.access, 'random');
    for (const compress of [gzipped, zstandard]) {
      const sequential = await take(fileOf(compress(bytes)));
      assert.is(sequential.access, 'sequential');
      assert.equal(facts(sequential.inventory), facts(random.inventory));
      assert.equal(
        sequential.inventory.images.map(({ manifest }) => manifest?.descriptor.digest),
        random.inventory.images.map(({ manifest }) => manifest?.descriptor.digest),
      );
      const brief = ({ size, compression, diffId }: (typeof random.layers)[number]) =>
        `${diffId} ${size} ${compression}`;
      assert.equal(sequential.layers.map(brief).sort(), random.layers.map(brief).sort());
    }
  });

  test(`${dialect}: a name is told by content, not by the file's name or ending`, async () => {
    const path = fileOf(await write(images), 'misleading.zip');
    assert.equal(facts((await take(path)).inventory), factsOf(images));
  });
}

test('what a source is called tells where it comes from', async () => {
  const said = async (path: string) => (await take(path)).description;
  const archive = fileOf(await dockerArchive20(images));
  const oci = fileOf(await tarOf(layoutOf(images)));
  assert.is(await said(archive), `docker-archive:${archive}`);
  assert.is(await said(oci), `oci-archive:${oci}`);
});

test('an image without layers, and one whose only layer is empty, are images too', async () => {
  const bare = [imageOf(['none:1'], []), imageOf(['empty:1'], [EMPTY_LAYER])];
  for (const [dialect, path] of await everyDialect(bare)) {
    const { inventory, layers } = await take(path);
    assert.equal(facts(inventory), factsOf(bare), dialect);
    assert.is(layers.length, 1, dialect);
  }
});

test('images without a name are there, known by their ID', async () => {
  const unnamed = [imageOf([], [await layerOf('a', 'a')])];
  for (const [dialect, path] of await everyDialect(unnamed))
    assert.equal(facts((await take(path)).inventory), factsOf(unnamed), dialect);
});

test('the fallback name is for the only image of a layout that bears none', async () => {
  const name = parseReference('site/fallback:1');
  const namesOf = async (bytes: Buffer) => {
    const source = await openImageSource(fileOf(bytes), { fallbackName: name });
    for await (const _ of source.layers());
    const found = (await source.inventory()).images.flatMap(({ names }) => names.map(formatReference));
    await source.close();
    return found;
  };
  const unnamed = imageOf([], [await layerOf('a', 'a')]);
  const other = imageOf([], [await layerOf('b', 'b')]);
  const layout = (all: (typeof other)[]) => tarOf(layoutOf(all));
  assert.equal(await namesOf(await layout([unnamed])), [formatReference(name)]);
  assert.equal(await namesOf(gzipped(await layout([unnamed]))), [formatReference(name)]);
  assert.equal(await namesOf(await layout([unnamed, other])), []);
  assert.equal(await namesOf(await layout([imageOf(['own:1'], unnamed.layers)])), [
    'docker.io/library/own:1',
  ]);
});

test('a layer of a random source may be opened again, and two at once', async () => {
  for (const [dialect, path] of (await everyDialect(images)).filter(([name]) => !/gzip$|zstd$/.test(name)))
    await withSource(path, async source => {
      for await (const layer of source.layers()) {
        const [a, b] = await Promise.all([1, 2].map(() => Array.fromAsync(layer.open())));
        assert.equal(Buffer.concat(a ?? []), Buffer.concat(b ?? []), dialect);
      }
    });
});

test('a layer of a sequential source may be opened again after it has passed', async () => {
  const path = fileOf(gzipped(await dockerArchive20(images)));
  await withSource(path, async source => {
    const layers = await Array.fromAsync(source.layers());
    const diffIds: string[] = [];
    for (const layer of layers) diffIds.push(digestOf(Buffer.concat(await Array.fromAsync(layer.open()))));
    assert.equal(diffIds.sort(), distinct);
  });
});

test('a sequential source is complete once all layers have passed, and can be gone through again', async () => {
  const path = fileOf(gzipped(await dockerArchive20(images)));
  await withSource(path, async source => {
    if (source.access !== 'sequential') throw new Error('it is random');
    assert.not(source.complete);
    await failure(source.inventory(), 'ARCHIVE_INVALID');
    for (const _ of [1, 2]) {
      assert.is((await Array.fromAsync(source.layers())).length, distinct.length);
      assert.ok(source.complete);
    }
    assert.equal(facts(await source.inventory()), factsOf(images));
  });
});

test('a file that is not there, an empty one and an empty folder are refused as what they are', async () => {
  const missing = await failure(openImageSource(`${folder}/none.tar`), 'FILE_NOT_FOUND');
  assert.match(missing.message, `${folder}/none.tar`);
  const empty = await failure(openImageSource(fileOf('')), 'ARCHIVE_INVALID');
  assert.match(empty.message, 'holds no images: it is empty');
  mkdirSync(`${folder}/hollow`);
  const hollow = await failure(
    openImageSource(`${folder}/hollow`).then(source => source.inventory()),
    'ARCHIVE_INVALID',
  );
  assert.match(hollow.message, 'no index.json');
});

test('a web page, a script, a program and a zip are named', async () => {
  const page = `<!DOCTYPE html><html><body>${'Please log in. '.repeat(60)}</body></html>`;
  for (const [content, words] of [
    [page, 'a web page'],
    [page.slice(0, 100), 'a web page'],
    ['#!/bin/sh\necho hello\n', 'a script'],
    [Buffer.concat([Buffer.from('\x7fELF'), noise(2000)]), 'an ELF binary'],
    [Buffer.concat([Buffer.from('PK\x03\x04'), noise(2000)]), 'a zip archive'],
    [noise(5000), 'no tar archive'],
  ] as const) {
    const path = fileOf(content);
    const error = await failure(openImageSource(path), 'ARCHIVE_INVALID');
    assert.is(error.message, `${path} holds no images: it is ${words}`);
    assert.is(error.where.file, path);
    assert.ok(error.suggestions.length > 0);
  }
});

test('what `docker export` writes is told from an image, compressed or not', async () => {
  const rootfs = await tarOf({
    '.dockerenv': '',
    'bin/': '',
    'bin/sh': noise(3000),
    'etc/hosts': '127.0.0.1 localhost',
    'usr/share/doc/readme.gz': gzipped(Buffer.from('read me')),
  });
  for (const bytes of [rootfs, gzipped(rootfs), zstandard(rootfs)]) {
    const error = await failure(take(fileOf(bytes)), 'ARCHIVE_INVALID');
    assert.match(error.message, 'holds no images: it has neither manifest.json nor index.json');
    assert.match(error.suggestions.join(), '`docker export` is no image');
  }
});

test('an archive that was cut short is refused at any length', async () => {
  const whole = await dockerArchive20(images);
  for (const part of [0.1, 0.5, 0.9, 0.97]) {
    const path = fileOf(whole.subarray(0, Math.floor((whole.length * part) / 7) * 7));
    const error = await failure(take(path), 'ARCHIVE_TRUNCATED');
    assert.match(error.message, 'cut short');
    assert.is(error.where.file, path);
    assert.match(error.suggestions.join(), 'again');
  }
});

for (const [name, compress] of [
  ['gzip', gzipped],
  ['zstd', zstandard],
] as const) {
  test(`a ${name} archive that was cut short is refused at any length`, async () => {
    const whole = compress(await dockerArchive20(images));
    for (const length of [20, 1000, whole.length / 2, whole.length - 20, whole.length - 1]) {
      const path = fileOf(whole.subarray(0, length));
      const error = await failure(take(path), 'ARCHIVE_TRUNCATED');
      assert.match(error.message, path);
      assert.is(error.where.file, path);
    }
  });

  test(`a damaged ${name} archive is refused`, async () => {
    const whole = Buffer.from(compress(await dockerArchive20(images)));
    const middle = Math.floor(whole.length / 2);
    whole.fill(0xff, middle, middle + 64);
    const error = await failure(take(fileOf(whole)), 'ARCHIVE_INVALID');
    assert.match(error.message, 'damaged');
    assert.ok(error.suggestions.length > 0);
  });
}

test('an archive that decompresses but is cut short inside is refused', async () => {
  const whole = await dockerArchive20(images);
  const error = await failure(take(fileOf(gzipped(whole.subarray(0, 60_000)))), 'ARCHIVE_TRUNCATED');
  assert.match(error.message, 'cut short');
});

test('rubbish never gets further than an error of ours', async () => {
  const whole = await dockerArchive20(images);
  for (let seed = 0; seed < 60; seed++) {
    const bytes = Buffer.from(whole);
    for (const [i, at] of noise(16, seed).entries()) {
      const offset = (at * 7919 + seed * 104_729 + i * 512) % bytes.length;
      bytes[offset] = (bytes[offset] ?? 0) ^ 0xff;
    }
    await take(fileOf(bytes)).then(
      () => undefined,
      error => assert.is(error.name, 'AirferryError', `${seed}: ${error.stack}`),
    );
  }
});

test.run();
