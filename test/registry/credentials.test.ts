import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { findCredentials } from '../../src/registry/credentials.ts';
import { dockerConfigFile } from '../../src/registry/docker-config.ts';
import { suite } from '../support/suite.ts';
import { failure } from './rig.ts';

const test = suite('credentials');
let dir = '';
const path = process.env.PATH;

test.before(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-credentials-'));
  process.env.PATH = `${dir}:${path}`;
});
test.after(() => {
  process.env.PATH = path;
  rmSync(dir, { recursive: true });
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function find(registry: string, config: unknown, helperMs?: number) {
  const configFile = join(dir, 'config.json');
  writeFileSync(configFile, typeof config === 'string' ? config : JSON.stringify(config));
  return findCredentials(registry, { configFile, helperMs });
}

function helper(name: string, script: string): void {
  const file = join(dir, `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
}

const password = (username: string, secret: string) => ({ kind: 'password', username, password: secret });

test('the file is found through DOCKER_CONFIG, else in the home', () => {
  assert.is(dockerConfigFile({ DOCKER_CONFIG: '/etc/site' }), '/etc/site/config.json');
  assert.match(dockerConfigFile({}), /\/\.docker\/config\.json$/);
});

test('a login is read from auth, with colons in its password and Harbor robot names', async () => {
  const auths = { 'hub.company.com': { auth: base64('robot$plant+ci:pa:ss wörd\0') } };
  assert.equal(await find('hub.company.com', { auths }), password('robot$plant+ci', 'pa:ss wörd'));
});

test('a login is read from username and password, identity and registry tokens from theirs', async () => {
  const auths = {
    a: { username: 'u', password: 'p' },
    'b:5000': { auth: base64('u:'), identitytoken: 'refresh' },
    c: { registrytoken: 'bearer' },
    d: {},
  };
  assert.equal(await find('a', { auths }), password('u', 'p'));
  assert.equal(await find('b:5000', { auths }), { kind: 'identity', token: 'refresh' });
  assert.equal(await find('c', { auths }), { kind: 'bearer', token: 'bearer' });
  assert.is(await find('d', { auths }), undefined);
  assert.is(await find('e', { auths }), undefined);
});

test('keys that are URLs count for their host, the exact host comes first', async () => {
  const auths = { 'https://hub.company.com/v2/': { auth: base64('url:1') }, other: {} };
  assert.equal(await find('hub.company.com', { auths }), password('url', '1'));
  const both = { ...auths, 'hub.company.com': { auth: base64('host:2') } };
  assert.equal(await find('hub.company.com', { auths: both }), password('host', '2'));
  assert.is(await find('hub.company.com:5000', { auths: both }), undefined);
});

test('Docker Hub is found under all of its names', async () => {
  for (const key of ['https://index.docker.io/v1/', 'docker.io', 'registry-1.docker.io']) {
    const auths = { [key]: { auth: base64('hub:1') } };
    assert.equal(await find('docker.io', { auths }), password('hub', '1'), key);
  }
});

test('no file and an empty file mean no login', async () => {
  assert.is(await findCredentials('a', { configFile: join(dir, 'none.json') }), undefined);
  assert.is(await find('a', ''), undefined);
});

test('a damaged file is named, and nothing of it is quoted', async () => {
  const damaged = await failure(find('a', '{"auths": {"a": {"auth": "c2VjcmV0'), 'CREDENTIALS_INVALID');
  assert.match(damaged.message, join(dir, 'config.json'));
  assert.not.match(JSON.stringify(damaged.message), 'c2VjcmV0');
  await failure(find('a', '[]'), 'CREDENTIALS_INVALID');
  const noColon = await failure(
    find('a', { auths: { a: { auth: base64('nocolon') } } }),
    'CREDENTIALS_INVALID',
  );
  assert.match(noColon.suggestions.join(), 'registry login a');
});

test('a helper is asked through stdin and its answer taken', async () => {
  helper('works', 'read host; printf \'{"ServerURL":"%s","Username":"u-%s","Secret":"s"}\' "$host" "$host"');
  assert.equal(await find('hub', { credsStore: 'works' }), password('u-hub', 's'));
  assert.equal(
    await find('docker.io', { credsStore: 'works' }),
    password('u-https://index.docker.io/v1/', 's'),
  );
  helper('token', 'echo \'{"Username":"<token>","Secret":"refresh"}\'');
  const config = { credsStore: 'works', credHelpers: { hub: 'token' } };
  assert.equal(await find('hub', config), { kind: 'identity', token: 'refresh' });
});

test('a helper that knows no login leaves it to the file', async () => {
  helper('empty', 'echo "credentials not found in native keychain"; exit 1');
  assert.is(await find('hub', { credsStore: 'empty' }), undefined);
  const auths = { hub: { auth: base64('u:p') } };
  assert.equal(await find('hub', { credsStore: 'empty', auths }), password('u', 'p'));
});

test('a helper that is missing, fails, lies, floods or hangs is named', async () => {
  const missing = await failure(find('hub', { credsStore: 'nowhere' }), 'CREDENTIALS_INVALID');
  assert.match(missing.message, 'docker-credential-nowhere is not installed');
  helper('broken', 'echo "secret boom"; exit 3');
  const broken = await failure(find('hub', { credsStore: 'broken' }), 'CREDENTIALS_INVALID');
  assert.match(broken.message, 'failed with status 3');
  assert.not.match(broken.message, 'secret');
  helper('liar', 'echo "{}"');
  await failure(find('hub', { credsStore: 'liar' }), 'CREDENTIALS_INVALID');
  helper('flood', 'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done');
  assert.match(
    (await failure(find('hub', { credsStore: 'flood' }), 'CREDENTIALS_INVALID')).message,
    'without end',
  );
  helper('hangs', 'sleep 5');
  const hangs = await failure(find('hub', { credsStore: 'hangs' }, 200), 'CREDENTIALS_INVALID');
  assert.match(hangs.message, 'did not answer within 200 ms');
});

test('the name of a helper cannot lead elsewhere', async () => {
  for (const name of ['../../bin/sh', 'a/b', '-x', '', 7]) {
    if (name === '') assert.is(await find('hub', { credsStore: name }), undefined);
    else await failure(find('hub', { credsStore: name }), 'CREDENTIALS_INVALID');
  }
});

test.run();
