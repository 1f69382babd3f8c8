import * as assert from 'uvu/assert';
import { proxyFor } from '../../src/registry/proxy.ts';
import { type FakeProxy, startFakeProxy } from '../support/fake-proxy.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { clientFor, collect, failure, sample } from './rig.ts';

const test = suite('proxy');

const through = (url: string, env: NodeJS.ProcessEnv): string | undefined =>
  proxyFor(new URL(url), env)?.url.host;

test('each scheme has its variable, in upper and lower case, and ALL_PROXY stands in', () => {
  const env = { HTTPS_PROXY: 'http://secure:1', http_proxy: 'plain:2', all_proxy: 'http://all:3' };
  assert.is(through('https://hub.company.com', env), 'secure:1');
  assert.is(through('http://hub.company.com', env), 'plain:2');
  assert.is(through('https://hub.company.com', { ALL_PROXY: 'http://all:3' }), 'all:3');
  assert.is(through('https://hub.company.com', { HTTP_PROXY: 'http://plain:2' }), undefined);
  assert.is(through('https://hub.company.com', { HTTPS_PROXY: 'up:1', https_proxy: 'low:1' }), 'up:1');
  assert.is(through('https://hub.company.com', { HTTPS_PROXY: '' }), undefined);
  assert.is(proxyFor(new URL('https://hub.company.com'), { https_proxy: 'p:1' })?.variable, 'https_proxy');
});

test('this machine is never asked through a proxy', () => {
  const env = { ALL_PROXY: 'http://proxy:3128' };
  for (const host of ['localhost:5000', '127.0.0.1:5000', '127.8.8.8', '[::1]:5000'])
    assert.is(through(`http://${host}`, env), undefined, host);
  assert.ok(through('http://10.0.0.5:5000', env));
});

for (const [list, straight, proxied] of [
  ['*', ['hub.company.com', '10.0.0.5'], []],
  [
    'company.com',
    ['company.com', 'hub.company.com', 'HUB.Company.com.'],
    ['mycompany.com', 'company.com.org'],
  ],
  ['.company.com', ['hub.company.com'], ['company.com']],
  ['*.company.com', ['hub.company.com'], ['company.com']],
  ['a.b, hub.company.com other', ['hub.company.com', 'other', 'a.b'], ['b.a']],
  ['hub.company.com:5000', ['hub.company.com:5000'], ['hub.company.com', 'hub.company.com:5001']],
  ['10.0.0.0/8', ['10.1.2.3', '10.1.2.3:5000'], ['11.1.2.3', 'ten.company.com']],
  ['10.0.0.5', ['10.0.0.5', '10.0.0.5:5000'], ['10.0.0.50', '210.0.0.5']],
  ['10.0.0.5:5000', ['10.0.0.5:5000'], ['10.0.0.5:5001']],
  ['fd00::/8', ['[fd00::7]:5000'], ['[fe80::1]', '10.0.0.5']],
  ['[fd00::7]:5000', ['[fd00::7]:5000'], ['[fd00::7]:5001']],
  ['10.0.0.0/99,/8,x/y', [], ['10.0.0.5', 'hub']],
] as const) {
  test(`NO_PROXY=${list}`, () => {
    for (const name of ['NO_PROXY', 'no_proxy']) {
      const env = { ALL_PROXY: 'http://proxy:3128', [name]: list };
      for (const host of straight) assert.is(through(`http://${host}/v2/`, env), undefined, host);
      for (const host of proxied) assert.is(through(`http://${host}/v2/`, env), 'proxy:3128', host);
    }
  });
}

test('a value that is no proxy is named by its variable, its password kept back', async () => {
  for (const value of ['socks5://me:secret@proxy:1080', 'http://', 'http://me:secret@:99999']) {
    const read = async () => proxyFor(new URL('https://hub'), { HTTPS_PROXY: value });
    const error = await failure(read(), 'USAGE');
    assert.match(error.message, 'HTTPS_PROXY');
    assert.not.match(error.message + error.suggestions.join(), 'secret');
  }
});

async function withProxy(
  proxy: FakeProxy,
  login: string,
  body: (client: ReturnType<typeof clientFor>, name: string) => Promise<void>,
): Promise<void> {
  const registry = await startFakeRegistry();
  const name = registry.address.replace('127.0.0.1', 'hub.company.com');
  const env = { HTTP_PROXY: `http://${login}${proxy.address}` };
  const client = clientFor(registry, { registry: name, env });
  try {
    await body(client, name);
  } finally {
    await client.close();
    await registry.close();
    await proxy.close();
  }
}

test('blobs pass a proxy both ways, with the login that its URL has', async () => {
  const proxy = await startFakeProxy({ login: 'us@er:pa:ss' });
  await withProxy(proxy, 'us%40er:pa%3Ass@', async (client, name) => {
    const blob = sample(300_000);
    assert.is((await client.putBlob('plant/app', blob)).how, 'moved');
    assert.equal(await collect(client.getBlob('plant/app', blob.descriptor)), blob.bytes);
    assert.is(proxy.seen[0], `HEAD http://${name}/v2/plant/app/blobs/${blob.descriptor.digest}`);
  });
});

test('a storage at a private address (RFC 1918) is fetched from where the registry says', async () => {
  const [proxy, registry, storage] = [
    await startFakeProxy(),
    await startFakeRegistry(),
    await startFakeRegistry(),
  ];
  const blob = sample(100_000);
  for (const { blobs } of [storage, registry])
    blobs.set('plant/app', new Map([[blob.descriptor.digest, blob.bytes]]));
  for (const host of ['10.0.0.5', '172.16.0.5', '192.168.0.5']) {
    registry.quirks.blobsAt = storage.origin.replace('127.0.0.1', host);
    const client = clientFor(registry, { env: { HTTP_PROXY: proxy.address } });
    assert.equal(await collect(client.getBlob('plant/app', blob.descriptor)), blob.bytes);
    assert.match(proxy.seen.at(-1) ?? '', `GET http://${host}`);
    await client.close();
  }
  await Promise.all([proxy.close(), registry.close(), storage.close()]);
});

test('Docker Hub is asked at its own endpoint', async () => {
  const proxy = await startFakeProxy({ refuse: 403 });
  const registry = await startFakeRegistry();
  const env = { HTTPS_PROXY: proxy.address };
  const client = clientFor(registry, { registry: 'docker.io', plainHttp: false, env });
  await failure(client.headManifest('library/nginx', 'latest'), 'REGISTRY_UNREACHABLE');
  assert.is(proxy.seen[0], 'CONNECT registry-1.docker.io:443');
  await Promise.all([client.close(), proxy.close(), registry.close()]);
});

test('a proxy that is not there is named, with the variable that names it', async () => {
  const proxy = await startFakeProxy();
  await proxy.close();
  const registry = await startFakeRegistry();
  const client = clientFor(registry, {
    registry: 'hub.company.com:5000',
    env: { http_proxy: `me:secret@${proxy.address}` },
  });
  const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_UNREACHABLE');
  assert.is(error.message, `the proxy ${proxy.address} refuses the connection`);
  assert.match(error.suggestions.join(), 'put hub.company.com into NO_PROXY');
  assert.match(error.suggestions.join(), 'http_proxy');
  assert.not.match(error.suggestions.join(), 'secret');
  await client.close();
  await registry.close();
});

test.run();
