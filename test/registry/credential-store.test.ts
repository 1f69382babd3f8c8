import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { eraseCredentials, storeCredentials } from '../../src/registry/credential-store.ts';
import { findCredentials } from '../../src/registry/credentials.ts';
import { suite } from '../support/suite.ts';
import { failure } from './rig.ts';

const test = suite('credential store');
const LOGIN = { username: 'robot$plant+ci', password: 'pa:ss wörd' };
const FOUND = { kind: 'password', ...LOGIN };
const path = process.env.PATH;
let dir = '';
let configFile = '';

test.beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-store-'));
  configFile = join(dir, 'config.json');
  process.env.PATH = `${dir}:${path}`;
});
test.afterEach(() => {
  process.env.PATH = path;
  rmSync(dir, { recursive: true });
});

const write = (config: unknown): void => writeFileSync(configFile, JSON.stringify(config), { mode: 0o644 });
const read = () => JSON.parse(readFileSync(configFile, 'utf8'));
const find = (registry: string) => findCredentials(registry, { configFile });

/** A helper that keeps its logins in a file, one line for each. */
function helper(name: string): string {
  const kept = join(dir, `${name}.kept`);
  const file = join(dir, `docker-credential-${name}`);
  writeFileSync(
    file,
    `#!/bin/sh
case "$1" in
store) cat >> ${kept} ;;
erase) cat >> ${kept}.erased; rm -f ${kept} ;;
get) test -e ${kept} || { echo "credentials not found in native keychain"; exit 1; }; cat ${kept} ;;
esac\n`,
  );
  chmodSync(file, 0o755);
  return kept;
}

test('a login is kept in a new file that only its user can read', async () => {
  configFile = join(dir, 'new', 'config.json');
  assert.equal(await storeCredentials('hub:5000', LOGIN, { configFile }), { file: configFile });
  assert.is(statSync(configFile).mode & 0o777, 0o600);
  assert.is(statSync(join(dir, 'new')).mode & 0o777, 0o700);
  assert.equal(await find('hub:5000'), FOUND);
});

test('everything else in the file stays, in its order', async () => {
  const config = {
    HttpHeaders: { 'X-Meta': '1' },
    auths: { a: { auth: 'YTpi' }, hub: { auth: 'b2xkOm9sZA==' }, z: {} },
    psFormat: 'table',
    proxies: { default: { noProxy: '*.company.com' } },
  };
  write(config);
  await storeCredentials('hub', LOGIN, { configFile });
  const after = read();
  assert.equal(Object.keys(after), Object.keys(config));
  assert.equal(Object.keys(after.auths), ['a', 'hub', 'z']);
  assert.equal({ ...after, auths: 0 }, { ...config, auths: 0 });
  assert.equal(after.auths.a, config.auths.a);
  assert.equal(await find('hub'), FOUND);
  assert.is(statSync(configFile).mode & 0o777, 0o600);
});

test('a login under an older spelling of the name is replaced, not shadowed', async () => {
  write({ auths: { 'https://hub/v2/': { auth: 'b2xkOm9sZA==' } } });
  await storeCredentials('hub', LOGIN, { configFile });
  assert.equal(Object.keys(read().auths), ['hub']);
});

test('Docker Hub has the key that Docker gives it', async () => {
  await storeCredentials('docker.io', LOGIN, { configFile });
  assert.equal(Object.keys(read().auths), ['https://index.docker.io/v1/']);
  assert.equal(await find('docker.io'), FOUND);
});

test('a file that is a link stays one', async () => {
  const real = join(dir, 'real.json');
  writeFileSync(real, '{}');
  symlinkSync(real, configFile);
  await storeCredentials('hub', LOGIN, { configFile });
  assert.ok(lstatSync(configFile).isSymbolicLink());
  assert.equal(await find('hub'), FOUND);
});

for (const config of [{ credsStore: 'mine' }, { credHelpers: { hub: 'mine' }, credsStore: 'other' }]) {
  test(`the helper of ${Object.keys(config)[0]} keeps the secret, and the file does not have it`, async () => {
    const kept = helper('mine');
    write(config);
    assert.equal(await storeCredentials('hub', LOGIN, { configFile }), {
      file: configFile,
      helper: 'docker-credential-mine',
    });
    const { ServerURL, Username, Secret } = JSON.parse(readFileSync(kept, 'utf8'));
    assert.equal([ServerURL, Username, Secret], ['hub', LOGIN.username, LOGIN.password]);
    assert.equal(read(), { ...config, auths: { hub: {} } });
    assert.equal(await find('hub'), FOUND);
    assert.is((await eraseCredentials('hub', { configFile })).found, true);
    assert.is(readFileSync(`${kept}.erased`, 'utf8'), 'hub');
    assert.equal(read(), { ...config, auths: {} });
    assert.is((await eraseCredentials('hub', { configFile })).found, false);
  });
}

test('a helper that refuses leaves the file as it was, and the secret is not told', async () => {
  const file = join(dir, 'docker-credential-full');
  writeFileSync(file, '#!/bin/sh\ncat; exit 4\n');
  chmodSync(file, 0o755);
  write({ credsStore: 'full' });
  const error = await failure(storeCredentials('hub', LOGIN, { configFile }), 'CREDENTIALS_INVALID');
  assert.match(error.message, 'did not take the login (status 4)');
  assert.not.match(error.message, LOGIN.password);
  assert.equal(read(), { credsStore: 'full' });
});

test('a logout takes every spelling of the name, and nothing else', async () => {
  write({ auths: { hub: { auth: 'YTpi' }, 'https://hub': {}, 'hub:5000': { auth: 'YTpi' }, 'sub.hub': {} } });
  const gone = await eraseCredentials('hub', { configFile });
  assert.equal(gone, { file: configFile, found: true });
  assert.equal(Object.keys(read().auths), ['hub:5000', 'sub.hub']);
});

test('a logout where nothing is kept writes nothing', async () => {
  assert.equal(await eraseCredentials('hub', { configFile }), { file: configFile, found: false });
  assert.not(existsSync(configFile));
});

test('names that would spoil the file are refused', async () => {
  for (const username of ['', 'a:b'])
    await failure(storeCredentials('hub', { ...LOGIN, username }, { configFile }), 'CREDENTIALS_INVALID');
  writeFileSync(configFile, '{"auths": {');
  await failure(storeCredentials('hub', LOGIN, { configFile }), 'CREDENTIALS_INVALID');
  assert.is(readFileSync(configFile, 'utf8'), '{"auths": {');
});

test.run();
