/** Counting bytes towards a total, so that progress is monotonic and an end can be foretold. */

/** A snapshot: bytes, and milliseconds since the start. */
export interface Progress {
  done: number;
  /** What was expected, less what turned out to need no doing. Content that several want is expected once. */
  total: number;
  /** What turned out to need no doing. */
  spared: number;
  elapsedMs: number;
}

/** Work that is measured in bytes. Whoever does the work tells it; whoever shows it reads `progress`. */
export class Meter {
  #done = 0;
  #expected = 0;
  #spared = 0;
  readonly #started = performance.now();

  /** More bytes than were known before are to be done. */
  expect(bytes: number): void {
    this.#expected += bytes;
  }

  /** Bytes were done. */
  advance(bytes: number): void {
    this.#done += bytes;
  }

  /** Expected bytes need no doing: they are there. The share that is done grows by it, the pace does not. */
  spare(bytes: number): void {
    this.#spared += bytes;
  }

  get progress(): Progress {
    const elapsedMs = performance.now() - this.#started;
    return { done: this.#done, total: this.#expected - this.#spared, spared: this.#spared, elapsedMs };
  }

  /**
   * A stream whose bytes count once they pass. A second stream over the same content, after a failure, counts only
   * what goes beyond the first: `mark` is where that memory lives.
   */
  async *count(bytes: AsyncIterable<Uint8Array>, mark: { reached: number }): AsyncGenerator<Uint8Array> {
    let at = 0;
    for await (const chunk of bytes) {
      yield chunk;
      at += chunk.length;
      if (at > mark.reached) {
        this.advance(at - mark.reached);
        mark.reached = at;
      }
    }
  }
}

/** Milliseconds that the rest will take at the pace so far; undefined while that would be a guess. */
export function remainingMs({ done, total, elapsedMs }: Progress): number | undefined {
  if (done === 0 || elapsedMs < 1000 || total < done) return undefined;
  return ((total - done) / done) * elapsedMs;
}
