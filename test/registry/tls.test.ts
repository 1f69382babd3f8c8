import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCerts } from '../../src/registry/certs.ts';
import type { RegistryClientOptions } from '../../src/registry/client.ts';
import { startFakeProxy } from '../support/fake-proxy.ts';
import { type FakeRegistry, startFakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { clientFor, collect, failure, NOWHERE, sample } from './rig.ts';

const test = suite('tls');
let dir = '';
const file = (name: string): string => join(dir, name);

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** A certificate `NAME.crt` and `NAME.key` of the test CA. */
function certificate(name: string, san: string, ...dates: string[]): void {
  writeFileSync(file(`${name}.ext`), `subjectAltName=${san}\n`);
  openssl('req', ...KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
  const sign = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${name}.ext`];
  openssl('x509', '-req', '-in', `${name}.csr`, ...sign, '-out', `${name}.crt`, ...dates);
}

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-tls-'));
  openssl(
    'req',
    '-x509',
    ...KEY,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-subj',
    '/CN=Test CA',
    '-days',
    '2',
  );
  certificate('server', 'IP:127.0.0.1,DNS:localhost', '-days', '2');
  certificate('other', 'DNS:hub.company.com', '-days', '2');
  certificate('expired', 'IP:127.0.0.1', '-days', '-1');
  certificate('client', 'DNS:client', '-days', '2');
});
test.after(() => rmSync(dir, { recursive: true }));

async function withTls(
  name: string,
  options: Partial<RegistryClientOptions>,
  body: (client: ReturnType<typeof clientFor>, registry: FakeRegistry) => Promise<void>,
  server: { ca?: Buffer; requestCert?: boolean } = {},
): Promise<void> {
  const tls = { key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.crt`)), ...server };
  const registry = await startFakeRegistry({}, tls);
  const client = clientFor(registry, options);
  try {
    await body(client, registry);
  } finally {
    await client.close();
    await registry.close();
  }
}

test('a private CA given by file is trusted, and blobs pass both ways', async () => {
  await withTls('server', { caFile: file('ca.crt') }, async client => {
    const blob = sample(3_000_000, 1024 * 1024);
    assert.is((await client.putBlob('plant/app', blob)).how, 'moved');
    assert.equal(await collect(client.getBlob('plant/app', blob.descriptor)), blob.bytes);
  });
});

test('a private CA in certs.d is found under host and port', async () => {
  await withTls('server', { certsDir: file('certs.d') }, async (client, registry) => {
    mkdirSync(file(`certs.d/${registry.address}`), { recursive: true });
    cpSync(file('ca.crt'), file(`certs.d/${registry.address}/ca.crt`));
    assert.is(await client.headManifest('plant/app', '1.0'), undefined);
  });
});

test('an unknown CA is told with where to put it', async () => {
  await withTls('server', {}, async (client, registry) => {
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_TLS');
    assert.match(error.message, 'signed by a CA that is not trusted here');
    assert.match(
      error.suggestions.join(),
      `--ca FILE, or put it at /etc/docker/certs.d/${registry.address}/ca.crt`,
    );
    assert.is(registry.seen.length, 0);
  });
});

test('a certificate for another name, and one that has expired, are told apart', async () => {
  await withTls('other', { caFile: file('ca.crt') }, async client => {
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_TLS');
    assert.match(error.message, 'made for another name');
  });
  await withTls('expired', { caFile: file('ca.crt') }, async client => {
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_TLS');
    assert.match(error.message, 'has expired');
  });
});

test('a client certificate in certs.d is shown to its registry', async () => {
  const server = { ca: readFileSync(file('ca.crt')), requestCert: true };
  await withTls(
    'server',
    { certsDir: file('mutual') },
    async (client, registry) => {
      const folder = file(`mutual/${registry.address}`);
      mkdirSync(folder, { recursive: true });
      cpSync(file('ca.crt'), join(folder, 'ca.crt'));
      cpSync(file('client.crt'), join(folder, 'client.cert'));
      cpSync(file('client.key'), join(folder, 'client.key'));
      assert.is(await client.headManifest('plant/app', '1.0'), undefined);
    },
    server,
  );
});

test('a registry that wants a client certificate and gets none is told as that', async () => {
  const server = { ca: readFileSync(file('ca.crt')), requestCert: true };
  await withTls(
    'server',
    { caFile: file('ca.crt') },
    async client => {
      const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_TLS');
      assert.match(error.suggestions.join(), 'client.cert');
    },
    server,
  );
});

test('a registry that speaks plain HTTP is told with the flag', async () => {
  const registry = await startFakeRegistry();
  const client = clientFor(registry, { plainHttp: false });
  const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_TLS');
  assert.is(error.message, `${registry.address} speaks plain HTTP, not HTTPS`);
  assert.match(error.suggestions.join(), '--plain-http');
  await client.close();
  await registry.close();
});

test('nothing goes from HTTPS down to plain HTTP, by redirect or by Location', async () => {
  await withTls('server', { caFile: file('ca.crt') }, async (client, registry) => {
    const blob = sample(10);
    registry.fault('GET', /blobs/, status(307, '', { location: 'http://10.0.0.5/bucket' }));
    const error = await failure(collect(client.getBlob('plant/app', blob.descriptor)), 'REGISTRY_PROTOCOL');
    assert.match(error.message, 'down to plain HTTP at 10.0.0.5');
    registry.quirks.location = path => `http://10.0.0.5${path}`;
    await failure(client.putBlob('plant/app', blob), 'REGISTRY_PROTOCOL');
  });
});

test('a registry behind a proxy that calls itself http:// in Location is spoken to by HTTPS', async () => {
  await withTls('server', { caFile: file('ca.crt') }, async (client, registry) => {
    registry.quirks.location = path => `http://${registry.address}${path}?_state=x`;
    assert.is((await client.putBlob('plant/app', sample(10))).how, 'moved');
  });
});

test('TLS passes a proxy by CONNECT, and the certificate is still checked', async () => {
  const proxy = await startFakeProxy({ login: 'me:secret' });
  const env = { HTTPS_PROXY: `http://me:secret@${proxy.address}` };
  for (const name of ['other', 'server']) {
    const tls = { key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.crt`)) };
    const registry = await startFakeRegistry({ location: 'relative' }, tls);
    const named = registry.address.replace('127.0.0.1', 'hub.company.com');
    const options = { registry: named, env, caFile: file('ca.crt'), limits: { connectMs: 1500 } };
    const client = clientFor(registry, options);
    const blob = sample(3_000_000);
    const put = () => client.putBlob('plant/app', blob);
    if (name === 'server')
      assert.match((await failure(put(), 'REGISTRY_TLS')).message, 'made for another name');
    else {
      assert.is((await put()).how, 'moved');
      // The time to connect is over by now: it must not strike a connection that stands.
      await new Promise(resolve => setTimeout(resolve, 1600));
      assert.is((await put()).how, 'present');
      assert.is(proxy.seen.length, 1, 'one connection for all');
    }
    assert.is(proxy.seen.at(-1), `CONNECT ${named}`);
    await client.close();
    await registry.close();
  }
  await proxy.close();
});

for (const [login, refuse, message] of [
  ['me:secret', undefined, 'wants a login'],
  [undefined, 403, 'does not let requests to hub.company.com:5000 pass (status 403)'],
] as const) {
  test(`a proxy that ${message.split(' (')[0]} is told apart from the registry`, async () => {
    const [proxy, registry] = [await startFakeProxy({ login, refuse }), await startFakeRegistry()];
    const client = clientFor(registry, {
      registry: 'hub.company.com:5000',
      plainHttp: false,
      env: { HTTPS_PROXY: proxy.address },
    });
    const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_UNREACHABLE');
    assert.is(error.message, `the proxy ${proxy.address} ${message}`);
    assert.match(error.suggestions.join(), 'NO_PROXY');
    await Promise.all([client.close(), registry.close(), proxy.close()]);
  });
}

test('a proxy that takes the connection and then says nothing is given up', async () => {
  const [proxy, registry] = [await startFakeProxy(), await startFakeRegistry()];
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await new Promise(resolve => silent.once('listening', resolve));
  const { port } = silent.address() as AddressInfo;
  const client = clientFor(registry, {
    registry: `hub.company.com:${port}`,
    plainHttp: false,
    env: { HTTPS_PROXY: proxy.address },
    limits: { connectMs: 200 },
  });
  const error = await failure(client.headManifest('plant/app', '1.0'), 'REGISTRY_UNREACHABLE');
  assert.match(error.message, 'gave no connection to hub.company.com');
  silent.close();
  await Promise.all([client.close(), registry.close(), proxy.close()]);
});

test('certificates that are missing, no certificates, or without their key are named', async () => {
  await failure(readCerts('hub', { caFile: file('none.crt'), certsDir: NOWHERE }), 'FILE_NOT_FOUND');
  writeFileSync(file('noise.crt'), 'no certificate');
  const noise = await failure(
    readCerts('hub', { caFile: file('noise.crt'), certsDir: NOWHERE }),
    'REGISTRY_TLS',
  );
  assert.is(noise.where.file, file('noise.crt'));
  mkdirSync(file('half/hub'), { recursive: true });
  cpSync(file('client.crt'), file('half/hub/client.cert'));
  const half = await failure(readCerts('hub', { certsDir: file('half') }), 'REGISTRY_TLS');
  assert.match(half.suggestions.join(), file('half/hub/client.key'));
  assert.equal(await readCerts('hub', { certsDir: NOWHERE }), { cas: [], clients: [] });
});

test.run();
