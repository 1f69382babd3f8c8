import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Lifeline } from '../../src/actions/lifeline.ts';
import { AirferryError } from '../../src/errors.ts';
import { openHost } from '../../src/host/open.ts';
import type { RestorableConnection } from '../../src/host/reconnect.ts';
import { Shell } from '../../src/host/shell.ts';
import { uploadBlob } from '../../src/host/transfer.ts';
import { suite } from '../support/suite.ts';
import { type Door, door } from './door.ts';
import { failure } from './site.ts';

const test = suite('host/reconnect', { timeout: 30_000 });

function open({ target, knownHosts }: Door): Promise<RestorableConnection> {
  return openHost(target, { knownHosts: { files: [knownHosts], acceptNew: false }, connectTimeoutMs: 2_000 });
}

async function lose(connection: RestorableConnection, at: Door): Promise<AirferryError> {
  const running = failure(connection.exec('sleep 5'), 'HOST_CONNECTION_LOST');
  await new Promise(done => setTimeout(done, 50));
  at.server.cut();
  return running;
}

test('a connection that was lost is made anew, and is the same to whoever holds it', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await open(at);
  const lost = await lose(connection, at);
  await failure(connection.exec(':'), 'HOST_CONNECTION_LOST');
  let attempts = 0;
  await connection.restore(lost, { withinMs: 5_000, onAttempt: () => attempts++ });
  assert.is(attempts, 1);
  assert.is((await connection.exec('echo there')).stdout.toString(), 'there\n');
  assert.is(server.connections, 2);
});

test('a host that does not come back is given up after its time, with the first error and the last', async () => {
  const at = await door();
  const connection = await open(at);
  const lost = await lose(connection, at);
  await at.server.close();
  const started = performance.now();
  const error = await failure(connection.restore(lost, { withinMs: 1_500 }), 'HOST_CONNECTION_LOST');
  assert.ok(performance.now() - started < 4_000);
  assert.match(error.message, /was not back within 2 s \(.*refuses connections/);
  const off = await failure(connection.restore(lost, { withinMs: 0 }), 'HOST_CONNECTION_LOST');
  assert.is(off, lost, 'without any time it is the loss itself');
});

test('what will not pass is told at once: a login that is refused now', async () => {
  const at = await door();
  await using server = at.server;
  const connection = await open(at);
  const lost = await lose(connection, at);
  server.faults = { refuseLogin: true };
  await failure(connection.restore(lost, { withinMs: 20_000 }), 'HOST_AUTH_FAILED');
});

test('an interruption ends the waiting', async () => {
  const at = await door();
  const connection = await open(at);
  const lost = await lose(connection, at);
  await at.server.close();
  const stop = new AbortController();
  setTimeout(() => stop.abort(new AirferryError('INTERRUPTED', 'stop')), 100);
  const error = await connection
    .restore(lost, { withinMs: 20_000, signal: stop.signal })
    .catch(thrown => thrown);
  assert.is(error.code, 'INTERRUPTED');
});

test('a step in which the link breaks begins again, and its upload goes on from the byte where it stopped', async () => {
  const at = await door({ faults: { dropAfterStdin: 3_000_000 } });
  await using server = at.server;
  await using connection = await open(at);
  const shell = new Shell(connection);
  const content = Buffer.alloc(8_000_000, 'ferry ');
  const starts: number[] = [];
  const blob = {
    digest: `sha256:${createHash('sha256').update(content).digest('hex')}`,
    size: content.length,
    async *open(offset: number) {
      starts.push(offset);
      for (let i = offset; i < content.length; i += 65_536) yield content.subarray(i, i + 65_536);
    },
  };
  const notes: string[] = [];
  const lifeline = new Lifeline(connection, { reconnectMs: 10_000 });
  const note = (text: string): void => {
    notes.push(text);
    server.faults = {};
  };
  const done = await lifeline.lasting('Bring it over', note, () =>
    uploadBlob(shell, blob, { blobs: join(server.home, 'blobs'), root: false }),
  );
  assert.is(starts.length, 2);
  assert.ok((starts[1] ?? 0) > 1_000_000, `it went on from ${starts[1]}`);
  assert.is(done.sent, content.length - (starts[1] ?? 0));
  assert.match(notes.join('\n'), /^the connection was lost.*\nconnected again/);
});

test('a lock that is gone when the host is back ends the work', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await open(at);
  const lifeline = new Lifeline(connection, { reconnectMs: 5_000 });
  lifeline.lock = { isHeld: async () => false } as never;
  const work = async (): Promise<void> => {
    throw await lose(connection, at);
  };
  const error = await failure(
    lifeline.lasting('Step', () => undefined, work),
    'HOST_CONNECTION_LOST',
  );
  assert.match(error.message, 'our lock on it is gone');
  assert.is(server.connections, 2);
});

test('a step that takes longer than it may is ended, by its name', async () => {
  const at = await door();
  await using _server = at.server;
  await using connection = await open(at);
  const lifeline = new Lifeline(connection, { stepTimeoutMs: 300 });
  const work = (): Promise<unknown> => connection.exec('sleep 10');
  const error = await failure(
    lifeline.lasting('Load images', () => undefined, work),
    'HOST_TIMEOUT',
  );
  assert.match(error.message, '"Load images" did not end within');
  assert.is((await connection.exec('echo on')).stdout.toString(), 'on\n', 'the next one has its own time');
});

test.run();
