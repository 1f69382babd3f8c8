import * as assert from 'uvu/assert';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { drop, startFakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { clientFor, failure, sample, withRegistry } from './rig.ts';

const test = suite('session');
const REPOSITORY = 'plant/app';

test(
  'server errors, rate limits and cut connections are tried again',
  withRegistry({}, async ({ registry, client }) => {
    await client.headManifest(REPOSITORY, '1.0');
    for (const fault of [status(500), status(429), drop()]) {
      registry.fault('HEAD', /manifests/, fault, 3);
      assert.is(await client.headManifest(REPOSITORY, '1.0'), undefined);
    }
    assert.is(registry.seen.length, 1 + 3 * 4);
  }),
);

for (const [code, tries] of [
  [400, 1],
  [403, 1],
  [404, 1],
  [405, 1],
  [409, 1],
  [412, 1],
  [413, 1],
  [429, 4],
  [500, 4],
  [501, 1],
  [502, 4],
  [503, 4],
  [504, 4],
] as const) {
  test(
    `status ${code} is answered with ${tries === 1 ? 'no second attempt' : 'further attempts'}, with a body too`,
    withRegistry({}, async ({ registry, client }) => {
      registry.fault('PUT', /manifests/, status(code), 99);
      const error = await client.putManifest(REPOSITORY, '1', OCI_MANIFEST, Buffer.from('{}')).catch(e => e);
      assert.is(error.status, code);
      assert.is(registry.seen.length, tries);
    }),
  );
}

test(
  'a manifest, too, is sent again after a cut connection',
  withRegistry({}, async ({ registry, client }) => {
    await client.headManifest(REPOSITORY, '1.0');
    registry.fault('PUT', /manifests/, drop(), 2);
    await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, Buffer.from('{}'));
    assert.ok(registry.manifests.get(REPOSITORY)?.has('1.0'));
  }),
);

test(
  'the pause that the registry names is kept, by every request',
  withRegistry({}, async ({ registry, client }) => {
    await client.headManifest(REPOSITORY, '1.0');
    registry.fault('HEAD', /manifests\/2/, status(429, '', { 'retry-after': '1' }));
    const started = performance.now();
    const limited = client.headManifest(REPOSITORY, '2.0');
    while (registry.seen.length < 2) await new Promise(resolve => setTimeout(resolve, 5));
    await new Promise(resolve => setTimeout(resolve, 20));
    await Promise.all([
      limited,
      client.headManifest(REPOSITORY, '3.0'),
      client.headBlob(REPOSITORY, sample(1).descriptor),
    ]);
    const [, , ...after] = registry.seen;
    assert.is(after.length, 3);
    for (const { at } of after) assert.ok(at - started >= 990, `${at - started} ms`);
  }),
);

test(
  'a storm of 429 is outlived by many requests at once',
  withRegistry(
    {},
    async ({ registry, client }) => {
      registry.fault('HEAD', /./, status(429), 30);
      const blobs = Array.from({ length: 30 }, () => sample(10).descriptor);
      assert.equal(
        await Promise.all(blobs.map(blob => client.headBlob(REPOSITORY, blob))),
        Array(30).fill(false),
      );
    },
    { retry: { attempts: 40, baseMs: 1, maxMs: 5 } },
  ),
);

test(
  'a pause that the registry names is no failed attempt',
  withRegistry(
    {},
    async ({ registry, client }) => {
      registry.fault('HEAD', /./, status(503, '', { 'retry-after': '1' }));
      assert.is(await client.headManifest(REPOSITORY, '1.0'), undefined);
      registry.fault('HEAD', /./, status(503));
      await failure(client.headBlob(REPOSITORY, sample(1).descriptor), 'REGISTRY_FAILED');
    },
    { retry: { attempts: 1, baseMs: 1, maxMs: 5 } },
  ),
);

test(
  'requests keep to the number per second that is allowed, after a first second of them at once',
  withRegistry(
    {},
    async ({ registry, client }) => {
      const started = performance.now();
      await Promise.all(Array.from({ length: 30 }, () => client.headBlob(REPOSITORY, sample(1).descriptor)));
      assert.is(registry.seen.length, 30);
      // A second's worth of 20 comes at once, then one every 50 ms.
      for (const [i, { at }] of registry.seen.entries())
        assert.ok(at - started >= (i - 20) * 50 - 5, `${i}: ${at - started}`);
    },
    { requestsPerSecond: 20 },
  ),
);

test('a registry that was never reached is not tried again', async () => {
  const registry = await startFakeRegistry();
  const client = clientFor(registry, { retry: { attempts: 4, baseMs: 10_000, maxMs: 10_000 } });
  await registry.close();
  const started = performance.now();
  await failure(client.headManifest(REPOSITORY, '1.0'), 'REGISTRY_UNREACHABLE');
  assert.ok(performance.now() - started < 1000);
  await client.close();
});

test('an interruption ends a pause at once', async () => {
  const registry = await startFakeRegistry();
  const controller = new AbortController();
  const client = clientFor(registry, {
    signal: controller.signal,
    retry: { attempts: 4, baseMs: 60_000, maxMs: 60_000 },
  });
  registry.fault('HEAD', /./, status(429, '', { 'retry-after': '60' }), 9);
  setTimeout(() => controller.abort(), 50);
  await failure(client.headManifest(REPOSITORY, '1.0'), 'INTERRUPTED');
  await failure(client.headManifest(REPOSITORY, '1.0'), 'INTERRUPTED');
  await client.close();
  await registry.close();
});

test(
  'connections are used again',
  withRegistry({}, async ({ registry, client }) => {
    const ports = new Set<number | undefined>();
    registry.fault(
      'HEAD',
      /./,
      async ({ req }, proceed) => {
        ports.add(req.socket.remotePort);
        await proceed();
      },
      99,
    );
    for (let i = 0; i < 10; i++) await client.headManifest(REPOSITORY, `${i}`);
    for (let i = 0; i < 10; i++) await client.headBlob(REPOSITORY, sample(1).descriptor);
    assert.is(ports.size, 1);
  }),
);

test.run();
