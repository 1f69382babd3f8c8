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
