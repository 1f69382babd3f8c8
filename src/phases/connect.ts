/** Log in, with the host's key checked. */
import type { ConnectOptions } from '../host/connection.ts';
import { openHost } from '../host/open.ts';
import type { RestorableConnection } from '../host/reconnect.ts';
import { Shell } from '../host/shell.ts';
import type { HostTarget } from '../host/target.ts';

export interface Connected {
  connection: RestorableConnection;
  shell: Shell;
}

/** Connect to a host. Throws what `connect` throws. */
export async function connectHost(target: HostTarget, options: ConnectOptions): Promise<Connected> {
  const connection = await openHost(target, options);
  return { connection, shell: new Shell(connection) };
}
