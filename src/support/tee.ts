/** One stream, two readers: what passes to the first is seen by the second, in step, with one chunk in memory. */

type Bytes = AsyncIterable<Uint8Array>;

/**
 * Split a stream. `passing` drives: each chunk goes to `copy` first, once that asks for it, and then on. When the copy's
 * reader leaves early, `passing` goes on alone. When the source fails, both fail; when `passing` is given up before its
 * end, `copy` fails.
 */
export function tee(bytes: Bytes): { passing: Bytes; copy: Bytes } {
  const side = new Side();
  async function* passing(): AsyncGenerator<Uint8Array> {
    let outcome: { error?: unknown } = { error: new Error('the stream was given up before its end') };
    try {
      for await (const chunk of bytes) {
        await side.give(chunk);
        yield chunk;
      }
      outcome = {};
    } catch (error) {
      outcome = { error };
      throw error;
    } finally {
      side.end(outcome);
    }
  }
  return { passing: passing(), copy: { [Symbol.asyncIterator]: () => side } };
}

/** The second reader's end: an iterator that is fed. */
class Side implements AsyncIterator<Uint8Array> {
  #asking: PromiseWithResolvers<IteratorResult<Uint8Array>> | undefined;
  #asked = Promise.withResolvers<void>();
  #left = false;
  #outcome: { error?: unknown } | undefined;

  next(): Promise<IteratorResult<Uint8Array>> {
    this.#asking = Promise.withResolvers();
    const { promise } = this.#asking;
    if (this.#outcome) this.#settle(this.#outcome);
    this.#asked.resolve();
    return promise;
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#left = true;
    this.#asked.resolve();
    return { done: true, value: undefined };
  }

  /** Hand over a chunk when it is asked for; at once when nobody will ask any more. */
  async give(chunk: Uint8Array): Promise<void> {
    await this.#asked.promise;
    if (this.#left) return;
    this.#asked = Promise.withResolvers();
    this.#asking?.resolve({ done: false, value: chunk });
    this.#asking = undefined;
  }

  end(outcome: { error?: unknown }): void {
    this.#outcome = outcome;
    this.#settle(outcome);
  }

  #settle(outcome: { error?: unknown }): void {
    if ('error' in outcome) this.#asking?.reject(outcome.error);
    else this.#asking?.resolve({ done: true, value: undefined });
    this.#asking = undefined;
  }
}
