import { createHash } from 'node:crypto';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { readFile, writeFile } from '../../src/host/files.ts';
import { LocalConnection } from '../../src/host/local.ts';
import { Shell } from '../../src/host/shell.ts';
import { hostTarget } from '../../src/host/target.ts';
import { uploadBlob } from '../../src/host/transfer.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { failure } from './site.ts';

const test = suite('host/local');
const dir = scratch();

const open = (): LocalConnection =>
  new LocalConnection(hostTarget({ name: 'h1', address: 'localhost', local: true }, {}));

test('commands have stdin, stdout, stderr and a status, as over SSH', async () => {
  await using connection = open();
  const said = await connection.exec('cat; echo oops >&2; exit 7', { stdin: 'hello\n' });
  assert.equal([said.status, said.stdout.toString(), said.stderr], [7, 'hello\n', 'oops\n']);
  const killed = await connection.exec('kill -9 $$');
  assert.equal([killed.status, killed.signal], [137, 'SIGKILL']);
  const many = await connection.exec('head -c 3000000 /dev/zero', { maxOutput: 1000 });
  assert.equal([many.stdout.length, many.truncated], [1000, true]);
  const payload = Buffer.alloc(5_000_000, 'x');
  const back = await connection.exec('cat', { stdin: payload, maxOutput: payload.length });
  assert.ok(back.stdout.equals(payload));
  assert.is(
    (await connection.exec('exec true', { stdin: payload })).status,
    0,
    'what nobody reads is no error',
  );
});

test('thirty commands at once wait for one another, and none is lost', async () => {
  await using connection = open();
  const all = await Promise.all(
    Array.from({ length: 30 }, (_, n) => connection.exec(`sleep 0.02; echo ${n}`)),
  );
  assert.equal(
    all.map(({ stdout }) => Number(stdout.toString())),
    Array.from({ length: 30 }, (_, n) => n),
  );
});

test('time that is up and an interruption end a command with all that it started', async () => {
  await using connection = open();
  const mark = join(dir, 'late');
  await failure(connection.exec(`(sleep 1; : > ${mark}) & wait`, { timeoutMs: 100 }), 'HOST_TIMEOUT');
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 50);
  const error = await connection.exec('sleep 9', { signal: stop.signal }).catch(thrown => thrown);
  assert.ok(error instanceof AirferryError && error.code === 'INTERRUPTED');
  await new Promise(done => setTimeout(done, 1_100));
  assert.is((await connection.exec(`test -e ${mark}`)).status, 1);
});

test('files and blobs arrive as on any host', async () => {
  await using connection = open();
  const shell = new Shell(connection);
  const path = join(dir, 'etc/x');
  await writeFile(shell, path, 'content', { mode: 0o640, parents: true, root: false });
  assert.is((await readFile(shell, path, { maxBytes: 100, root: false }))?.toString(), 'content');
  const content = Buffer.alloc(3_000_000, 'ferry');
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  const blob = {
    digest,
    size: content.length,
    async *open(offset: number) {
      yield content.subarray(offset);
    },
  };
  const options = { blobs: join(dir, 'blobs'), root: false };
  assert.is((await uploadBlob(shell, blob, options)).sent, content.length);
  assert.is((await uploadBlob(shell, blob, options)).sent, 0);
});

test('a command as a stream, and a port that needs no forwarding', async () => {
  await using connection = open();
  const stream = await connection.openCommand('tr a-z A-Z', 'shout');
  stream.end('ferry');
  assert.is(await text(stream), 'FERRY');
  await using forward = await connection.forwardIn(({ from, accept, refuse }) => {
    if (from.address !== '127.0.0.1') return refuse();
    const socket = accept();
    socket.pipe(socket);
  });
  const client = connectSocket(forward.port, '127.0.0.1');
  client.end('echo');
  assert.is(await text(client), 'echo');
  const error = await connection.openSocket(join(dir, 'none')).catch(thrown => thrown);
  assert.is(error.code, 'HOST_COMMAND_FAILED');
});

test('once it is closed nothing is run', async () => {
  const connection = open();
  await connection.close();
  await connection.closed;
  await failure(connection.exec(':'), 'HOST_COMMAND_FAILED');
});

test.run();
