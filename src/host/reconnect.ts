/**
 * A connection that can be made anew. Whoever loses it gets HOST_CONNECTION_LOST as ever, may then `restore` it, and goes
 * on through the same object; what ran on it is for them to begin again.
 */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { AirferryError, abortError, isAirferryError } from '../errors.ts';
import type { ExecOptions, ExecResult } from './exec.ts';
import type { Incoming, ReverseForward } from './forward.ts';
import type { HostConnection } from './host-connection.ts';
import { describeTarget, type HostTarget } from './target.ts';

export interface ReconnectOptions {
  /** Milliseconds in which a host has to be back; 0: never wait for one. */
  withinMs: number;
  signal?: AbortSignal;
  /** Told before the first attempt. */
  onAttempt?: () => void;
}

/** Milliseconds between attempts; the last one is repeated. */
const PAUSES = [500, 1_000, 2_000, 4_000, 8_000] as const;
/** Times that one connection is made anew: a link that breaks more often than that carries nothing. */
const MOST_RESTORED = 20;

/** What an attempt fails with while a link is down, a host boots, or its sshd starts. */
const PASSING = ['HOST_UNREACHABLE', 'HOST_TIMEOUT', 'HOST_CONNECTION_LOST'] as const;

export class RestorableConnection implements HostConnection {
  readonly #dial: () => Promise<HostConnection>;
  #current: HostConnection;
  #restored = 0;
  /** By `performance.now()`. */
  #deadline: number | undefined;

  /** `dial` makes the connection anew. */
  constructor(first: HostConnection, dial: () => Promise<HostConnection>) {
    this.#current = first;
    this.#dial = dial;
  }

  get target(): HostTarget {
    return this.#current.target;
  }

  get closed(): Promise<void> {
    return this.#current.closed;
  }

  /** Milliseconds from now after which no command may run any more: they end with HOST_TIMEOUT. Undefined: no such end. */
  limit(ms: number | undefined): void {
    this.#deadline = ms === undefined ? undefined : performance.now() + ms;
  }

  async exec(command: string, options: ExecOptions = {}): Promise<ExecResult> {
    if (this.#deadline === undefined) return this.#current.exec(command, options);
    const left = Math.max(1, Math.round(this.#deadline - performance.now()));
    return this.#current.exec(command, {
      ...options,
      timeoutMs: Math.min(options.timeoutMs ?? Infinity, left),
    });
  }

  openCommand(command: string, title: string): Promise<Duplex> {
    return this.#current.openCommand(command, title);
  }

  openSocket(path: string): Promise<Duplex> {
    return this.#current.openSocket(path);
  }

  forwardIn(onConnection: (incoming: Incoming) => void): Promise<ReverseForward> {
    return this.#current.forwardIn(onConnection);
  }

  roundTripMs(): Promise<number> {
    return this.#current.roundTripMs();
  }

  /**
   * Make the connection anew after `lost`, trying until the time is over.
   * @throws {AirferryError} `lost` with what was tried when the host does not come back; at once what will not pass:
   *   HOST_KEY_CHANGED, HOST_AUTH_FAILED. INTERRUPTED by the signal.
   */
  async restore(lost: AirferryError, { withinMs, signal, onAttempt }: ReconnectOptions): Promise<void> {
    if (withinMs <= 0 || this.#restored >= MOST_RESTORED) throw lost;
    this.#restored++;
    await this.#current.close().catch(() => undefined);
    const end = performance.now() + withinMs;
    onAttempt?.();
    for (let attempt = 0; ; attempt++) {
      await pause(
        Math.min(PAUSES[Math.min(attempt, PAUSES.length - 1)] ?? 0, end - performance.now()),
        signal,
      );
      try {
        this.#current = await this.#dial();
        return;
      } catch (error) {
        if (signal?.aborted) throw abortError(signal);
        if (!isAirferryError(error, ...PASSING)) throw error;
        if (performance.now() >= end) throw given(this.target, lost, error, withinMs);
      }
    }
  }

  close(): Promise<void> {
    return this.#current.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(Math.max(0, ms), undefined, signal ? { signal } : {});
  } catch {
    throw abortError(signal);
  }
}

function given(
  target: HostTarget,
  lost: AirferryError,
  last: AirferryError,
  withinMs: number,
): AirferryError {
  const seconds = Math.round(withinMs / 1000);
  return new AirferryError(
    lost.code,
    `${lost.message}; ${describeTarget(target)} was not back within ${seconds} s (${last.message})`,
    { where: lost.where, suggestions: lost.suggestions, cause: last },
  );
}
