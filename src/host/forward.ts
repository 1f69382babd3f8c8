/** Reverse forwards: a port on the host whose connections come to us through SSH. RFC 4254, section 7. */
import type { Duplex } from 'node:stream';
import type { Client, TcpConnectionDetails } from 'ssh2';
import { asStream } from './wire.ts';

/** A connection that somebody on the host has made to the forwarded port; it waits for one of the two answers. */
export interface Incoming {
  /** Where it comes from, as the host's sshd sees it. */
  from: { address: string; port: number };
  /** Take it, as a stream. */
  accept(): Duplex;
  refuse(): void;
}

export interface ReverseForward extends AsyncDisposable {
  /** On the host's loopback, chosen by the host. */
  readonly port: number;
  /** Give the port back, and end the connections that came by it. */
  close(): Promise<void>;
}

/** What the host listens on. With `GatewayPorts yes` its sshd listens on every address whatever it is asked for. */
export const LOOPBACK = '127.0.0.1';
/** Milliseconds for the host to take the port back; with the connection gone it is gone anyway. */
const CANCEL_MS = 2_000;

/**
 * Have the host listen on a port of its loopback. Rejects with ssh2's error when it does not want to, which is all that
 * the protocol tells; `sshd-forwarding.ts` finds out more.
 */
export function forwardIn(
  client: Client,
  onConnection: (incoming: Incoming) => void,
): Promise<ReverseForward> {
  return new Promise((resolve, reject) => {
    const streams = new Set<Duplex>();
    let port = 0;
    let closing = false;
    const take = (channel: Duplex): Duplex => {
      const stream = asStream(channel);
      streams.add(stream);
      stream.on('error', () => undefined);
      stream.once('close', () => streams.delete(stream));
      return stream;
    };
    const listener = (
      { srcIP, srcPort, destPort }: TcpConnectionDetails,
      accept: () => Duplex,
      refuse: () => void,
    ): void => {
      if (destPort !== port) return;
      if (closing) return void refuse();
      onConnection({ from: { address: srcIP, port: srcPort }, accept: () => take(accept()), refuse });
    };
    const close = async (): Promise<void> => {
      closing = true;
      for (const stream of streams) stream.destroy();
      await cancel(client, port);
      client.removeListener('tcp connection', listener);
    };
    client.on('tcp connection', listener);
    client.forwardIn(LOOPBACK, 0, (error, bound) => {
      if (error) {
        client.removeListener('tcp connection', listener);
        return reject(error);
      }
      port = bound;
      resolve({ port, close, [Symbol.asyncDispose]: close });
    });
  });
}

function cancel(client: Client, port: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, CANCEL_MS);
    const done = (): void => {
      clearTimeout(timer);
      client.removeListener('close', done);
      resolve();
    };
    client.once('close', done);
    try {
      client.unforwardIn(LOOPBACK, port, done);
    } catch {
      done();
    }
  });
}
