import { createServer } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import type { Shell } from '../../src/host/shell.ts';
import { askAt, askEngineNow, parseEngineNow } from '../../src/phases/engine-now.ts';
import { siteImages } from '../support/archives.ts';
import { fakeEngine } from '../support/fake-engine.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('engine now');

const INFO = JSON.stringify({
  ServerVersion: '26.1.5',
  DockerRootDir: '/data/docker',
  Driver: 'overlayfs',
  DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
  ContainersRunning: 2,
  Warnings: null,
});
const ID = `sha256:${'0'.repeat(64)}`;
const PRINTED = `info=${INFO}
image=${ID} nginx:1.25
image=sha256:${'1'.repeat(64)} <none>:<none>
`;

/** A host whose socket is reached by `dial`, and whose command line prints `printed`. */
function host(dial: () => Promise<Duplex>, printed = PRINTED): { shell: Shell; commands: string[] } {
  const commands: string[] = [];
  const run = async (script: string): Promise<{ stdout: string }> => {
    commands.push(script);
    return { stdout: printed };
  };
  return { shell: { run, connection: { openSocket: dial } } as unknown as Shell, commands };
}

function dialTo(path: string): () => Promise<Duplex> {
  return async () => connect(path);
}

/** Whoever listens at a socket and is not all that an engine should be. */
async function stranger(
  answers: Record<string, { status?: number; server?: string; body: string }>,
): Promise<{ dial: () => Promise<Duplex>; close: () => void }> {
  const path = join(scratch(), 'docker.sock');
  const server = createServer((req, res) => {
    const {
      status = 200,
      server: name = 'Docker/26.1.5 (linux)',
      body,
    } = answers[req.url ?? ''] ?? {
      status: 404,
      body: '{"message":"page not found"}',
    };
    res.writeHead(status, { server: name }).end(body);
  });
  await new Promise<void>(done => server.listen(path, done));
  return {
    dial: dialTo(path),
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('an engine is asked at its socket, and its command line is left alone', async () => {
  const engine = await fakeEngine(await siteImages(), '20');
  const { shell, commands } = host(dialTo(engine.address.slice('unix://'.length)));
  const now = await askEngineNow(shell);
  engine.close();
  assert.is(now.engine?.version, '20.10.24');
  assert.ok(engine.names.size > 1);
  assert.equal([...now.images].sort(), [...engine.names].sort());
  assert.equal(commands, []);
  assert.equal(
    engine.seen.map(({ method, path }) => `${method} ${path}`),
    ['GET /info', 'GET /images/json'],
  );
});

test('where the socket is not to be had, the command line is asked', async () => {
  const { shell, commands } = host(() =>
    Promise.reject(new AirferryError('HOST_COMMAND_FAILED', 'open failed')),
  );
  const now = await askEngineNow(shell);
  assert.is(commands.length, 1);
  assert.is(now.engine?.containerdStore, true);
  assert.is(now.engine?.containers.running, 2);
  assert.equal([...now.images], [['nginx:1.25', ID]]);
});

test('what is no answer of a Docker engine leaves the word to the command line', async () => {
  const list = { body: '[]' };
  const odd: Parameters<typeof stranger>[0][] = [
    { '/info': { server: 'Libpod/4.3.1 (linux)', body: INFO }, '/images/json': list },
    { '/info': { body: '<html>' }, '/images/json': list },
    { '/info': { body: '{"ServerVersion":""}' }, '/images/json': list },
    { '/info': { status: 500, body: INFO }, '/images/json': list },
    { '/info': { body: INFO }, '/images/json': { body: '{"images":[]}' } },
    { '/info': { body: INFO }, '/images/json': { body: '[' } },
    { '/info': { body: INFO } },
    { '/info': { body: ' '.repeat(17 * 1024 * 1024) + INFO }, '/images/json': list },
  ];
  for (const answers of odd) {
    const { dial, close } = await stranger(answers);
    const { shell, commands } = host(dial);
    const { images } = await askEngineNow(shell);
    close();
    assert.is(commands.length, 1, JSON.stringify(answers).slice(0, 200));
    assert.is(images.size, 1);
  }
});

test('an engine that is silent is given up, and is not waited for a second time', async () => {
  const path = join(scratch(), 'docker.sock');
  const server = createServer(() => undefined);
  await new Promise<void>(done => server.listen(path, done));
  const patience = AbortSignal.timeout(50);
  const error = await askAt(dialTo(path), patience).catch((thrown: unknown) => thrown);
  assert.instance(error, AirferryError);
  assert.ok(patience.aborted);
  server.closeAllConnections();
  server.close();
});

test('an info that is no answer of a server is no engine', () => {
  assert.equal(parseEngineNow('info={"ServerErrors":["Cannot connect"]}\n'), {
    engine: undefined,
    images: new Map(),
  });
  assert.equal(parseEngineNow(''), { engine: undefined, images: new Map() });
});

test.run();
