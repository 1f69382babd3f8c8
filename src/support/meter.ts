/** Counting bytes towards a total, so that progress is monotonic and an end can be foretold. */

/** A snapshot: bytes done and expected so far, and milliseconds since the start. */
export interface Progress {
  done: number;
  total: number;
  elapsedMs: number;
}

/** Work that is measured in bytes. Whoever does the work tells it; whoever shows it reads `progress`. */
export class Meter {
  #done = 0;
  #total = 0;
  readonly #started = performance.now();

  /** More bytes than were known before are to be done. */
  expect(bytes: number): void {
    this.#total += bytes;
  }

  /** Bytes were done, or turned out to need no doing. */
  advance(bytes: number): void {
    this.#done += bytes;
  }

  get progress(): Progress {
    return { done: this.#done, total: this.#total, elapsedMs: performance.now() - this.#started };
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
