/** Log in, with the host's key checked. */
import { type Connection, type ConnectOptions, connect } from '../host/connection.ts';
import { Shell } from '../host/shell.ts';
import type { HostTarget } from '../host/target.ts';

export interface Connected {
  connection: Connection;
  shell: Shell;
}

/** Connect to a host. Throws what `connect` throws. */
export async function connectHost(target: HostTarget, options: ConnectOptions): Promise<Connected> {
  const connection = await connect(target, options);
  return { connection, shell: new Shell(connection) };
}
