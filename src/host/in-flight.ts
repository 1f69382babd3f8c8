/**
 * How long the way to a host is, and how much may be on it.
 *
 * sshd offers a channel a window of 2 MiB, and keeps what its command has not read yet in a buffer that it copies as a
 * whole again and again while it fills. To a command that is slower than the network, like an engine that unpacks layers,
 * that takes several times the work of everything else that SSH does there. As much as fits on the way there and back is
 * enough to keep the command busy.
 */
import type { Client } from 'ssh2';
import type { ExecOptions } from './exec.ts';

/** Tries in which the way is measured. */
const ROUND_TRIPS = 4;
/** Bytes: several times what sshd has read when it opens the window again. */
const LEAST = 256 * 1024;
/** Bytes in a millisecond: a link of one gigabit a second, twice. */
const PER_MS = 250_000;

/**
 * Milliseconds to the host and back, the best of a few tries, since a busy machine makes it longer. The host is asked
 * to end a forward that it does not have, to which it says no at once, without starting anything. Ends early, with what
 * it knows by then, once the connection is `over`.
 */
export async function measureRoundTrip(client: Client, over: Promise<void>): Promise<number> {
  let best = Infinity;
  let lost = false;
  const end = over.then(() => {
    lost = true;
  });
  for (let tries = 0; tries < ROUND_TRIPS && !lost; tries++) {
    const started = performance.now();
    const answered = new Promise<void>(done => client.unforwardIn('127.0.0.1', 1, () => done()));
    await Promise.race([answered, end]);
    if (!lost) best = Math.min(best, performance.now() - started);
  }
  return best;
}

/**
 * Bytes that may be on the way to a program before it has read them; Infinity where the window must stay as it is. OpenSSH
 * opens a window again once three packets of it were read. Others wait until half of it was, and would wait for ever: how
 * long the way to them is does not matter.
 */
export async function mostInFlight(client: Client, roundTripMs: () => Promise<number>): Promise<number> {
  return isOpenSsh(client) ? LEAST + Math.ceil((await roundTripMs()) * PER_MS) : Infinity;
}

/** Narrow the window of a channel that was just opened: what is taken off it here never comes back. */
export function limitInFlight(channel: object, most: number): void {
  const { outgoing } = channel as { outgoing?: { window?: number } };
  if (outgoing?.window !== undefined) outgoing.window = Math.min(outgoing.window, most);
}

/** Whether what a command is to read can fill a window at all. */
export function fillsWindow(stdin: ExecOptions['stdin']): boolean {
  if (stdin === undefined) return false;
  return typeof stdin === 'string' || stdin instanceof Uint8Array ? stdin.length > LEAST : true;
}

/** As the host said when it was greeted. */
function isOpenSsh(client: Client): boolean {
  const { _remoteVer: version } = client as unknown as { _remoteVer?: string };
  return version?.startsWith('OpenSSH_') ?? false;
}
