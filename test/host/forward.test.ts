import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import type { Incoming } from '../../src/host/forward.ts';
import { explainSettings, whyNotForwarded } from '../../src/host/sshd-forwarding.ts';
import { suite } from '../support/suite.ts';
import { failure, site } from './site.ts';

const test = suite('host/forward');

async function dial(port: number): Promise<Socket> {
  const socket = connectTcp(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

test('what connects to the port on the host arrives here, with where it came from', async () => {
  await using host = await site();
  const seen: Incoming['from'][] = [];
  await using forward = await host.shell.connection.forwardIn(({ from, accept }) => {
    seen.push(from);
    const stream = accept();
    stream.on('data', (chunk: Buffer) => stream.end(`heard ${chunk}`));
  });
  const socket = await dial(forward.port);
  const source = socket.localPort;
  socket.write('hello');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.is(Buffer.concat(chunks).toString(), 'heard hello');
  assert.equal(seen, [{ address: '127.0.0.1', port: source }]);
});

test('a large stream comes through whole, in both directions at once', async () => {
  await using host = await site();
  await using forward = await host.shell.connection.forwardIn(({ accept }) => {
    const stream = accept();
    stream.pipe(stream);
  });
  const socket = await dial(forward.port);
  const sent = Buffer.alloc(6 * 1024 * 1024, 'ferry');
  socket.write(sent);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    if (size >= sent.length) break;
  }
  assert.ok(Buffer.concat(chunks).equals(sent));
});

test('a connection that is refused ends, and others go on', async () => {
  await using host = await site();
  let count = 0;
  await using forward = await host.shell.connection.forwardIn(({ accept, refuse }) => {
    if (count++ === 0) refuse();
    else accept().end('welcome');
  });
  const first = await dial(forward.port);
  first.resume();
  await once(first, 'close');
  const second = await dial(forward.port);
  const [chunk] = (await once(second, 'data')) as [Buffer];
  assert.is(chunk.toString(), 'welcome');
  second.destroy();
});

test('two forwards of one connection do not mix', async () => {
  await using host = await site();
  const { connection } = host.shell;
  await using one = await connection.forwardIn(({ accept }) => accept().end('one'));
  await using two = await connection.forwardIn(({ accept }) => accept().end('two'));
  for (const [port, word] of [
    [two.port, 'two'],
    [one.port, 'one'],
  ] as const) {
    const [chunk] = (await once(await dial(port), 'data')) as [Buffer];
    assert.is(chunk.toString(), word);
  }
});

test('closed, the port is given back and what came by it ends', async () => {
  await using host = await site();
  const forward = await host.shell.connection.forwardIn(({ accept }) => accept().write('open'));
  const socket = await dial(forward.port);
  await once(socket, 'data');
  assert.equal(host.server.forwardedPorts, [forward.port]);
  const closed = new Promise(resolve => socket.once('close', resolve));
  await forward.close();
  await closed;
  assert.equal(host.server.forwardedPorts, []);
  assert.is((await host.shell.run('echo still here')).stdout, 'still here\n');
});

test('a host that forbids it is told from a connection that is lost', async () => {
  await using host = await site({ faults: { refuseListen: true } });
  const { connection } = host.shell;
  const error = await connection.forwardIn(() => undefined).catch((thrown: unknown) => thrown);
  assert.is((error as { code: string }).code, 'HOST_FORWARDING');
  host.server.cut();
  await connection.closed;
  await failure(
    connection.forwardIn(() => undefined),
    'HOST_CONNECTION_LOST',
  );
});

test('the settings of sshd say why', async () => {
  await using host = await site();
  host.server.install(
    'sshd',
    '#!/bin/sh\necho "$*" >asked\nprintf "permitlisten any\\nallowtcpforwarding local\\ndisableforwarding no\\n"\n',
  );
  const { reason, fix } = await whyNotForwarded(host.shell);
  assert.is(reason, 'its sshd has AllowTcpForwarding local');
  assert.match(fix, 'AllowTcpForwarding remote');
  assert.match((await host.shell.run('cat asked')).stdout, '-T -C user=ops,host=127.0.0.1,addr=127.0.0.1');
});

test('each setting that forbids it is named; where none does, the key is what is left', () => {
  const why = (text: string): string => explainSettings(text, 'ops').reason;
  assert.match(why('disableforwarding yes\nallowtcpforwarding yes'), 'DisableForwarding yes');
  assert.match(why('disableforwarding no\nallowtcpforwarding no'), 'AllowTcpForwarding no');
  assert.match(why('allowtcpforwarding yes\npermitlisten localhost:8080'), 'PermitListen localhost:8080');
  assert.match(explainSettings('allowtcpforwarding yes\npermitlisten any', 'ops').fix, 'authorized_keys');
  assert.match(explainSettings('', 'ops').fix, 'authorized_keys');
});

test.run();
