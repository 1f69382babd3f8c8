import * as assert from 'uvu/assert';
import type { Digest } from '../../src/content/digest.ts';
import { isAirferryError } from '../../src/errors.ts';
import { isPullable, PullContent } from '../../src/phases/pull-content.ts';
import { type ImageLoad, planLoads } from '../../src/transports/docker-load.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { dockerArchive20, imageOf, layerOf, noise, ociArchive, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('phases/pull-content');
const folder = scratch();
const images = [
  imageOf(['site/a:1'], [await layerOf('a', noise(5_000))]),
  imageOf(['site/b:1'], [await layerOf('b', noise(4_000, 2))]),
];
const PLATFORM = { os: 'linux', architecture: 'amd64' };

async function loadsOf(bytes: Buffer): Promise<{ loads: ImageLoad[]; close: () => Promise<void> }> {
  const source = await openImageSource(writeTo(folder, `${Math.random()}.tar`, bytes));
  if (source.access !== 'random') throw new Error('it is compressed');
  const store = { kind: 'containerd', major: 26, chains: new Set<Digest>(), names: new Map() } as const;
  return {
    loads: await planLoads(source, store, { platform: PLATFORM }),
    close: () => source.close(),
  };
}

async function read(bytes: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  return Buffer.concat(bytes ? await Array.fromAsync(bytes) : []);
}

test('only the image that is on offer can be had, and only by the name that was given', async () => {
  const { loads, close } = await loadsOf(await ociArchive(images));
  const [a, b] = loads;
  assert.ok(a?.id && b?.id);
  const content = new PullContent('site.tar');
  let sent = 0;
  const count = (bytes: number): void => {
    sent += bytes;
  };
  const first = content.offer(a, count)?.split('@') ?? [];
  const [repository = '', digest = ''] = content.offer(b, count)?.split('@') ?? [];
  assert.match(repository, /^[0-9a-f]{32}$/);
  assert.is(first[0], repository);
  assert.is(digest, b.id);
  assert.ok(await content.manifest(repository, digest));
  assert.is(await content.manifest(repository, a.id), undefined);
  assert.is(await content.manifest('guessed', digest), undefined);
  const layer = b.layers[0]?.descriptor?.digest as Digest;
  assert.is(await content.blob('guessed', layer), undefined);
  assert.is(await content.blob(repository, a.layers[0]?.descriptor?.digest as Digest), undefined);
  assert.equal([await content.repositories(), await content.tags()], [[], undefined]);

  const blob = await content.blob(repository, layer);
  const whole = await read(blob?.open());
  assert.is(whole.length, blob?.size);
  assert.is(sent, whole.length);
  assert.ok((await read(blob?.open({ first: 10, last: 99 }))).equals(whole.subarray(10, 100)));
  const config = await content.blob(repository, b.image.config.descriptor.digest);
  assert.ok(
    (await read(config?.open({ first: 1, last: 3 }))).equals(
      await read(config?.open()).then(all => all.subarray(1, 4)),
    ),
  );
  await close();
});

test('a range of a layer that can only be read from its beginning is the same', async () => {
  const { loads, close } = await loadsOf(await dockerArchive20(images));
  const [a] = loads;
  assert.ok(a);
  const layers = a.layers.map(({ slice, ...layer }) => layer);
  const content = new PullContent('saved.tar');
  const [repository = ''] = content.offer({ ...a, layers }, () => undefined)?.split('@') ?? [];
  const blob = await content.blob(repository, a.image.layers[0]?.diffId as Digest);
  const whole = await read(blob?.open());
  for (const [from, to] of [
    [0, 0],
    [100, 2_000],
    [whole.length - 5, whole.length - 1],
  ] as const)
    assert.ok((await read(blob?.open({ first: from, last: to }))).equals(whole.subarray(from, to + 1)));
  await close();
});

test('a plain layer is verified by its diffID', async () => {
  const bytes = await dockerArchive20(images);
  const at = bytes.indexOf(noise(64, 2));
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  const { loads, close } = await loadsOf(bytes);
  const load = loads.find(({ names }) => names.includes('site/b:1'));
  assert.ok(load);
  const content = new PullContent('saved.tar');
  const [repository = ''] = content.offer(load, () => undefined)?.split('@') ?? [];
  const blob = await content.blob(repository, load.image.layers[0]?.diffId as Digest);
  const error = await read(blob?.open()).catch((thrown: unknown) => thrown);
  assert.ok(isAirferryError(error, 'DIGEST_MISMATCH'));
  await close();
});

test('an image whose layers have no digests cannot be asked for', async () => {
  const { loads, close } = await loadsOf(await dockerArchive20(images));
  const [a] = loads;
  assert.ok(a);
  assert.ok(isPullable(a));
  const compressed = { ...a, layers: a.layers.map(layer => ({ ...layer, compression: 'gzip' as const })) };
  assert.not.ok(isPullable(compressed));
  assert.is(
    new PullContent('saved.tar').offer(compressed, () => undefined),
    undefined,
  );
  await close();
});

test.run();
