/** The registry client against Debian's distribution 2.8 on loopback, open, with htpasswd, and with tokens over TLS. */
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { layerMediaType, OCI_CONFIG, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { parseReference } from '../../src/content/reference.ts';
import { RegistryClient, type RegistryClientOptions } from '../../src/registry/client.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import { collect, failure, manifestOver, NOWHERE, type Sample, sample } from '../registry/rig.ts';
import { type Distribution, Distributions, LOGIN } from '../support/distribution.ts';
import { suite } from '../support/suite.ts';

const test = suite('registry of distribution 2.8', { timeout: 60_000 });
const run = promisify(execFile);

const registries = new Distributions();
const { dir } = registries;

test.after(() => registries.end());

function clientFor(real: Distribution, options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return new RegistryClient({
    registry: real.address,
    plainHttp: real.caFile === undefined,
    caFile: real.caFile,
    configFile: `${NOWHERE}/config.json`,
    uploadsDir: false,
    access: 'push',
    ...options,
  });
}

/** An image whose layers are a gzip file and bytes of unknown digest; skopeo is content with its form. */
function image(): { config: Sample; layer: Sample; stream: Sample } {
  const [layer, stream] = [sample(1_500_000, 1024 * 1024), sample(900_000)].map(raw => {
    const bytes = gzipSync(raw.bytes);
    const descriptor = { mediaType: layerMediaType('gzip'), digest: digestOf(bytes), size: bytes.length };
    const made: Sample = {
      ...raw,
      bytes,
      descriptor,
      async *open() {
        yield* [bytes.subarray(0, 100_000), bytes.subarray(100_000)];
      },
    };
    return { made, diffId: raw.descriptor.digest };
  }) as [{ made: Sample; diffId: string }, { made: Sample; diffId: string }];
  const rootfs = { type: 'layers', diff_ids: [layer.diffId, stream.diffId] };
  const bytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs }));
  const config: Sample = {
    bytes,
    opened: 0,
    descriptor: { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length },
    async *open() {
      yield bytes;
    },
  };
  return { config, layer: layer.made, stream: stream.made };
}

for (const auth of ['open', 'htpasswd', 'token'] as const) {
  test(`an image goes in, is mounted elsewhere, and skopeo reads it back: ${auth}`, async () => {
    const real = await registries.start(auth);
    const credentials = auth === 'open' ? undefined : ({ kind: 'password', ...LOGIN } as const);
    const client = clientFor(real, { credentials });
    const target = registryTarget(client);
    const { config, layer, stream } = image();
    const manifest = manifestOver([config, layer, stream]);
    const { bytes } = manifest;
    for (const [path, moved] of [
      ['plant/app:1.0', ['moved', 'moved', 'moved']],
      ['plant/deep/er/app:2.0', ['mounted', 'mounted', 'mounted']],
      ['plant/app:3.0', ['present', 'present', 'present']],
    ] as const) {
      const name = parseReference(`${real.address}/${path}`);
      assert.not(await target.holds(name, manifest.descriptor));
      const unnamed = { mediaType: layerMediaType('gzip'), open: stream.open };
      const first = path === 'plant/app:1.0' ? unnamed : stream;
      const results = [
        await target.putBlob(layer, name),
        await target.putBlob(first, name),
        await target.putBlob(config, name),
      ];
      assert.equal(
        results.map(({ descriptor }) => descriptor),
        manifestParts(bytes),
      );
      assert.equal(
        results.map(({ how }) => how),
        moved,
      );
      await target.putManifest(manifest, name);
      assert.ok(await target.holds(name, manifest.descriptor));
      // Tokens last two seconds: some of them run out on the way.
      if (auth === 'token') await new Promise(resolve => setTimeout(resolve, 1200));
    }
    assert.equal((await client.listTags('plant/app')).sort(), ['1.0', '3.0']);
    assert.equal(Buffer.from((await client.getManifest('plant/app', '1.0')).bytes), bytes);
    assert.equal(await collect(client.getBlob('plant/app', stream.descriptor)), stream.bytes);
    await client.putBlob('plant/app', sample(0));

    const authFile = join(dir, `${auth}.json`);
    const secret = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString('base64');
    writeFileSync(
      authFile,
      JSON.stringify({ auths: auth === 'open' ? {} : { [real.address]: { auth: secret } } }),
    );
    const shared = ['--authfile', authFile, '--tls-verify=false'];
    const url = `docker://${real.address}/plant/deep/er/app:2.0`;
    const inspected = JSON.parse((await run('skopeo', ['inspect', ...shared, url])).stdout);
    assert.is(inspected.Digest, manifest.descriptor.digest);
    const copy = [
      'copy',
      '-q',
      '--authfile',
      authFile,
      '--src-tls-verify=false',
      url,
      `oci:${join(dir, auth)}:x`,
    ];
    await run('skopeo', copy);
    await client.close();
    await real.stop();
  });
}

function manifestParts(bytes: Buffer): unknown[] {
  const { config, layers } = JSON.parse(bytes.toString());
  return [...layers, config];
}

test('a registry that dies in the middle of uploads and comes back gets all of them', async () => {
  const real = await registries.start();
  const client = clientFor(real, { retry: { attempts: 20, baseMs: 100, maxMs: 400 } });
  await client.headManifest('plant/app', '1.0');
  const blobs = Array.from({ length: 4 }, () => sample(20_000_000, 1024 * 1024));
  let passed = 0;
  let killed: Promise<void> | undefined;
  const watched = blobs.map((blob, i) => {
    const open = async function* () {
      for await (const chunk of blob.open()) {
        passed += chunk.length;
        if (passed > 30_000_000) killed ??= real.stop().then(() => real.restart());
        await killed;
        yield chunk;
      }
    };
    return i % 2 ? { descriptor: blob.descriptor, open } : { mediaType: 'application/octet-stream', open };
  });
  const results = await Promise.all(watched.map(source => client.putBlob('plant/app', source)));
  assert.ok(killed && blobs.some(({ opened }) => opened > 1), 'something was sent twice');
  for (const [i, { descriptor }] of results.entries()) {
    assert.is(descriptor.digest, blobs[i]?.descriptor.digest);
    assert.equal(await collect(client.getBlob('plant/app', descriptor)), blobs[i]?.bytes);
  }
  await client.close();
  await real.stop();
});

test('Ctrl-C in the middle of a large blob, and again: the next run brings it to its end', async () => {
  const real = await registries.start('htpasswd');
  const credentials = { kind: 'password', ...LOGIN } as const;
  const chunks = { from: 1_000_000, chunk: 8_000_000 };
  const shared = { credentials, chunks, uploadsDir: join(dir, 'uploads') };
  const blob = sample(30_000_000, 1024 * 1024);
  for (const after of [3_000_000, 20_000_000]) {
    const controller = new AbortController();
    const client = clientFor(real, { ...shared, signal: controller.signal });
    let passed = 0;
    const open = async function* () {
      for await (const chunk of blob.open()) {
        passed += chunk.length;
        if (passed > after) controller.abort();
        yield chunk;
      }
    };
    await failure(client.putBlob('plant/app', { descriptor: blob.descriptor, open }), 'INTERRUPTED');
    await client.close();
    assert.is(readdirSync(join(dir, 'uploads')).length, 1);
  }
  const client = clientFor(real, shared);
  assert.is((await client.putBlob('plant/app', blob)).how, 'moved');
  assert.equal(await collect(client.getBlob('plant/app', blob.descriptor)), blob.bytes);
  assert.is((await client.putBlob('plant/app', blob)).how, 'present');
  assert.is(readdirSync(join(dir, 'uploads')).length, 0);
  await client.close();
  await real.stop();
});

test('two pushes of the same blobs at once, large ones among them, both end well', async () => {
  const real = await registries.start('token');
  const credentials = { kind: 'password', ...LOGIN } as const;
  const shared = {
    credentials,
    chunks: { from: 1_000_000, chunk: 2_000_000 },
    uploadsDir: join(dir, 'at-once'),
  };
  const [reader, clients] = [clientFor(real, shared), [clientFor(real, shared), clientFor(real, shared)]];
  const blobs = [...Array.from({ length: 8 }, (_, i) => sample(50_000 * (i + 1))), sample(9_000_000)];
  await Promise.all(clients.flatMap(client => blobs.map(blob => client.putBlob('plant/app', blob))));
  for (const { descriptor, bytes } of blobs)
    assert.equal(await collect(reader.getBlob('plant/app', descriptor)), bytes);
  assert.is(readdirSync(join(dir, 'at-once')).length, 0);
  await Promise.all([...[reader, ...clients].map(client => client.close()), real.stop()]);
});

test('a push that takes longer than its tokens live goes through without a byte sent twice', async () => {
  const real = await registries.start('token');
  const credentials = { kind: 'password', ...LOGIN } as const;
  const chunks = { from: 1_000_000, chunk: 1_000_000 };
  const client = clientFor(real, { credentials, chunks, uploadsDir: false });
  const blob = sample(6_000_000, 500_000);
  let opened = 0;
  const open = async function* () {
    opened++;
    for await (const chunk of blob.open()) {
      await new Promise(resolve => setTimeout(resolve, 450));
      yield chunk;
    }
  };
  assert.is((await client.putBlob('plant/app', { descriptor: blob.descriptor, open })).how, 'moved');
  assert.is(opened, 1);
  assert.equal(await collect(client.getBlob('plant/app', blob.descriptor)), blob.bytes);
  await client.close();
  await real.stop();
});

test('a signature is found through the fallback tag that the registry has no other way for', async () => {
  const real = await registries.start();
  const client = clientFor(real);
  const { config, layer } = image();
  for (const blob of [config, layer]) await client.putBlob('plant/app', blob);
  const document = { schemaVersion: 2, mediaType: OCI_MANIFEST, config: config.descriptor };
  const bytes = Buffer.from(JSON.stringify({ ...document, layers: [layer.descriptor] }));
  const digest = await client.putManifest('plant/app', '1.0', OCI_MANIFEST, bytes);
  const subject = { mediaType: OCI_MANIFEST, digest, size: bytes.length };
  const signatures = ['one', 'two'].map(note =>
    Buffer.from(JSON.stringify({ ...document, layers: [], annotations: { note }, subject })),
  );
  for (const signature of signatures)
    await client.putManifest('plant/app', digestOf(signature), OCI_MANIFEST, signature);
  const found = await client.referrers('plant/app', digest);
  assert.equal(
    found.map(({ annotations }) => annotations?.note),
    ['one', 'two'],
  );
  assert.equal((await client.listTags('plant/app')).sort(), ['1.0', digest.replace(':', '-')]);
  assert.equal(await Array.fromAsync(client.listRepositories()), ['plant/app']);
  await client.close();
  await real.stop();
});

test('a login is tried before it is kept', async () => {
  for (const auth of ['open', 'htpasswd', 'token'] as const) {
    const real = await registries.start(auth);
    const good = clientFor(real, { credentials: { kind: 'password', ...LOGIN } });
    assert.equal(await good.checkLogin(), { wanted: auth !== 'open' });
    const wrong = { kind: 'password', username: LOGIN.username, password: 'wrong' } as const;
    const bad = clientFor(real, { credentials: wrong });
    if (auth !== 'open') await failure(bad.checkLogin(), 'REGISTRY_UNAUTHORIZED');
    await Promise.all([good.close(), bad.close(), real.stop()]);
  }
});

test('missing and wrong logins are told apart by a real registry, too', async () => {
  for (const auth of ['htpasswd', 'token'] as const) {
    const real = await registries.start(auth);
    const anonymous = clientFor(real);
    const none = await failure(anonymous.putBlob('plant/app', sample(10)), 'REGISTRY_UNAUTHORIZED');
    assert.match(none.message, 'holds none');
    const credentials = { kind: 'password', username: LOGIN.username, password: 'wrong' } as const;
    const mistaken = clientFor(real, { credentials });
    const wrong = await failure(mistaken.putBlob('plant/app', sample(10)), 'REGISTRY_UNAUTHORIZED');
    assert.match(wrong.message, 'does not accept');
    await Promise.all([anonymous.close(), mistaken.close(), real.stop()]);
  }
});

test('plain HTTP and HTTPS taken for each other are told', async () => {
  const [open, secure] = [await registries.start(), await registries.start('token')];
  const clients = [
    clientFor(open, { plainHttp: false }),
    clientFor(secure, { plainHttp: true }),
    clientFor({ ...secure, caFile: '' }, { plainHttp: false, caFile: undefined }),
  ];
  const [toPlain, toSecure, untrusting] = await Promise.all(
    clients.map(client => failure(client.getManifest('plant/app', '1.0'), 'REGISTRY_TLS')),
  );
  assert.match(toPlain?.suggestions.join() ?? '', 'Add --plain-http');
  assert.match(toSecure?.suggestions.join() ?? '', 'Leave out --plain-http');
  assert.match(untrusting?.suggestions.join() ?? '', '--ca FILE');
  await Promise.all([...clients.map(client => client.close()), open.stop(), secure.stop()]);
});

test.run();
