import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as assert from 'uvu/assert';
import { prepareKey } from '../../src/host/cipher-key.ts';
import { handshake } from '../../src/host/handshake.ts';
import { Secret } from '../../src/host/secret.ts';
import { hostTarget } from '../../src/host/target.ts';
import { dial } from '../../src/host/wire.ts';
import { SshServer } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/wire');

async function listening(onSocket: (socket: Socket) => void): Promise<Server> {
  const server = createServer(onSocket).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

test('what is written in one tick leaves together, by one system call', async () => {
  const received: Buffer[] = [];
  const server = await listening(socket => socket.on('data', chunk => received.push(chunk)));
  const socket = await dial('127.0.0.1', (server.address() as AddressInfo).port, 5_000);
  const calls: number[] = [];
  const writev = socket._writev?.bind(socket);
  socket._writev = (chunks, done) => {
    calls.push(chunks.length);
    writev?.(chunks, done);
  };
  const single = socket._write.bind(socket);
  socket._write = (chunk, encoding, done) => {
    calls.push(1);
    single(chunk, encoding, done);
  };
  for (const burst of ['abc', 'de']) {
    for (const letter of burst) socket.write(Buffer.from(letter));
    await sleep(20);
  }
  assert.equal(calls, [3, 2]);
  assert.is(Buffer.concat(received).toString(), 'abcde');
  socket.destroy();
  server.close();
});

interface Inside {
  _protocol: {
    _cipher: { _encKey: { type: string }; allocPacket(length: number): Buffer };
    _decipher: { _decipherKey: { type: string } };
  };
}

test('a client that has logged in has key objects, and pads its packets as the protocol wants it', async () => {
  await using server = await SshServer.start({ password: 'login' });
  const folder = mkdtempSync(join(tmpdir(), 'airferry-wire-'));
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, server.knownHostsLine);
  const password = new Secret('login');
  const target = hostTarget({ address: '127.0.0.1', port: server.port, user: 'ops', password }, {});
  const socket = await dial('127.0.0.1', server.port, 5_000);
  const client = await handshake(target, socket, {
    knownHosts: { files: [knownHosts], acceptNew: false },
    timeoutMs: 5_000,
    keepaliveMs: 0,
  });
  // It was done by the handshake; a second time there are no bytes to be replaced.
  assert.not.ok(prepareKey(client));
  const { _cipher, _decipher } = (client as unknown as Inside)._protocol;
  assert.is(_cipher._encKey.type, 'secret', 'ssh2 keeps its key elsewhere: see cipher-key.ts');
  assert.is(_decipher._decipherKey.type, 'secret');
  const paddings = new Set<string>();
  for (let length = 0; length < 300; length++) {
    const packet = _cipher.allocPacket(length);
    const padding = packet.readUInt8(4);
    assert.is(packet.readUInt32BE(), packet.length - 4);
    assert.is(packet.length, 5 + length + padding);
    assert.is((packet.length - 4) % 16, 0);
    assert.ok(padding >= 4 && padding < 20);
    paddings.add(packet.subarray(-padding).toString('hex'));
  }
  assert.is(paddings.size, 300, 'no two are padded alike');
  client.end();
  rmSync(folder, { recursive: true });
});

test.run();
