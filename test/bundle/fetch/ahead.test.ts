/** Layers beside files: neither waits for the other, and what broke off is gone on with; against a publisher and a registry. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { BundleCreateOptions } from '../../../src/actions/bundle-create.ts';
import { fetchAhead } from '../../../src/bundle/fetch/ahead.ts';
import { Cache } from '../../../src/bundle/fetch/cache.ts';
import { Registries } from '../../../src/bundle/fetch/registries.ts';
import { parseReference } from '../../../src/content/reference.ts';
import { registrySource } from '../../../src/transports/registry-source.ts';
import { imageOf, layerOf, layoutOf, noise } from '../../support/archives.ts';
import { type FakeRegistry, startFakeRegistry, status } from '../../support/fake-registry.ts';
import { type Publisher, serve, startPublisher } from '../../support/publisher.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { hold } from '../../transports/registry-content.ts';
import { create, refused } from '../rig.ts';

const test = suite('bundle/fetch/ahead', { timeout: 20_000 });
const PATH = '/hub/installer.tgz';
const image = imageOf([], [await layerOf('big', noise(3_000_000).toString('latin1'))], {
  platform: 'linux/amd64',
});

interface Site {
  registry: FakeRegistry;
  publisher: Publisher;
  /** The image's only layer, as the registry has it. */
  layer: { digest: string; bytes: Buffer };
  make(options?: Partial<BundleCreateOptions>): ReturnType<typeof create>;
  /** Of the layer, with the range of each. */
  layerRequests(): string[];
}

function onSite(body: (site: Site) => Promise<void>) {
  return async () => {
    const [registry, publisher, dir] = [await startFakeRegistry(), await startPublisher(), scratch()];
    try {
      hold(registry, 'site/big', layoutOf([image]), '1');
      const [digest = '', bytes = Buffer.alloc(0)] =
        [...(registry.blobs.get('site/big') ?? [])].find(([, blob]) => blob.length > 1_000_000) ?? [];
      assert.ok(bytes.length > 1_000_000);
      publisher.files.set(PATH, noise(20_000, 5));
      const recipe = `name: a
version: "1"
registries: { "${registry.address}": { plain-http: true } }
mirrors: { "https://hub.company.com/": "${publisher.origin}hub/" }
images: ["${registry.address}/site/big:1"]
files: [{ url: "https://hub.company.com/installer.tgz", to: /opt/installer.tgz }]
`;
      await body({
        registry,
        publisher,
        layer: { digest, bytes },
        make: options =>
          create(dir, recipe, {
            ...options,
            fetch: { cache: join(dir, 'cache'), registry: { retry: { baseMs: 1 } }, ...options?.fetch },
          }),
        layerRequests: () =>
          registry.seen
            .filter(({ method, path }) => method === 'GET' && path.endsWith(digest))
            .map(({ headers }) => headers.range ?? 'all'),
      });
    } finally {
      await registry.close();
      await publisher.close();
    }
  };
}

test(
  'a layer comes while a file does, and is not fetched again when it is packed',
  onSite(async ({ registry, publisher, layer, make, layerRequests }) => {
    const arrived = Promise.withResolvers<void>();
    registry.fault('GET', new RegExp(layer.digest), async ({ res }, proceed) => {
      res.once('close', () => setTimeout(arrived.resolve, 500));
      await proceed();
    });
    // The file waits for the layer: one after the other they would wait for ever.
    publisher.fault(
      /installer/,
      (req, res) => void arrived.promise.then(() => serve(publisher, PATH)(req, res)),
    );
    const { path } = await make();
    assert.equal(layerRequests(), ['all']);
    const beside = readFileSync(path);
    const { path: alone } = await make({ fetch: { cache: false } });
    assert.ok(readFileSync(alone).equals(beside), 'the same bytes as without a cache');
  }),
);

test(
  'a layer that is under way when the last file is there is gone on with when it is packed',
  onSite(async ({ registry, publisher, layer, make, layerRequests }) => {
    const begun = Promise.withResolvers<void>();
    const half = layer.bytes.length / 2;
    registry.fault('GET', new RegExp(layer.digest), ({ res }) => {
      res.writeHead(200, { 'content-length': layer.bytes.length });
      // Half of it, and then nothing: whoever waited for the rest would wait for ever.
      res.write(layer.bytes.subarray(0, half), () => setTimeout(begun.resolve, 500));
    });
    publisher.fault(
      /installer/,
      (req, res) => void begun.promise.then(() => serve(publisher, PATH)(req, res)),
    );
    await make();
    const [first, second, ...rest] = layerRequests();
    assert.is(first, 'all');
    const from = Number(/^bytes=(\d+)-$/.exec(second ?? '')?.[1]);
    assert.ok(from > 0 && from <= half, second);
    assert.equal(rest, []);
  }),
);

test(
  'what goes wrong beside the files is told when it is packed, as ever',
  onSite(async ({ registry, layer, make }) => {
    registry.fault('GET', new RegExp(layer.digest), status(403), 99);
    await refused(() => make(), 'REGISTRY_DENIED');
  }),
);

test(
  'where all files are in the cache, or a base has the layers, none is fetched beside them',
  onSite(async ({ registry, publisher, make, layerRequests }) => {
    const { path } = await make();
    assert.ok(existsSync(path));
    registry.seen.length = 0;
    await make();
    assert.equal(layerRequests(), []);
    const elsewhere = join(scratch(), 'cache');
    const { leftOut } = await make({
      bases: [path],
      output: join(scratch(), 'cut.tar'),
      fetch: { cache: elsewhere },
    });
    assert.is(leftOut?.blobs, 1);
    assert.ok(publisher.seen.length >= 2);
    assert.equal(layerRequests(), []);
  }),
);

test('once the cache has no room, nothing is fetched for it', async () => {
  const registry = await startFakeRegistry();
  try {
    hold(registry, 'site/big', layoutOf([image]), '1');
    const cache = new Cache(join(scratch(), 'cache'));
    const spec = { host: registry.address, plainHttp: true, mirrors: [], at: { line: 1, column: 1 } };
    const registries = new Registries([spec], cache);
    const name = parseReference(`${registry.address}/site/big:1`);
    const source = await registrySource(registries.client(registry.address), { images: [name] });
    const { signal } = new AbortController();
    const layers = (): number => registry.seen.filter(({ path }) => path.includes('/blobs/')).length;
    const before = layers();
    cache.warnings.push('Not everything could be kept.');
    await fetchAhead([{ source }], { registries, cache, signal });
    assert.is(layers(), before);
    cache.warnings.length = 0;
    await fetchAhead([{ source }], { registries, cache, signal });
    assert.is(layers(), before + 1);
    await fetchAhead([{ source }], { registries, cache, signal });
    assert.is(layers(), before + 1, 'it is in the cache');
    await registries.close();
  } finally {
    await registry.close();
  }
});

test.run();
