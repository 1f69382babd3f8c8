import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { PullGate } from '../../src/phases/pull-gate.ts';
import { site } from '../host/site.ts';
import { suite } from '../support/suite.ts';

const test = suite('phases/pull-gate');
const NOBODY = 65_534;
const root = process.getuid?.() === 0;

interface Port extends AsyncDisposable {
  port: number;
  next(): Promise<{ address: string; port: number }>;
}

/** Something that listens on the loopback and tells who came. */
async function listening(): Promise<Port> {
  const sockets: Socket[] = [];
  const server: Server = createServer(socket => void sockets.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    async next() {
      const [socket] = (await once(server, 'connection')) as [Socket];
      return { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('a connection of this user is let in if it is root, and only while it stands', async () => {
  await using host = await site();
  await using port = await listening();
  await using gate = await PullGate.open(host.shell, port.port);
  assert.ok(gate);
  const came = port.next();
  const socket = connect(port.port, '127.0.0.1').on('error', () => undefined);
  const from = await came;
  assert.is(await gate.admits(from), root);
  assert.is(await gate.admits({ ...from, address: '10.77.0.1' }), false);
  assert.is(await gate.admits({ ...from, port: from.port === 1 ? 2 : 1 }), false);
  socket.destroy();
  await once(socket, 'close');
  assert.is(await gate.admits(from), false);
});

if (!root) test.skip('another user is kept out', 'the tests do not run as root');
else
  test('another user is kept out', async () => {
    await using host = await site();
    await using port = await listening();
    await using gate = await PullGate.open(host.shell, port.port);
    assert.ok(gate);
    const came = port.next();
    const script = `require('node:net').connect(${port.port}, '127.0.0.1'); setTimeout(() => {}, 10_000)`;
    const other = spawn(process.execPath, ['-e', script], { uid: NOBODY, gid: NOBODY, cwd: '/', env: {} });
    try {
      assert.is(await gate.admits(await came), false);
    } finally {
      other.kill('SIGKILL');
    }
  });

test('many questions at once each get their own answer', async () => {
  await using host = await site();
  await using port = await listening();
  await using gate = await PullGate.open(host.shell, port.port);
  assert.ok(gate);
  const sockets: Socket[] = [];
  const from = [];
  for (let i = 0; i < 12; i++) {
    const came = port.next();
    sockets.push(connect(port.port, '127.0.0.1'));
    from.push(await came);
  }
  assert.equal(await Promise.all(from.map(one => gate.admits(one))), Array(12).fill(root));
  for (const socket of sockets) socket.destroy();
});

test('a host that does not tell whose a connection is has no gate', async () => {
  await using host = await site({
    script: command => (command.includes('/proc/net/tcp') ? { status: 1 } : undefined),
  });
  assert.is(await PullGate.open(host.shell, 40_000), undefined);
});

test('once closed it lets nobody in', async () => {
  await using host = await site();
  const gate = await PullGate.open(host.shell, 40_000);
  assert.ok(gate);
  await gate.close();
  assert.is(await gate.admits({ address: '127.0.0.1', port: 40_001 }), false);
});

test.run();
