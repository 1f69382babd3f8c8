/** Bundles that leave out what the far side has: what they carry, and where consumers find the rest. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BundleCreateOptions } from '../../../src/actions/bundle-create.ts';
import { diffBundles } from '../../../src/actions/bundle-diff.ts';
import { type BundleVerified, verifyBundle } from '../../../src/actions/bundle-verify.ts';
import { copyImages } from '../../../src/actions/image-copy.ts';
import { listImages } from '../../../src/actions/image-list.ts';
import { pushImages } from '../../../src/actions/image-push.ts';
import { createReceipt } from '../../../src/actions/receipt-create.ts';
import { formatReceipt, readReceipt } from '../../../src/bundle/delta/receipt.ts';
import { Bundle } from '../../../src/bundle/open.ts';
import type { Digest } from '../../../src/content/digest.ts';
import { chainIds } from '../../../src/content/manifest.ts';
import { readAll } from '../../../src/content/verified.ts';
import { Meter } from '../../../src/support/meter.ts';
import { parseLocation } from '../../../src/transports/location.ts';
import type { BundleFrom } from '../../../src/transports/oci/bundle-store.ts';
import { blobPath } from '../../../src/transports/oci/file-store.ts';
import { openImageSource } from '../../../src/transports/open.ts';
import { imageOf, layerOf, noise, ociArchive, writeTo } from '../../support/archives.ts';
import { startFakeRegistry } from '../../support/fake-registry.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { load, withEngines } from '../../transports/docker-daemon/rig.ts';
import { create, refused } from '../rig.ts';

const test = suite('bundle/delta', { timeout: 60_000 });
const home = scratch();
const layers = await Promise.all([1, 2, 3].map(i => layerOf(`f${i}`, noise(400_000, i))));
const [one, two, three] = layers as [Buffer, Buffer, Buffer];
const before = [imageOf(['site/app:1'], [one, two]), imageOf(['site/db:1'], [one])];
const patch = await layerOf('patch', noise(70_000, 9));
const after = [imageOf(['site/app:2'], [one, two, patch]), imageOf(['site/db:1'], [one])];
writeTo(home, 'before.tar', await ociArchive(before));
writeTo(home, 'after.tar', await ociArchive(after));
writeTo(home, 'big', noise(200_000, 20));
writeTo(home, 'motd', 'welcome\n');

const recipe = (archive: string, version: string): string => `name: plant-7
version: "${version}"
images: [{ archive: ./${archive} }]
files: [{ from: ./big, to: /etc/big }, { from: ./motd, to: /etc/motd }]
`;

let count = 0;
async function made(archive: string, options: Partial<BundleCreateOptions> = {}): Promise<string> {
  const output = join(home, `${count++}.tar`);
  await create(home, recipe(archive, archive === 'before.tar' ? '1' : '2'), { output, ...options });
  return output;
}

const full = await made('before.tar');
const delta = await made('after.tar', { bases: [full] });

const verify = (path: string, from: BundleFrom = {}): Promise<BundleVerified> =>
  verifyBundle({ path, trustedKeys: [], from, meter: new Meter() });

const absentOf = (path: string): Digest[] => {
  const bundle = Bundle.open(path);
  try {
    return bundle.leftOut.map(({ digest }) => digest).sort();
  } finally {
    bundle.close();
  }
};

const diff = (a: string, b: string) => diffBundles(a, b);

test('an update of one layer carries that layer, the documents, and what is small', () => {
  const [whole, update] = [full, delta].map(path => readFileSync(path).length) as [number, number];
  assert.ok(whole > 1_000_000, `${whole}`);
  assert.ok(update > 70_000 && update < 110_000, `${update}`);
  assert.is(absentOf(delta).length, 3, 'two layers and a file');
  const bundle = Bundle.open(delta);
  assert.is(bundle.manifest.delta?.bases[0]?.name, 'plant-7 1');
  assert.equal(
    bundle.leftOut.map(({ had, atHand }) => ({ had: had.length, atHand })),
    Array(3).fill({ had: 1, atHand: false }),
  );
  bundle.close();
});

test('what is left out is in the manifest all the same: the delta is the set difference', async () => {
  const whole = await made('after.tar');
  const [a, b] = [delta, whole].map(path => Bundle.open(path)) as [Bundle, Bundle];
  const named = ({ manifest }: Bundle) => manifest.blobs.map(({ digest }) => digest).sort();
  assert.equal(named(a), named(b));
  const { added } = diff(full, whole);
  const carried = a.manifest.blobs.filter(({ digest }) => !absentOf(delta).includes(digest));
  assert.ok(carried.reduce((sum, { size }) => sum + size, 0) < added.bytes + 64 * 1024 * 2);
  a.close();
  b.close();
});

test('a bundle of which nothing is left out is as if no base were named', async () => {
  const other = scratch();
  writeTo(other, 'x.tar', await ociArchive([imageOf(['x:1'], [three])]));
  await create(other, 'name: x\nversion: "1"\nimages: [{ archive: ./x.tar }]\n', {
    output: join(other, 'x.bundle'),
  });
  const path = await made('before.tar', { bases: [join(other, 'x.bundle')] });
  assert.ok(readFileSync(path).equals(readFileSync(full)));
});

test('verify checks what is there, and with the base all of it', async () => {
  const alone = await verify(delta);
  assert.equal(alone.problems, []);
  assert.is(alone.leftOut?.checked, 0);
  assert.is(alone.leftOut?.blobs, 3);
  const both = await verify(delta, { bases: [full] });
  assert.equal(both.problems, []);
  assert.is(both.leftOut?.checked, 3);
  assert.is(both.hashedBytes - alone.hashedBytes, both.leftOut?.bytes);
});

test('a base that lacks what it should have, or has it damaged, is named', async () => {
  const other = scratch();
  writeTo(other, 'small.tar', await ociArchive([imageOf(['x:1'], [one])]));
  const lacking = await verify(delta, { bases: [join(other, 'small.tar')] });
  assert.ok(lacking.problems.length >= 2);
  for (const { kind, message } of lacking.problems) {
    assert.is(kind, 'missing');
    assert.match(message, /is left out and in none of the bases; plant-7 1 \(sha256:[0-9a-f]{12}\) had it/);
  }
  assert.ok(lacking.problems.some(({ usedBy }) => usedBy.includes('layer 2 of site/app:2')));
  const damaged = join(other, 'damaged.tar');
  const bytes = readFileSync(full);
  const bundle = Bundle.open(full);
  const path = blobPath(absentOf(delta)[0] as Digest);
  const at = (bundle.entries.find(({ name }) => name === path)?.offset ?? 0) + 50;
  bundle.close();
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  writeFileSync(damaged, bytes);
  const { problems } = await verify(delta, { bases: [damaged] });
  assert.equal(
    problems.map(({ kind }) => kind),
    ['damaged'],
  );
  assert.ok(problems[0]?.message.includes(damaged));
  const none = await refused(() => verify(delta, { bases: [join(home, 'motd')] }), 'ARCHIVE_TRUNCATED');
  assert.is(none.where.file, join(home, 'motd'), 'the bundle itself is sound');
  await refused(() => verify(delta, { bases: [join(home, 'none.tar')] }), 'FILE_NOT_FOUND');
});

test('images are listed without the base, since documents always travel', async () => {
  const source = parseLocation(delta);
  const list = await listImages({ source, meter: new Meter() });
  assert.equal(list.images.flatMap(({ names }) => names).sort(), ['site/app:2', 'site/db:1']);
});

test('a push says what the registry lacks before it sends anything; with the base it all goes', async () => {
  const registry = await startFakeRegistry();
  try {
    const push = (from?: BundleFrom) =>
      pushImages({
        sources: [delta],
        registry: registry.address,
        targetPlainHttp: true,
        meter: new Meter(),
        ...(from && { from }),
      });
    const error = await refused(() => push(), 'BUNDLE_BASE_MISSING', /leaves out 2 blobs of 801 kB/);
    assert.match(
      error.suggestions.join('\n'),
      /plant-7 1 \(sha256:[0-9a-f]{12}\) had all of them, 801 kB\.\n.*--base FILE[\s\S]*layer 2 of .*site\/app:2, 400 kB/,
    );
    assert.is(registry.requests().filter(line => /^(POST|PUT|PATCH)/.test(line)).length, 0);
    await push({ bases: [full] });
    assert.ok(registry.manifests.get('site/app')?.has('2'));
  } finally {
    await registry.close();
  }
});

test('a push needs no base where the registry has what is left out', async () => {
  const registry = await startFakeRegistry();
  try {
    const push = (path: string) =>
      pushImages({ sources: [path], registry: registry.address, targetPlainHttp: true, meter: new Meter() });
    await push(full);
    const { moved } = await push(delta);
    assert.ok(moved.bytes > 70_000 && moved.bytes < patch.length, `${moved.bytes}`);
    assert.ok(registry.manifests.get('site/app')?.has('2'));
  } finally {
    await registry.close();
  }
});

test('copies into files need the base, or a layout that has the blobs', async () => {
  const other = scratch();
  const copy = (source: string, target: string, from?: BundleFrom) =>
    copyImages({
      sources: [parseLocation(source)],
      target: parseLocation(target),
      meter: new Meter(),
      ...(from && { from }),
    });
  await refused(
    () => copy(delta, `oci-archive:${join(other, 'a.tar')}`),
    'BUNDLE_BASE_MISSING',
    'a.tar lacks them',
  );
  await refused(() => copy(delta, `oci:${join(other, 'layout')}`), 'BUNDLE_BASE_MISSING');
  await copy(delta, `oci-archive:${join(other, 'a.tar')}`, { bases: [join(home, 'before.tar')] });
  await copy(full, `oci:${join(other, 'layout')}`);
  const { moved } = await copy(delta, `oci:${join(other, 'layout')}`);
  assert.ok(moved.bytes > 70_000 && moved.bytes < patch.length, `${moved.bytes}`);
  for (const path of [join(other, 'a.tar'), join(other, 'layout')]) {
    const source = await openImageSource(path);
    for await (const layer of source.layers()) assert.ok(await readAll(layer.open(), Infinity));
    await source.close();
  }
});

test('an engine that has the layers below needs no base, another one is told', () =>
  withEngines(
    [
      [before, '26'],
      [[], '26'],
    ],
    async (there, fresh) => {
      if (!there || !fresh) return;
      const report = await load(there, await openImageSource(delta));
      assert.is(report.loads.find(({ how }) => how === 'loaded')?.leftOut.layers, 2);
      const missing = load(fresh, await openImageSource(delta));
      await refused(() => missing, 'BUNDLE_BASE_MISSING', 'the engine at');
      const based = await load(fresh, await openImageSource(delta, { bases: [full] }));
      assert.equal(
        based.loads.map(({ how }) => how),
        ['loaded', 'loaded'],
      );
    },
  ));

test('a chain of deltas is read over all its bases, which may be in parts', async () => {
  const third = [imageOf(['site/app:3'], [one, two, patch, three])];
  writeTo(home, 'third.tar', await ociArchive(third));
  const parts = scratch();
  await create(home, recipe('before.tar', '1'), {
    output: join(parts, 'site.tar'),
    parts: { partSize: 300_000 },
  });
  const last = await made('third.tar', { bases: [full, delta] });
  assert.is(absentOf(last).length, 4);
  assert.equal((await verify(last, { bases: [delta, join(parts, 'site.tar.002')] })).problems, []);
  assert.is((await verify(last, { bases: [delta] })).problems.length, 3);
});

test('a receipt stands for what it names: of bundles, layouts and registries, several at once', async () => {
  const registry = await startFakeRegistry();
  try {
    await pushImages({
      sources: [join(home, 'before.tar')],
      registry: registry.address,
      targetPlainHttp: true,
      meter: new Meter(),
    });
    const receipt = (output: string, ...words: string[]) =>
      createReceipt({
        output: join(home, output),
        places: words.map(parseLocation),
        sourcePlainHttp: true,
        meter: new Meter(),
      });
    const made1 = await receipt('registry.json', `docker://${registry.address}/`);
    assert.is(made1.blobs, 2 + 2 + 2, 'layers, configs, manifests');
    assert.ok(made1.size < 1200, `${made1.size}`);
    await receipt('bundle.json', full);
    const byRegistry = await made('after.tar', { receipts: [join(home, 'registry.json')] });
    assert.is(absentOf(byRegistry).length, 2, 'the registry has no files');
    const byBoth = await made('after.tar', {
      receipts: ['registry.json', 'bundle.json'].map(name => join(home, name)),
    });
    assert.equal(absentOf(byBoth), absentOf(delta));
    const bundle = Bundle.open(byBoth);
    assert.equal(
      bundle.manifest.delta?.bases.map(({ kind }) => kind),
      ['receipt', 'receipt'],
    );
    bundle.close();
  } finally {
    await registry.close();
  }
});

test('layers that engines know by chain IDs stay out, above the right layers only', async () => {
  const write = (name: string, diffIds: Digest[]): string => {
    const layers = new Set(chainIds(diffIds));
    const bytes = formatReceipt([{ place: 'host h1', blobs: new Map(), layers }], new Date(0));
    return writeTo(home, name, bytes);
  };
  const [app] = before;
  const there = write('h1.json', app?.diffIds ?? []);
  assert.is(absentOf(await made('after.tar', { receipts: [there] })).length, 2);
  const upsideDown = write('h2.json', [...(app?.diffIds ?? [])].reverse());
  assert.equal(absentOf(await made('after.tar', { receipts: [upsideDown] })), []);
});

test('receipts are bounded, sorted, the same for the same content, and damaged ones refused', async () => {
  const digest = (i: number): Digest => `sha256:${String(i).padStart(64, '0')}`;
  const blobs = new Map(Array.from({ length: 10_000 }, (_, i) => [digest((i * 7919) % 10_007), i] as const));
  const bytes = formatReceipt([{ place: 'x', blobs, layers: new Set() }], new Date(0));
  assert.ok(bytes.length < 10_000 * 90, `${bytes.length}`);
  const path = writeTo(home, 'r.json', bytes);
  const read = readReceipt(path);
  assert.is(read.blobs.size, 10_000);
  assert.equal([...read.blobs.keys()], [...read.blobs.keys()].sort());
  const again = formatReceipt(
    [{ place: 'x', blobs: new Map([...blobs].reverse()), layers: new Set() }],
    new Date(0),
  );
  assert.ok(Buffer.from(bytes).equals(again));
  for (const bad of [
    '',
    '{}',
    '[]',
    Buffer.from(bytes).toString().replace('sha256:', 'md5:'),
    bytes.subarray(0, 500),
  ])
    await refused(() => made('after.tar', { receipts: [writeTo(home, 'bad.json', bad)] }), 'RECEIPT_INVALID');
});

test('diff names images, files and versions that changed, and counts blobs', async () => {
  const { changes, added, removed, common, same } = diff(full, delta);
  assert.is(same, false);
  assert.equal(
    changes.map(({ what, name, change }) => `${what} ${name} ${change}`),
    ['image site/app:1 removed', 'image site/app:2 added'],
  );
  assert.equal([added.blobs, removed.blobs], [3, 2]);
  assert.ok(common.blobs >= 5);
  assert.is(diff(full, full).same, true);
});

test('a recipe takes images out of a bundle that leaves some out, with the base that has them', async () => {
  const text = (more: string): string => `name: whole
version: "2"
images: [{ archive: ${delta}${more} }]
`;
  const output = join(home, 'whole.tar');
  const error = await refused(() => create(home, text(''), { output }), 'BUNDLE_BASE_MISSING');
  assert.match(error.suggestions.join('\n'), 'in the recipe, beside the archive: base: [FILE]');
  assert.not.match(error.suggestions.join('\n'), '--base FILE');
  await create(home, text(`, base: [${full}]`), { output });
  assert.equal((await verify(output)).problems, []);
  const { images } = await listImages({ source: parseLocation(output), meter: new Meter() });
  assert.equal(images.flatMap(({ names }) => names).sort(), ['site/app:2', 'site/db:1']);
});

test.run();
