/**
 * What carries SSH packets: a TCP socket, or a channel through a bastion.
 *
 * ssh2 writes each packet in three pieces (length, payload, tag), and Node sends every piece by a system call of its
 * own. Gathered until the end of the tick they leave together, which makes an upload up to half again as fast.
 */
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';

type WriteCallback = (error?: Error | null) => void;

/** Hold back what is written to a stream until the current tick ends. */
class Gatherer {
  readonly #stream: Duplex;
  #holding = false;

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  hold(): void {
    if (this.#holding) return;
    this.#holding = true;
    this.#stream.cork();
    process.nextTick(() => {
      this.#holding = false;
      this.#stream.uncork();
    });
  }
}

/** Gather what is written to a connected socket. Connected it has to be: `connect` gives a socket its own `write` back. */
function gatherWrites(socket: Socket): void {
  const gatherer = new Gatherer(socket);
  const write = socket.write.bind(socket) as (chunk: Uint8Array | string, ...rest: unknown[]) => boolean;
  socket.write = (chunk: Uint8Array | string, ...rest: unknown[]): boolean => {
    gatherer.hold();
    return write(chunk, ...rest);
  };
}

/** A channel, as a stream whose end is a connection's end. */
class ChannelStream extends Duplex {
  readonly #channel: Duplex;

  constructor(channel: Duplex) {
    super({ allowHalfOpen: false });
    this.#channel = channel;
    channel.on('data', chunk => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('close', () => this.destroy());
    channel.on('error', error => this.destroy(error));
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: WriteCallback): void {
    this.#channel.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: WriteCallback): void {
    this.#channel.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: WriteCallback): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: WriteCallback): void {
    this.#channel.destroy();
    done(error);
  }
}

/** The same, whose writes are gathered. */
class GatheringChannel extends ChannelStream {
  readonly #gatherer = new Gatherer(this);

  override write(chunk: Uint8Array | string, ...rest: unknown[]): boolean {
    this.#gatherer.hold();
    return super.write(chunk, ...(rest as [BufferEncoding, WriteCallback]));
  }
}

/**
 * A channel as a plain stream: each write leaves at once, so that it is not lost if the stream is destroyed right after.
 * That is how an HTTP server answers what is no HTTP.
 */
export function asStream(channel: Duplex): Duplex {
  return new ChannelStream(channel);
}

/** A channel through a bastion, ready to carry a connection. */
export function throughChannel(channel: Duplex): Duplex {
  return new GatheringChannel(channel);
}

/**
 * Connect by TCP within `timeoutMs` milliseconds. Rejects with the system's error (`ECONNREFUSED`, `ENOTFOUND` …),
 * with `ETIMEDOUT` after the time, or with the signal's reason.
 */
export function dial(host: string, port: number, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = new Socket();
    const fail = (error: unknown): void => {
      finish();
      socket.once('error', () => undefined);
      socket.destroy();
      reject(error);
    };
    const onAbort = (): void => fail(signal?.reason);
    const timer = setTimeout(
      () => fail(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEDOUT' })),
      timeoutMs,
    );
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', fail);
    };
    if (signal?.aborted) return fail(signal.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    socket.once('error', fail);
    socket.connect({ host, port }, () => {
      finish();
      socket.on('error', () => undefined);
      socket.setNoDelay(true);
      gatherWrites(socket);
      resolve(socket);
    });
  });
}
