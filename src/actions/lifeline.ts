/**
 * What keeps the work on a host going: a connection that is lost is made anew, and the step that it was lost in begins
 * again. Steps look first and do only what is left, so an upload goes on from the byte where it stopped.
 */
import { AirferryError, isAirferryError } from '../errors.ts';
import type { HostLock } from '../host/lock.ts';
import type { RestorableConnection } from '../host/reconnect.ts';
import { describeTarget } from '../host/target.ts';
import { formatDuration } from '../support/format.ts';
import type { HostsOptions } from './host-results.ts';

const DEFAULT_RECONNECT_MS = 60_000;

export class Lifeline {
  /** Held all the while: without it nobody knows what became of the host in between. */
  lock: HostLock | undefined;
  readonly #connection: RestorableConnection;
  readonly #options: Pick<HostsOptions, 'reconnectMs' | 'stepTimeoutMs' | 'signal'>;

  constructor(
    connection: RestorableConnection,
    options: Pick<HostsOptions, 'reconnectMs' | 'stepTimeoutMs' | 'signal'>,
  ) {
    this.#connection = connection;
    this.#options = options;
  }

  /**
   * Do a step, again from its beginning whenever the connection was lost in it and is there again.
   * @param title of the step, for messages
   * @throws {AirferryError} HOST_TIMEOUT when the step takes longer than it may; what `work` and reconnecting throw
   */
  async lasting<T>(title: string, note: (text: string) => void, work: () => Promise<T>): Promise<T> {
    const { stepTimeoutMs } = this.#options;
    for (;;) {
      const started = performance.now();
      this.#connection.limit(stepTimeoutMs);
      try {
        return await work();
      } catch (error) {
        const late = stepTimeoutMs !== undefined && performance.now() - started >= stepTimeoutMs;
        if (late && isAirferryError(error, 'HOST_TIMEOUT')) throw this.#late(title, stepTimeoutMs, error);
        if (!isAirferryError(error, 'HOST_CONNECTION_LOST')) throw error;
        this.#connection.limit(undefined);
        await this.#restore(error, note);
      } finally {
        this.#connection.limit(undefined);
      }
    }
  }

  async #restore(first: AirferryError, note: (text: string) => void): Promise<void> {
    const { reconnectMs = DEFAULT_RECONNECT_MS, signal } = this.#options;
    const onAttempt = (): void =>
      note(`the connection was lost; waiting up to ${formatDuration(reconnectMs)} for it`);
    for (let lost = first; ; ) {
      await this.#connection.restore(lost, {
        withinMs: reconnectMs,
        onAttempt,
        ...(signal ? { signal } : {}),
      });
      try {
        if (this.lock && !(await this.lock.isHeld())) throw this.#changed(lost);
        return note('connected again; it goes on where it stopped');
      } catch (error) {
        if (!isAirferryError(error, 'HOST_CONNECTION_LOST') || error.cause === lost) throw error;
        lost = error;
      }
    }
  }

  #changed(lost: AirferryError): AirferryError {
    const host = describeTarget(this.#connection.target);
    return new AirferryError(
      'HOST_CONNECTION_LOST',
      `${host} is there again, but our lock on it is gone: it was restarted meanwhile, or somebody broke the lock`,
      { where: lost.where, suggestions: lost.suggestions, cause: lost },
    );
  }

  #late(title: string, ms: number, cause: AirferryError): AirferryError {
    const host = describeTarget(this.#connection.target);
    return new AirferryError(
      'HOST_TIMEOUT',
      `"${title}" did not end within ${formatDuration(ms)} on ${host}`,
      {
        where: cause.where,
        suggestions: [
          'Look at what keeps the host busy (top, journalctl -f), then run the same command again, with a longer --timeout.',
        ],
        cause,
      },
    );
  }
}
