/** For the tests of connections: a host that is known and takes a key, and the way in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Connection, connect } from '../../src/host/connection.ts';
import { type HostTarget, hostTarget } from '../../src/host/target.ts';
import { newKey, SshServer, type SshServerOptions } from '../support/ssh-server.ts';

/** For the files of the operator; removed when the process ends. */
export const folder = mkdtempSync(join(tmpdir(), 'airferry-door-'));
process.on('exit', () => rmSync(folder, { recursive: true }));

export const key = newKey();
export const keyFile = join(folder, 'id');
writeFileSync(keyFile, key.private, { mode: 0o600 });

export interface Door {
  server: SshServer;
  target: HostTarget;
  knownHosts: string;
}

let doors = 0;

/** A server that is known, and a target with a key that it takes. */
export async function door(options: SshServerOptions = {}, target: Partial<HostTarget> = {}): Promise<Door> {
  const server = await SshServer.start({ authorizedKeys: [key.public], ...options });
  const knownHosts = join(folder, `known_hosts_${doors++}`);
  writeFileSync(knownHosts, server.knownHostsLine);
  return {
    server,
    knownHosts,
    target: hostTarget(
      { name: 'h1', address: '127.0.0.1', port: server.port, user: 'ops', identities: [keyFile], ...target },
      {},
    ),
  };
}

export function enter(
  { target, knownHosts }: Omit<Door, 'server'>,
  options: { acceptNew?: boolean; connectTimeoutMs?: number } = {},
): Promise<Connection> {
  const { acceptNew = false, connectTimeoutMs = 5_000 } = options;
  return connect(target, {
    knownHosts: { files: [knownHosts], acceptNew },
    connectTimeoutMs,
    keepaliveMs: 200,
  });
}
