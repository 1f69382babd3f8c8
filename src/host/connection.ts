/** An SSH connection to one host: commands in bounded numbers, a clear end. */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, ClientChannel } from 'ssh2';
import { AirferryError, abortError } from '../errors.ts';
import { Semaphore } from '../support/semaphore.ts';
import type { Ask } from './ask.ts';
import { commandStream } from './command-stream.ts';
import { dialError } from './connect-errors.ts';
import { type ExecOptions, type ExecResult, runOnChannel } from './exec.ts';
import { forwardIn, type Incoming, type ReverseForward } from './forward.ts';
import { handshake, KEEPALIVES_MISSED, type KnownHostsPolicy } from './handshake.ts';
import type { HostConnection } from './host-connection.ts';
import { fillsWindow, limitInFlight, measureRoundTrip, mostInFlight } from './in-flight.ts';
import { Bastions } from './jump.ts';
import { describeTarget, type HostTarget } from './target.ts';
import { dial, throughChannel } from './wire.ts';

export interface ConnectOptions {
  knownHosts: KnownHostsPolicy;
  /** Milliseconds for the TCP connection, and again for handshake and login. Default the target's, else 15 000. */
  connectTimeoutMs?: number;
  /** Milliseconds between keepalives. Default 15 000; three without an answer are a lost connection. */
  keepaliveMs?: number;
  /** Answers what a host wants to know of the operator: a code that only they can read. */
  ask?: Ask;
  /** Told what is worth a line: a host key that was recorded. */
  onNote?: (text: string) => void;
  /** Gives up connecting. Commands take a signal of their own. */
  signal?: AbortSignal;
  /** Shared by connections that go through the same hosts, and closed by whoever made it. */
  bastions?: Bastions;
}

/** Commands at once on one connection; sshd's own limit (MaxSessions) is 10. */
const MAX_CHANNELS = 8;
const MAX_REFUSALS = 8;
const REFUSAL_PAUSE_MS = 50;
const CLOSE_PATIENCE_MS = 2_000;

/**
 * Connect and log in.
 * @throws {AirferryError} HOST_UNREACHABLE, HOST_TIMEOUT, HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_AUTH_FAILED, each
 *   with `where.host`; FILE_NOT_FOUND for a missing key file; INTERRUPTED by the signal.
 */
export async function connect(target: HostTarget, options: ConnectOptions): Promise<Connection> {
  const { keepaliveMs = 15_000, signal, knownHosts, ask, onNote } = options;
  const timeoutMs = options.connectTimeoutMs ?? target.connectTimeoutMs ?? 15_000;
  const shared = options.bastions ?? new Bastions();
  try {
    if (signal?.aborted) throw abortError(signal);
    const channel = await shared.through(target, bastion =>
      connect(bastion, { ...options, bastions: shared }),
    );
    const stream = channel ?? (await dialTarget(target, timeoutMs, signal));
    const client = await handshake(target, stream, {
      knownHosts,
      timeoutMs,
      keepaliveMs,
      ...(ask ? { ask } : {}),
      ...(onNote ? { onNote } : {}),
      ...(signal ? { signal } : {}),
    });
    return new Connection(target, client, options.bastions ? undefined : shared);
  } catch (error) {
    if (!options.bastions) await shared.close();
    throw error;
  }
}

async function dialTarget(target: HostTarget, timeoutMs: number, signal?: AbortSignal): Promise<Duplex> {
  try {
    return await dial(target.address, target.port, timeoutMs, signal);
  } catch (error) {
    throw signal?.aborted ? abortError(signal) : dialError(target, error);
  }
}

export class Connection implements HostConnection {
  readonly target: HostTarget;
  /** Resolves once the connection is over, for whatever reason. */
  readonly closed: Promise<void>;
  readonly #client: Client;
  readonly #bastions: Bastions | undefined;
  readonly #channels = new Semaphore(MAX_CHANNELS);
  readonly #running = new Set<Promise<unknown>>();
  #over = false;
  #closing = false;
  #lastError: Error | undefined;
  #roundTrip: Promise<number> | undefined;

  /** `bastions`: those that are closed together with this connection. */
  constructor(target: HostTarget, client: Client, bastions: Bastions | undefined) {
    this.target = target;
    this.#client = client;
    this.#bastions = bastions;
    client.on('error', error => {
      this.#lastError = error;
    });
    this.closed = new Promise(resolve => {
      client.once('close', () => {
        this.#over = true;
        resolve();
      });
    });
  }

  /**
   * Run a command line, which the user's login shell reads; see `ExecOptions`. At most eight at a time, the others wait.
   * @throws {AirferryError} HOST_CONNECTION_LOST, HOST_TIMEOUT, INTERRUPTED. A non-zero status is a result, no error.
   */
  exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    return this.#channels.run(async () => {
      if (options.signal?.aborted) throw abortError(options.signal);
      const { ended } = await this.#start(command, options);
      const settled = ended.then(
        () => undefined,
        () => undefined,
      );
      this.#running.add(settled);
      settled.then(() => this.#running.delete(settled));
      return ended;
    });
  }

  /**
   * Milliseconds to the host and back, measured once.
   * @throws {AirferryError} HOST_CONNECTION_LOST
   */
  async roundTripMs(): Promise<number> {
    if (this.#over || this.#closing) throw this.#lost();
    this.#roundTrip ??= measureRoundTrip(this.#client, this.closed);
    const ms = await this.#roundTrip;
    if (this.#over) throw this.#lost();
    return ms;
  }

  /**
   * A TCP connection from the host to `address`, as a stream whose writes are gathered.
   * @throws {Error} ssh2's own when the host forbids it or cannot connect.
   */
  forward(address: string, port: number): Promise<Duplex> {
    return this.#open(
      done => this.#client.forwardOut('127.0.0.1', 0, address, port, done),
      channel => throughChannel(channel),
    );
  }

  /**
   * Run a command line whose stdin and stdout become one stream, as long as it runs; it takes one of the eight places.
   * `title` stands for it in messages. See `commandStream` for how it fails.
   * @throws {AirferryError} HOST_CONNECTION_LOST, HOST_COMMAND_FAILED when the host opens no channel.
   */
  openCommand(command: string, title: string): Promise<Duplex> {
    return this.#keep(
      done => this.#client.exec(command, done),
      channel => commandStream(channel, this.target, title, () => this.#lost()),
    );
  }

  /**
   * A connection to a unix socket on the host, as the login user. It takes one of the eight places.
   * @throws {AirferryError} HOST_CONNECTION_LOST, HOST_COMMAND_FAILED when the host forbids it or nobody listens.
   */
  openSocket(path: string): Promise<Duplex> {
    return this.#keep(
      done => this.#client.openssh_forwardOutStreamLocal(path, done),
      channel => throughChannel(channel),
    );
  }

  /**
   * A port on the host's loopback whose connections `onConnection` gets, each to be accepted or refused. Channels that
   * the host opens do not count towards the eight.
   * @throws {AirferryError} HOST_CONNECTION_LOST; HOST_FORWARDING when the host does not allow it.
   */
  async forwardIn(onConnection: (incoming: Incoming) => void): Promise<ReverseForward> {
    if (this.#over || this.#closing) throw this.#lost();
    try {
      return await forwardIn(this.#client, onConnection);
    } catch (cause) {
      if (this.#over || !/Unable to bind/.test((cause as Error).message)) throw this.#lost();
      throw new AirferryError(
        'HOST_FORWARDING',
        `${describeTarget(this.target)} does not let a port be forwarded`,
        { where: { host: this.target.name }, cause },
      );
    }
  }

  /** End the connection, and the bastions that only it used. Commands under way fail with HOST_CONNECTION_LOST. */
  async close(): Promise<void> {
    this.#closing = true;
    if (!this.#over) {
      this.#client.end();
      const patience = setTimeout(() => this.#client.destroy(), CLOSE_PATIENCE_MS);
      await this.closed;
      clearTimeout(patience);
    }
    await this.#bastions?.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * An sshd with a lower MaxSessions than ours refuses a channel: wait for one of our own to end, and ask again. It may
   * still count one that we have seen end, so it is asked a few more times when there is none to wait for.
   */
  async #start(command: string, options: ExecOptions): Promise<{ ended: Promise<ExecResult> }> {
    const most = fillsWindow(options.stdin) ? await this.#mostInFlight() : Infinity;
    for (let refusals = 0; ; ) {
      try {
        return await this.#open(
          done => this.#client.exec(command, done),
          channel => {
            limitInFlight(channel, most);
            return { ended: runOnChannel(channel, this.target.name, options, () => this.#lost()) };
          },
        );
      } catch (error) {
        const refused = /Channel open failure/.test((error as Error).message);
        if (this.#over || !refused) throw this.#notOpened(error as Error);
        if (this.#running.size > 0) await Promise.race(this.#running);
        else if (++refusals < MAX_REFUSALS) await sleep(REFUSAL_PAUSE_MS * refusals);
        else throw this.#notOpened(error as Error);
      }
    }
  }

  #mostInFlight(): Promise<number> {
    return mostInFlight(this.#client, () => this.roundTripMs());
  }

  /** Open a channel that holds its place until the stream made of it is over. */
  #keep(
    ask: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
    use: (channel: ClientChannel) => Duplex,
  ): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      this.#channels.run(async () => {
        try {
          const most = await this.#mostInFlight();
          const stream = await this.#open(ask, channel => {
            limitInFlight(channel, most);
            return use(channel);
          });
          const over = new Promise<void>(done => stream.once('close', () => done()));
          stream.on('error', () => undefined);
          resolve(stream);
          await over;
        } catch (error) {
          reject(this.#notOpened(error as Error));
        }
      });
    });
  }

  /** `use` gets the channel at once: its end may be in the same packet as its beginning. */
  #open<T>(
    ask: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
    use: (channel: ClientChannel) => T,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#over || this.#closing) return reject(this.#lost());
      ask((error, channel) => (error ? reject(error) : resolve(use(channel))));
    });
  }

  #notOpened(error: Error): AirferryError {
    if (error instanceof AirferryError) return error;
    if (this.#over || /Not connected|No response from server/.test(error.message)) return this.#lost();
    return new AirferryError(
      'HOST_COMMAND_FAILED',
      `${describeTarget(this.target)} does not let commands be run: ${error.message || 'refused'}`,
      {
        where: { host: this.target.name },
        suggestions: ['Check ForceCommand, MaxSessions and the login shell of this user on the host.'],
        cause: error,
      },
    );
  }

  #lost(): AirferryError {
    const host = describeTarget(this.target);
    const silent = /Keepalive timeout/.test(this.#lastError?.message ?? '');
    const why = this.#closing
      ? `the connection to ${host} was closed while it was in use`
      : silent
        ? `the connection to ${host} was lost: ${this.target.keepalivesMissed ?? KEEPALIVES_MISSED} keepalives went unanswered`
        : `the connection to ${host} was lost${this.#lastError ? `: ${this.#lastError.message}` : ''}`;
    return new AirferryError('HOST_CONNECTION_LOST', why, {
      where: { host: this.target.name },
      suggestions: ['Run the same command again: it goes on where it was interrupted.'],
      cause: this.#lastError,
    });
  }
}
