import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { airferry, ENTRY, type Ended } from './airferry.ts';

const test = suite('registry login');
const login = { username: 'robot$plant', password: 'pa:ss word-7' };
let dir = '';
let registry: FakeRegistry;

test.before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'airferry-login-'));
  registry = await startFakeRegistry({ auth: 'bearer', login });
});
test.after(async () => {
  await registry.close();
  rmSync(dir, { recursive: true });
});

const env = () => ({ DOCKER_CONFIG: dir, NO_COLOR: '1' });
const config = () => readFileSync(join(dir, 'config.json'), 'utf8');

/** Run with something on stdin. */
function fed(argv: string[], stdin: string): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [ENTRY, ...argv], {
      env: { PATH: process.env.PATH, HOME: dir, ...env() },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended: Ended = { status: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', text => {
      ended.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', text => {
      ended.stderr += text;
    });
    child.on('close', status => resolve({ ...ended, status }));
    child.stdin.end(stdin);
  });
}

const logIn = (password: string, ...more: string[]) =>
  fed(
    [
      'registry',
      'login',
      registry.address,
      '-u',
      login.username,
      '--password-stdin',
      '--plain-http',
      ...more,
    ],
    `${password}\n`,
  );

test('a login that the registry does not know is not kept', async () => {
  const { status, stderr } = await logIn('wrong');
  assert.is(status, 7);
  assert.match(stderr, 'does not accept the user name and password');
  assert.throws(config);
});

test('a login that it knows is kept, listed with, and forgotten', async () => {
  const { status, stdout, stderr } = await logIn(login.password);
  assert.is(status, 0, stderr);
  assert.match(stdout, `logged in to ${registry.address} as robot$plant`);
  assert.match(stderr, 'unencrypted');
  assert.not.match(stdout + stderr, login.password);
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  assert.equal(JSON.parse(config()), { auths: { [registry.address]: { auth } } });

  const listed = await airferry(['registry', 'list', registry.address, '--plain-http', '--json'], {
    env: env(),
  });
  assert.equal(JSON.parse(listed.stdout), { registry: registry.address, repositories: [], size: 0 });

  const out = await airferry(['registry', 'logout', registry.address], { env: env() });
  assert.is(out.status, 0);
  assert.match(out.stdout, 'logged out of');
  assert.equal(JSON.parse(config()), { auths: {} });
  const again = await airferry(['registry', 'logout', registry.address, '--json'], { env: env() });
  assert.is(JSON.parse(again.stdout).found, false);
  const denied = await airferry(['registry', 'list', registry.address, '--plain-http'], { env: env() });
  assert.match(denied.stderr, `airferry registry login ${registry.address}`);
});

test('a password in the arguments is refused, and told why without being told again', async () => {
  const refused = await airferry(['registry', 'login', 'hub', '-u', 'u', '--password', 'geheim'], {
    env: env(),
  });
  assert.is(refused.status, 2);
  assert.match(refused.stderr.replace(/\s+/g, ' '), 'every user of this machine sees it');
  assert.not.match(refused.stderr, 'geheim');
});

test('without a terminal the password has to come by other ways, and so has the user', async () => {
  const silent = await airferry(['registry', 'login', 'hub', '-u', 'u'], { env: env() });
  assert.is(silent.status, 2);
  assert.match(silent.stderr, 'AIRFERRY_REGISTRY_PASSWORD');
  const nameless = await airferry(['registry', 'login', 'hub', '--password-stdin'], { env: env() });
  assert.match(nameless.stderr, '-u USER');
  const empty = await airferry(['registry', 'login', 'hub', '-u', 'u', '--password-stdin'], { env: env() });
  assert.is(empty.status, 2);
  assert.match(empty.stderr, 'empty');
  const variable = { ...env(), AIRFERRY_REGISTRY_PASSWORD: login.password };
  const argv = ['registry', 'login', registry.address, '-u', login.username, '--plain-http', '--json'];
  assert.is(JSON.parse((await airferry(argv, { env: variable })).stdout).checked, true);
});

test.run();
