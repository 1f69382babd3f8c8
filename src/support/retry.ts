/** Trying again after a failure that may pass: exponential backoff with full jitter. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryOptions {
  /** Attempts in all, the first one included. */
  attempts: number;
  /** Milliseconds of the first pause; doubled with each further one. */
  baseMs: number;
  /** Milliseconds that no pause exceeds, unless the other side named it. */
  maxMs: number;
  /** Whether this failure may pass, and if the other side named a pause (`Retry-After`), how long in milliseconds. */
  retryable: (error: unknown) => boolean | { afterMs: number };
  signal?: AbortSignal;
  /** Told before each pause. */
  onRetry?: (error: unknown, attempt: number, pauseMs: number) => void;
}

/**
 * Call `work` until it succeeds, fails for good, or the attempts are used up; then the last failure is thrown. A signal
 * that comes during a pause ends it with the signal's reason.
 */
export async function retry<T>(work: (attempt: number) => Promise<T>, options: RetryOptions): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const verdict = options.retryable(error);
      if (verdict === false || attempt >= options.attempts || options.signal?.aborted) throw error;
      const pause =
        verdict === true
          ? Math.random() * Math.min(options.maxMs, options.baseMs * 2 ** (attempt - 1))
          : verdict.afterMs;
      options.onRetry?.(error, attempt, pause);
      await sleep(pause, undefined, { signal: options.signal }).catch(failure => {
        options.signal?.throwIfAborted();
        throw failure;
      });
    }
  }
}
