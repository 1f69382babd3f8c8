/** How fast one registry is asked: so many requests per second at most, and none while it wants a pause. */
import { setTimeout as sleep } from 'node:timers/promises';

export class Pace {
  /** Milliseconds that each request takes up. */
  readonly #each: number;
  /** Milliseconds by which requests may come early: a second's worth may come at once. */
  readonly #burst: number;
  /** `performance.now()` at which the next request would come if they came evenly. */
  #next = 0;
  /** `performance.now()` before which the registry wants no request. */
  #notBefore = 0;

  /** Without `perSecond` only pauses count. Fractions are fine: 0.5 is a request every two seconds. */
  constructor(perSecond?: number) {
    this.#each = perSecond === undefined ? 0 : 1000 / perSecond;
    this.#burst = perSecond === undefined || perSecond <= 1 ? 0 : 1000 - this.#each;
  }

  /** Let no request begin for so many milliseconds. The longest of several pauses counts. */
  hold(ms: number): void {
    this.#notBefore = Math.max(this.#notBefore, performance.now() + ms);
  }

  /** Wait for one's turn. An aborted signal ends it with an AbortError. */
  async turn(signal: AbortSignal | undefined): Promise<void> {
    const turn = Math.max(performance.now(), this.#next - this.#burst);
    this.#next = Math.max(this.#next, performance.now()) + this.#each;
    for (;;) {
      const left = Math.max(turn, this.#notBefore) - performance.now();
      if (left <= 0) return;
      await sleep(left, undefined, { signal });
    }
  }
}
