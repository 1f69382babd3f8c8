import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { findEngine, type Surroundings } from '../../../src/engine/api/find.ts';
import { isAirferryError } from '../../../src/errors.ts';
import { suite } from '../../support/suite.ts';

const test = suite('engine/api/find');

function around(
  environment: Record<string, string>,
  files: Record<string, string> = {},
  places: string[] = ['/var/run/docker.sock'],
): Surroundings {
  const all = [...places, ...Object.keys(files)];
  return {
    environment,
    home: '/home/ops',
    read: path => files[path],
    exists: path => all.some(place => place === path || place.startsWith(`${path}/`)),
  };
}

const id = (name: string): string => createHash('sha256').update(name).digest('hex');
const meta = (name: string, docker: object, folder = '/home/ops/.docker'): Record<string, string> => ({
  [`${folder}/contexts/meta/${id(name)}/meta.json`]: JSON.stringify({ Name: name, Endpoints: { docker } }),
});

test('without a word it is the socket of this machine', () => {
  assert.equal(findEngine(around({})).address, { kind: 'unix', path: '/var/run/docker.sock' });
});

test('a rootless engine is found where there is no other', () => {
  const environment = { XDG_RUNTIME_DIR: '/run/user/1000' };
  const rootless = '/run/user/1000/docker.sock';
  const path = (places: string[]): unknown => findEngine(around(environment, {}, places)).address;
  assert.equal(path([rootless]), { kind: 'unix', path: rootless });
  assert.equal(path([rootless, '/var/run/docker.sock']), { kind: 'unix', path: '/var/run/docker.sock' });
  assert.equal(path([]), { kind: 'unix', path: '/var/run/docker.sock' });
});

test('DOCKER_HOST wins over every context', () => {
  const files = {
    '/home/ops/.docker/config.json': '{"currentContext":"plant"}',
    ...meta('plant', { Host: 'ssh://h2' }),
  };
  const found = findEngine(around({ DOCKER_HOST: 'ssh://ops@h1', DOCKER_CONTEXT: 'plant' }, files));
  assert.equal(found, { address: { kind: 'ssh', host: 'h1', user: 'ops' }, origin: 'DOCKER_HOST' });
});

test('DOCKER_TLS_VERIFY and DOCKER_CERT_PATH say how tcp is spoken', () => {
  const host = { DOCKER_HOST: 'tcp://h1:2376' };
  const tls = (environment: object): unknown =>
    (findEngine(around({ ...host, ...environment })).address as { tls?: unknown }).tls;
  assert.is(tls({}), undefined);
  assert.equal(tls({ DOCKER_TLS_VERIFY: '1' }), { folder: '/home/ops/.docker', verify: true });
  assert.equal(tls({ DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/c' }), { folder: '/c', verify: true });
  assert.equal(tls({ DOCKER_TLS: '1', DOCKER_CERT_PATH: '/c' }), { folder: '/c', verify: false });
});

test('the current context is read from config.json, and DOCKER_CONTEXT goes before it', () => {
  const files = {
    '/home/ops/.docker/config.json': '{"currentContext":"plant"}',
    ...meta('plant', { Host: 'ssh://ops@h2' }),
    ...meta('lab', { Host: 'unix:///lab.sock' }),
  };
  assert.equal(findEngine(around({}, files)), {
    address: { kind: 'ssh', host: 'h2', user: 'ops' },
    origin: 'the context "plant"',
  });
  assert.equal(findEngine(around({ DOCKER_CONTEXT: 'lab' }, files)).address, {
    kind: 'unix',
    path: '/lab.sock',
  });
  assert.is(findEngine(around({ DOCKER_CONTEXT: 'default' }, files)).origin, 'the socket of this machine');
});

test('DOCKER_CONFIG moves the contexts, and a context brings its certificates', () => {
  const folder = `/conf/contexts/tls/${id('t')}/docker`;
  const files = { ...meta('t', { Host: 'tcp://h3:2376' }, '/conf'), [`${folder}/ca.pem`]: 'x' };
  const { address } = findEngine(around({ DOCKER_CONFIG: '/conf', DOCKER_CONTEXT: 't' }, files));
  assert.equal(address, { kind: 'tcp', host: 'h3', port: 2376, tls: { folder, verify: true } });
  const skips = meta('s', { Host: 'tcp://h3:2376', SkipTLSVerify: true }, '/conf');
  const other = findEngine(around({ DOCKER_CONFIG: '/conf', DOCKER_CONTEXT: 's' }, skips)).address;
  assert.is((other as { tls?: { verify: boolean } }).tls?.verify, false);
});

for (const [what, files] of [
  ['is not there', {}],
  ['names no engine', meta('plant', { Host: '' })],
] as const) {
  test(`a context that ${what} is named`, () => {
    try {
      findEngine(around({ DOCKER_CONTEXT: 'plant' }, files));
      assert.unreachable();
    } catch (error) {
      assert.ok(isAirferryError(error, 'USAGE'), String(error));
      assert.match((error as Error).message, `the Docker context "plant" ${what}`);
    }
  });
}

test('a config.json that is no JSON is named, unless DOCKER_HOST makes it needless', () => {
  const files = { '/home/ops/.docker/config.json': '{' };
  assert.is(findEngine(around({ DOCKER_HOST: 'unix:///x' }, files)).origin, 'DOCKER_HOST');
  try {
    findEngine(around({}, files));
    assert.unreachable();
  } catch (error) {
    assert.ok(isAirferryError(error, 'FILE_UNREADABLE'));
  }
});

test.run();
