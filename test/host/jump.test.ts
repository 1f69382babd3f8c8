import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { type ConnectOptions, connect } from '../../src/host/connection.ts';
import { Bastions } from '../../src/host/jump.ts';
import { type HostTarget, hostTarget } from '../../src/host/target.ts';
import { newKey, SshServer } from '../support/ssh-server.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/jump');

const folder = mkdtempSync(join(tmpdir(), 'airferry-jump-'));
const key = newKey();
const keyFile = join(folder, 'id');
writeFileSync(keyFile, key.private, { mode: 0o600 });
test.after(() => rmSync(folder, { recursive: true }));

const start = (): Promise<SshServer> => SshServer.start({ authorizedKeys: [key.public] });

function target(name: string, server: SshServer, bastions: HostTarget[] = []): HostTarget {
  return hostTarget(
    { name, address: '127.0.0.1', port: server.port, user: 'ops', identities: [keyFile], bastions },
    {},
  );
}

function options(...servers: SshServer[]): ConnectOptions {
  const file = join(folder, `known_${servers.map(server => server.port).join('_')}`);
  writeFileSync(file, servers.map(server => server.knownHostsLine).join(''));
  return { knownHosts: { files: [file], acceptNew: false }, connectTimeoutMs: 3_000 };
}

test('a host behind two bastions is reached, its own key and theirs verified', async () => {
  await using outer = await start();
  await using inner = await start();
  await using host = await start();
  const to = target('h1', host, [target('outer', outer), target('inner', inner)]);
  await using connection = await connect(to, options(outer, inner, host));
  const block = Buffer.alloc(5_000_000, 1);
  const counted = await connection.exec('wc -c', { stdin: block });
  assert.is(counted.stdout.toString().trim(), String(block.length));
  assert.equal([outer.connections, inner.connections, host.connections], [1, 1, 1]);

  const unknown = await connect(to, options(outer, host)).catch((error: unknown) => error);
  assert.ok(isAirferryError(unknown, 'HOST_KEY_UNKNOWN') && unknown.where.host === 'inner');
});

test('a port of a host behind two bastions is forwarded back through them', async () => {
  await using outer = await start();
  await using inner = await start();
  await using host = await start();
  const to = target('h1', host, [target('outer', outer), target('inner', inner)]);
  await using connection = await connect(to, options(outer, inner, host));
  await using forward = await connection.forwardIn(({ accept }) => accept().end('from the operator'));
  assert.equal(host.forwardedPorts, [forward.port]);
  const socket = connectTcp(forward.port, '127.0.0.1');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  assert.is(Buffer.concat(chunks).toString(), 'from the operator');
});

test('hosts behind one bastion share the connection to it', async () => {
  await using gate = await start();
  await using host = await start();
  await using bastions = new Bastions();
  const to = target('h1', host, [target('gate', gate)]);
  const shared = { ...options(gate, host), bastions };
  const connections = await Promise.all([1, 2, 3].map(() => connect(to, shared)));
  assert.equal(await Promise.all(connections.map(async c => (await c.exec('echo')).status)), [0, 0, 0]);
  assert.equal([gate.connections, host.connections], [1, 3]);
  await Promise.all(connections.map(connection => connection.close()));

  gate.cut();
  await new Promise(resolve => setTimeout(resolve, 50));
  await (await connect(to, shared)).close();
  assert.is(gate.connections, 2, 'a bastion that was lost is connected to anew');
});

test('a bastion that forbids forwarding, and one that cannot reach the host, say so', async () => {
  await using gate = await start();
  await using host = await start();
  const to = target('h1', host, [target('gate', gate)]);
  const known = options(gate, host);
  gate.faults.refuseForward = true;
  const refused = await connect(to, known).catch((error: unknown) => error);
  assert.ok(isAirferryError(refused, 'HOST_UNREACHABLE') && refused.where.host === 'h1');
  assert.match((refused as Error).message, 'the bastion gate');
  gate.faults.refuseForward = false;
  await host.close();
  const down = await connect(to, known).catch((error: unknown) => error);
  assert.ok(isAirferryError(down, 'HOST_UNREACHABLE'));
});

test('a bastion that is cut loses the connections through it', async () => {
  await using gate = await start();
  await using host = await start();
  await using connection = await connect(target('h1', host, [target('gate', gate)]), options(gate, host));
  const running = connection.exec('sleep 30').catch((error: unknown) => error);
  await new Promise(resolve => setTimeout(resolve, 50));
  gate.cut();
  assert.ok(isAirferryError(await running, 'HOST_CONNECTION_LOST'));
});

test.run();
