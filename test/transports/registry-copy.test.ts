/** From registry to registry: what moves, what is mounted, what is left at the target on a bad day. */
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { formatReference, parseReference, type Reference } from '../../src/content/reference.ts';
import { Meter } from '../../src/support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../../src/transports/copy.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import { type RegistrySourceOptions, registrySource } from '../../src/transports/registry-source.ts';
import { clientFor, eventually, failure } from '../registry/rig.ts';
import { imageOf, layerOf, layoutOf, manifestOf, noise, siteImages } from '../support/archives.ts';
import { type FakeRegistry, type Quirks, startFakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { hold } from './registry-content.ts';

const test = suite('transports/registry, from registry to registry');
const [app, tool] = await siteImages();
const layers = await Promise.all([1, 2, 3, 4].map(i => layerOf(`f${i}`, noise(200_000, i))));
const big = imageOf([], layers);

/** Two registries; the first has app, tool and big. */
function withTwo(body: (from: FakeRegistry, to: FakeRegistry) => Promise<void>, quirks: Quirks = {}) {
  return async () => {
    const [from, to] = await Promise.all([startFakeRegistry(quirks), startFakeRegistry(quirks)]);
    try {
      hold(from, 'site/app', layoutOf([app]), '1.0');
      hold(from, 'library/tool', layoutOf([tool]), '2');
      hold(from, 'site/big', layoutOf([big]), '1');
      await body(from, to);
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
  };
}

interface Job {
  from: FakeRegistry;
  to: FakeRegistry;
  what: RegistrySourceOptions;
  names?: CopyOptions['names'];
  signal?: AbortSignal;
}

async function copy({ from, to, what, names, signal }: Job): Promise<{ report: CopyReport; meter: Meter }> {
  const reader = clientFor(from, { access: 'pull', ...(signal ? { signal } : {}) });
  const writer = clientFor(to, signal ? { signal } : {});
  const meter = new Meter();
  try {
    const source = await registrySource(reader, what);
    const there = (all: Reference[]) => all.map(name => ({ ...name, registry: to.address }));
    const options = { names: names ?? there, unnamed: false, compression: 'gzip', meter } as const;
    const report = await copyImages(source, registryTarget(writer), {
      ...options,
      ...(signal ? { signal } : {}),
    });
    return { report, meter };
  } finally {
    await Promise.all([reader.close(), writer.close()]);
  }
}

/** Everything goes to `copies/…` of the same registry. */
const aside =
  ({ address }: FakeRegistry) =>
  (all: Reference[]): Reference[] =>
    all.map(name => ({ ...name, registry: address, repository: `copies/${name.repository}` }));

const whole = { repositories: ['site/app', 'library/tool', 'site/big'] };
const blobGets = ({ seen }: FakeRegistry) =>
  seen.filter(({ method, path }) => method === 'GET' && /blobs/.test(path));

test(
  'across hosts every blob is read once and sent once, and digests are kept',
  withTwo(async (from, to) => {
    const { report, meter } = await copy({ from, to, what: whole });
    for (const [repository, tag, image] of [
      ['site/app', '1.0', app],
      ['library/tool', '2', tool],
      ['site/big', '1', big],
    ] as const)
      assert.equal(to.manifests.get(repository)?.get(tag)?.bytes, manifestOf(image));
    const read = blobGets(from).map(({ path }) => path.split('/').at(-1));
    assert.is(new Set(read).size, read.length);
    assert.is(report.moved.blobs + report.mounted.blobs, read.length + 1, 'one layer is in two repositories');
    assert.is(meter.progress.done, meter.progress.total);
    assert.ok(report.images.every(({ source, manifest }) => source === manifest.digest));
    const again = await copy({ from, to, what: whole });
    assert.ok(again.report.images.every(({ present }) => present));
    assert.is(again.report.moved.blobs, 0);
    const blobs = new Set([...from.blobs.values()].flatMap(held => [...held.keys()]));
    assert.is(again.report.spared.blobs, blobs.size);
  }),
);

test(
  'within one registry blobs are mounted: not a byte of a layer is read or sent',
  withTwo(async from => {
    const before = from.seen.length;
    const { report, meter } = await copy({ from, to: from, what: whole, names: aside(from) });
    const asked = from.seen.slice(before);
    assert.equal(from.manifests.get('copies/site/big')?.get('1')?.bytes, manifestOf(big));
    const configs = [app, tool, big].map(({ id }) => id);
    const read = asked.filter(({ method, path }) => method === 'GET' && /blobs/.test(path));
    assert.equal(read.map(({ path }) => path.split('/').at(-1)).sort(), configs.sort());
    assert.is(asked.filter(({ method, path }) => method === 'PUT' && /blobs/.test(path)).length, 0);
    assert.is(report.moved.blobs, 0);
    const { done, total, spared } = meter.progress;
    assert.equal([done, total], [0, 0]);
    assert.ok(spared > 800_000);
    assert.is(report.spared.bytes > 800_000, true);
  }),
);

test(
  'a new tag in the same repository asks nothing about blobs',
  withTwo(async from => {
    const names = (all: Reference[]) => all.map(name => ({ ...name, tag: 'new' }));
    const images = [parseReference(`${from.address}/site/big:1`)];
    const before = from.seen.length;
    const { report } = await copy({ from, to: from, what: { images }, names });
    assert.equal(from.manifests.get('site/big')?.get('new')?.bytes, manifestOf(big));
    assert.equal(from.requests().slice(before), [
      'GET /v2/site/big/manifests/1',
      `GET /v2/site/big/blobs/${big.id}`,
      'HEAD /v2/site/big/manifests/new',
      'PUT /v2/site/big/manifests/new',
    ]);
    assert.is(report.images[0]?.spared, report.spared.bytes);
  }),
);

test(
  'a registry that does not mount gets the bytes',
  withTwo(
    async from => {
      const { report, meter } = await copy({ from, to: from, what: whole, names: aside(from) });
      assert.equal(from.manifests.get('copies/site/big')?.get('1')?.bytes, manifestOf(big));
      assert.ok(report.moved.bytes > 800_000);
      assert.is(meter.progress.done, meter.progress.total);
    },
    { mount: 'decline' },
  ),
);

test(
  'each image tells what travelled for it, and a shared layer is counted for one of them',
  withTwo(async (from, to) => {
    const { report } = await copy({ from, to, what: whole });
    const sum = report.images.reduce((bytes, { moved }) => bytes + moved, 0);
    assert.is(sum, report.moved.bytes);
    const [first] = report.images.filter(image => /big/.test(formatReference(image.to[0] as Reference)));
    assert.ok(first && first.moved > 800_000);
    assert.is(first?.spared, 0);
  }),
);

test(
  'an interruption in the middle of a blob leaves whole blobs only, no open upload and no manifest',
  withTwo(async (from, to) => {
    const stop = new AbortController();
    let asked = 0;
    from.fault(
      'GET',
      /site\/big\/blobs/,
      async (_, proceed) => {
        if (++asked === 4) stop.abort(new Error('Ctrl-C'));
        await proceed();
      },
      99,
    );
    const images = [parseReference(`${from.address}/site/big:1`)];
    const reason = await copy({ from, to, what: { images }, signal: stop.signal }).catch(error => error);
    assert.ok(reason instanceof Error, String(reason));
    await eventually(() => to.uploads.size === 0);
    assert.is(to.manifests.get('site/big')?.size ?? 0, 0);
    for (const [digest, bytes] of to.blobs.get('site/big') ?? []) assert.is(digestOf(bytes), digest);
    const again = await copy({ from, to, what: { images } });
    assert.equal(to.manifests.get('site/big')?.get('1')?.bytes, manifestOf(big));
    assert.is(again.report.images.length, 1);
  }),
);

test(
  'two copies of the same at once both end well',
  withTwo(async (from, to) => {
    const reports = await Promise.all([1, 2].map(() => copy({ from, to, what: whole })));
    for (const { report } of reports) assert.is(report.images.length, 3);
    assert.equal(to.manifests.get('site/big')?.get('1')?.bytes, manifestOf(big));
    assert.is(to.uploads.size, 0);
  }),
);

test(
  'a registry that lies about what it has gets the bytes from the other when a manifest finds it out',
  withTwo(async (from, to) => {
    to.quirks.claimsAllBlobs = true;
    const { report } = await copy({ from, to, what: { repositories: ['site/big'] } });
    assert.equal(to.manifests.get('site/big')?.get('1')?.bytes, manifestOf(big));
    assert.is(report.images.length, 1);
  }),
);

test(
  'a registry that takes no manifest keeps the blobs for the next time',
  withTwo(async (from, to) => {
    to.fault('PUT', /manifests/, status(403), 9);
    await failure(copy({ from, to, what: { repositories: ['site/big'] } }), 'REGISTRY_DENIED');
    assert.is(to.blobs.get('site/big')?.size, 5);
  }),
);

test(
  'of an index that is not all there a strict registry gets what is there, and the report says so',
  withTwo(async (from, to) => {
    const arm = imageOf([], [layers[0] as Buffer], { platform: 'linux/arm64' });
    hold(from, 'site/sparse', layoutOf([big, arm], { indexName: 'x:1', absent: ['linux/s390x'] }), '1');
    const what = { repositories: ['site/sparse'] };
    const { report } = await copy({ from, to, what });
    const stored = JSON.parse(String(to.manifests.get('site/sparse')?.get('1')?.bytes));
    assert.is(stored.manifests.length, 2);
    assert.is(report.images[0]?.changed, 'platforms');
    const again = await copy({ from, to, what });
    assert.equal([again.report.images[0]?.present, again.report.images[0]?.changed], [true, 'platforms']);
  }),
);

test.run();
