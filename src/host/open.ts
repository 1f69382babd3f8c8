/** The way to a host, whichever it is: SSH, or this machine itself. */
import { type ConnectOptions, connect } from './connection.ts';
import { LocalConnection } from './local.ts';
import { RestorableConnection } from './reconnect.ts';
import type { HostTarget } from './target.ts';

/** Connect to a host, by a connection that can be made anew. Throws what `connect` throws. */
export async function openHost(target: HostTarget, options: ConnectOptions): Promise<RestorableConnection> {
  if (target.local)
    return new RestorableConnection(new LocalConnection(target), async () => new LocalConnection(target));
  const dial = (): ReturnType<typeof connect> => connect(target, options);
  return new RestorableConnection(await dial(), dial);
}
