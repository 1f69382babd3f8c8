import * as assert from 'uvu/assert';
import type { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { door, enter } from './door.ts';
import { failure } from './site.ts';

const test = suite('host/connection');

test('a command gets its stdin and gives back status, stdout and stderr', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await enter(at);
  const result = await connection.exec('cat; echo oops >&2; exit 3', { stdin: 'in' });
  assert.is(result.status, 3);
  assert.is(result.stdout.toString(), 'in');
  assert.is(result.stderr, 'oops\n');
  assert.is((await connection.exec('cat')).stdout.length, 0);
  assert.is(server.connections, 1);
});

test('a large input arrives whole, and output beyond the limit is drained and dropped', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await enter(at);
  const block = Buffer.alloc(1024 * 1024, 7);
  async function* blocks(): AsyncGenerator<Buffer> {
    for (let i = 0; i < 8; i++) yield block;
  }
  const counted = await connection.exec('wc -c', { stdin: blocks() });
  assert.is(counted.stdout.toString().trim(), String(8 * block.length));
  const long = await connection.exec(
    'head -c 5000000 /dev/zero; head -c 1000000 /dev/zero >&2; echo last >&2',
    { maxOutput: 10 },
  );
  assert.is(long.stdout.length, 10);
  assert.ok(long.truncated);
  assert.is(long.stderr.length, 64 * 1024);
  assert.match(long.stderr, /last\n$/);
  assert.is(server.commands.length, 2);
});

test('the way there and back is measured without a command', async () => {
  const at = await door();
  await using server = at.server;
  const connection = await enter(at);
  const ms = await connection.roundTripMs();
  assert.ok(ms > 0 && ms < 1_000, `${ms} ms`);
  assert.equal(server.commands, []);
  await connection.close();
  await failure(connection.roundTripMs(), 'HOST_CONNECTION_LOST');
});

test('stdout can be taken as it comes, at the pace of whoever takes it', async () => {
  const at = await door();
  await using _server = at.server;
  await using connection = await enter(at);
  let bytes = 0;
  const result = await connection.exec('head -c 3000000 /dev/zero', {
    onStdout: async chunk => {
      await new Promise(resolve => setTimeout(resolve, 1));
      bytes += chunk.length;
    },
  });
  assert.is(bytes, 3_000_000);
  assert.is(result.stdout.length, 0);
  const taken = connection.exec('echo x', { onStdout: () => Promise.reject(new Error('taker failed')) });
  assert.match((await taken.catch((error: Error) => error.message)) as string, 'taker failed');
});

test('a command that is killed has the status that a shell would give it', async () => {
  const at = await door();
  await using _server = at.server;
  await using connection = await enter(at);
  const result = await connection.exec('kill -9 $$');
  assert.is(result.status, 137);
  assert.is(result.signal, 'SIGKILL');
});

test('a command that takes too long is given up with HOST_TIMEOUT, and the connection stays good', async () => {
  const at = await door();
  await using _server = at.server;
  await using connection = await enter(at);
  await failure(connection.exec('sleep 30', { timeoutMs: 100 }), 'HOST_TIMEOUT');
  assert.is((await connection.exec('echo still here')).stdout.toString(), 'still here\n');
});

test('an abort ends a command with INTERRUPTED', async () => {
  const at = await door();
  await using _server = at.server;
  await using connection = await enter(at);
  const abort = new AbortController();
  const running = connection
    .exec('sleep 30', { signal: abort.signal })
    .catch((error: AirferryError) => error.code);
  setTimeout(() => abort.abort(), 50);
  assert.is(await running, 'INTERRUPTED');
});

test('a source that fails while it is sent fails the command with its own error', async () => {
  const at = await door();
  await using _server = at.server;
  await using connection = await enter(at);
  // biome-ignore lint/correctness/useYield: it fails before it yields
  async function* broken(): AsyncGenerator<Buffer> {
    throw new Error('disc unreadable');
  }
  const error = await connection.exec('cat', { stdin: broken() }).catch((thrown: Error) => thrown);
  assert.match((error as Error).message, 'disc unreadable');
});

test('at most eight commands run at once, fewer where the host allows fewer, and all of them run', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await enter(at);
  const run = (): Promise<number[]> =>
    Promise.all(
      Array.from({ length: 20 }, () => connection.exec('sleep 0.02').then(result => result.status)),
    );
  assert.equal(await run(), Array(20).fill(0));
  assert.is(server.mostSessions, 8);
  server.faults.maxSessions = 3;
  assert.equal(await run(), Array(20).fill(0));
});

test('a connection that is lost fails every command under way, and every later one', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await enter(at);
  const running = [1, 2, 3].map(() => failure(connection.exec('sleep 30'), 'HOST_CONNECTION_LOST'));
  await new Promise(resolve => setTimeout(resolve, 100));
  server.cut();
  await Promise.all(running);
  await connection.closed;
  await failure(connection.exec('true'), 'HOST_CONNECTION_LOST');
});

test('a connection that is lost in the middle of an upload is told as such', async () => {
  const at = await door({ faults: { dropAfterStdin: 1_000_000 } });
  await using _server = at.server;
  await using connection = await enter(at);
  const error = await failure(
    connection.exec('cat > part', { stdin: Buffer.alloc(8_000_000) }),
    'HOST_CONNECTION_LOST',
  );
  assert.match(error.suggestions.join(), 'goes on where it was interrupted');
});

test('a command that ends without an exit status counts as lost', async () => {
  const at = await door({ faults: { noStatus: true } });
  await using _server = at.server;
  await using connection = await enter(at);
  await failure(connection.exec('true'), 'HOST_CONNECTION_LOST');
});

test('a connection cut when a command is asked for is lost, not hung', async () => {
  const at = await door({ faults: { dropOnExec: true } });
  await using _server = at.server;
  await using connection = await enter(at);
  await failure(connection.exec('true'), 'HOST_CONNECTION_LOST');
});

test('closing fails what is under way and may be done twice', async () => {
  const at = await door();
  await using _server = at.server;
  const connection = await enter(at);
  const running = failure(connection.exec('sleep 30'), 'HOST_CONNECTION_LOST');
  await new Promise(resolve => setTimeout(resolve, 50));
  await connection.close();
  await connection.close();
  await running;
});

test('a host that falls silent is given up after three keepalives', async () => {
  const at = await door();
  await using server = at.server;
  await using connection = await enter(at);
  const running = failure(connection.exec('sleep 30'), 'HOST_CONNECTION_LOST');
  await new Promise(resolve => setTimeout(resolve, 50));
  server.freeze();
  assert.match((await running).message, 'keepalives');
});

test.run();
