/** A limited number of places at which work is done. Work that only waits for an answer may lend its place out. */

/** Places that are out on loan at once, at most: those who come back all want to go on. */
const MOST_LENT = 100;

/** The place of one piece of work. */
export interface Place {
  /**
   * Wait for an answer. When it takes longer than `patienceMs`, somebody else gets the place meanwhile; with the answer
   * it is waited for a place again. After a failure there is none.
   */
  waiting<T>(answer: Promise<T>, patienceMs: number): Promise<T>;
}

export class Places {
  #free: number;
  #lent = 0;
  readonly #queue: (() => void)[] = [];

  constructor(places: number) {
    this.#free = Math.max(1, places);
  }

  /** Do `work` as soon as a place is free, in the order in which it was asked for. */
  async run<T>(work: (place: Place) => Promise<T>): Promise<T> {
    await this.#take();
    const place = { held: true };
    try {
      return await work({ waiting: (answer, patienceMs) => this.#wait(place, answer, patienceMs) });
    } finally {
      if (place.held) this.#give();
    }
  }

  async #wait<T>(place: { held: boolean }, answer: Promise<T>, patienceMs: number): Promise<T> {
    let lent = false;
    const timer = setTimeout(() => {
      if (!place.held || this.#lent >= MOST_LENT) return;
      lent = true;
      place.held = false;
      this.#lent++;
      this.#give();
    }, patienceMs);
    try {
      const result = await answer;
      if (lent) {
        await this.#take();
        place.held = true;
      }
      return result;
    } finally {
      clearTimeout(timer);
      if (lent) this.#lent--;
    }
  }

  async #take(): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>(resolve => this.#queue.push(resolve));
  }

  #give(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#free++;
  }
}
