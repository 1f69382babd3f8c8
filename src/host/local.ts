/** This machine itself as a host: commands without SSH, in bounded numbers, by the same rules. */
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { AirferryError, abortError } from '../errors.ts';
import { Semaphore } from '../support/semaphore.ts';
import { commandStream } from './command-stream.ts';
import { type ExecOptions, type ExecResult, runOnChannel } from './exec.ts';
import { type Incoming, LOOPBACK, type ReverseForward } from './forward.ts';
import type { HostConnection } from './host-connection.ts';
import { processChannel } from './process-channel.ts';
import { describeTarget, type HostTarget } from './target.ts';

/** Commands at once, as on an SSH connection. */
const MAX_COMMANDS = 8;

export class LocalConnection implements HostConnection {
  readonly target: HostTarget;
  readonly closed: Promise<void>;
  readonly #commands = new Semaphore(MAX_COMMANDS);
  readonly #streams = new Set<Duplex>();
  readonly #close: () => void;
  #over = false;

  constructor(target: HostTarget) {
    this.target = target;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#close = resolve;
  }

  /** As over SSH. @throws {AirferryError} HOST_TIMEOUT, INTERRUPTED, HOST_CONNECTION_LOST once it is closed. */
  exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    return this.#commands.run(async () => {
      if (options.signal?.aborted) throw abortError(options.signal);
      if (this.#over) throw this.#ended();
      return runOnChannel(processChannel(command), this.target.name, options, () => this.#ended());
    });
  }

  async openCommand(command: string, title: string): Promise<Duplex> {
    if (this.#over) throw this.#ended();
    return this.#kept(commandStream(processChannel(command), this.target, title, () => this.#ended()));
  }

  openSocket(path: string): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const socket = connectSocket(path);
      const fail = (cause: Error): void =>
        reject(
          new AirferryError('HOST_COMMAND_FAILED', `${path} cannot be connected to: ${cause.message}`, {
            where: { host: this.target.name },
            suggestions: ['Check that something listens there, and that this user may connect to it.'],
            cause,
          }),
        );
      socket.once('error', fail);
      socket.once('connect', () => {
        socket.removeListener('error', fail);
        resolve(this.#kept(socket));
      });
    });
  }

  /** Nothing has to be forwarded: what is here is reached here. */
  forwardIn(onConnection: (incoming: Incoming) => void): Promise<ReverseForward> {
    const sockets = new Set<Socket>();
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, socket => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => sockets.delete(socket));
      const { remoteAddress: address = '', remotePort: port = 0 } = socket;
      const accept = (): Duplex => socket.resume();
      onConnection({ from: { address, port }, accept, refuse: () => void socket.destroy() });
    });
    const close = async (): Promise<void> => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise(done => server.close(done));
    };
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, LOOPBACK, () => {
        const { port } = server.address() as { port: number };
        resolve({ port, close, [Symbol.asyncDispose]: close });
      });
    });
  }

  async roundTripMs(): Promise<number> {
    return 0;
  }

  async close(): Promise<void> {
    this.#over = true;
    for (const stream of this.#streams) stream.destroy();
    this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #kept<T extends Duplex>(stream: T): T {
    this.#streams.add(stream);
    stream.on('error', () => undefined);
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  #ended(): AirferryError {
    return new AirferryError(
      'HOST_COMMAND_FAILED',
      `a command on ${describeTarget(this.target)} could not be run, or ended without a status`,
      {
        where: { host: this.target.name },
        suggestions: ['Check that this machine has sh, and processes and memory to spare.'],
      },
    );
  }
}
