import { gzipSync, zstdCompressSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { openImageSource } from '../../../src/transports/open.ts';
import { refusal } from '../../engine/expect.ts';
import {
  dockerArchive20,
  dockerArchive26,
  dockerArchive26Files,
  type Files,
  gzipped,
  ociArchive,
  podmanArchive,
  siteImages,
  tarOf,
  writeTo,
} from '../../support/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('sequential archive');
const folder = scratch();
const images = await siteImages();

/** Go through a source, and give back the digest of each image's own manifest. */
async function manifestsOf(path: string): Promise<(string | undefined)[]> {
  const source = await openImageSource(path);
  try {
    for await (const layer of source.layers()) for await (const _ of layer.open());
    return (await source.inventory()).images.map(({ manifest }) => manifest?.descriptor.digest);
  } finally {
    await source.close();
  }
}

const DIALECTS: [dialect: string, bytes: Buffer, kept: boolean][] = [
  ['docker save before 25', await dockerArchive20(images), false],
  ['docker save from 25 on', await dockerArchive26(images), false],
  ['docker save over the containerd store', await tarOf(dockerArchive26Files(images, gzipped)), true],
  ['podman save', await podmanArchive(images), false],
  ['an OCI archive', await ociArchive(images), true],
];

for (const [dialect, bytes, kept] of DIALECTS) {
  test(`${dialect} ${kept ? 'keeps its' : 'has no'} manifests, in place and compressed as a whole`, async () => {
    const inPlace = await manifestsOf(writeTo(folder, 'a.tar', bytes));
    assert.equal(await manifestsOf(writeTo(folder, 'a.gz', gzipSync(bytes))), inPlace);
    assert.equal(await manifestsOf(writeTo(folder, 'a.zst', zstdCompressSync(bytes))), inPlace);
    assert.ok(inPlace.every(digest => (digest !== undefined) === kept));
  });
}

test('a file whose compression is damaged is named, not what the decoder says', async () => {
  const whole = gzipSync(await dockerArchive20(images));
  whole.fill(0, 30_000, 30_050);
  const path = writeTo(folder, 'damaged.gz', whole);
  const error = await refusal(
    () => manifestsOf(path),
    'ARCHIVE_INVALID',
    /damaged\.gz is damaged: it is not valid gzip/,
  );
  assert.is(error.where.file, path);
});

test('a small file that decompresses to JSON without end is refused at 64 MiB', async () => {
  const document = Buffer.alloc(4 * 1024 * 1024, ' ');
  document[0] = 0x5b;
  const files: Files = new Map(Array.from({ length: 17 }, (_, i) => [`${i}.json`, document]));
  const path = writeTo(folder, 'json.gz', gzipSync(await tarOf(files)));
  await refusal(() => manifestsOf(path), 'ARCHIVE_INVALID', /more than 64 MiB of JSON/);
});

test.run();
