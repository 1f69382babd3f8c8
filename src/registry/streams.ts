/** What happens to a blob's bytes between their source and the request that carries them. */

import type { Descriptor } from '../content/descriptor.ts';
import { shortDigest } from '../content/digest.ts';
import { AirferryError } from '../errors.ts';
import { RegistryError } from './errors.ts';

export type Bytes = AsyncIterable<Uint8Array>;

/**
 * The bytes of a source that verifies itself, where the last chunk waits until the source has ended well: a registry
 * never gets the whole of a blob that turns out wrong. Throws DIGEST_MISMATCH when the size is not the one promised,
 * and what the source throws.
 */
export async function* heldBack(source: Bytes, { digest, size }: Descriptor): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined;
  let passed = 0;
  for await (const chunk of source) {
    passed += chunk.length;
    if (passed > size) break;
    if (chunk.length === 0) continue;
    if (held) yield held;
    held = chunk;
  }
  if (passed !== size) {
    const found = passed > size ? 'more' : `${passed}`;
    throw new AirferryError('DIGEST_MISMATCH', `a blob of ${size} bytes has ${found} at its source`, {
      where: { blob: digest },
      suggestions: [`The source of ${shortDigest(digest)} is damaged: verify it, or make it again.`],
    });
  }
  if (held) yield held;
}

/** Bytes read ahead into lists of chunks of at least `size` bytes together; only the last may be shorter. */
export async function* pieces(
  source: Bytes,
  size: number,
): AsyncGenerator<{ chunks: Uint8Array[]; length: number }> {
  let chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of source) {
    chunks.push(chunk);
    length += chunk.length;
    if (length < size) continue;
    yield { chunks, length };
    chunks = [];
    length = 0;
  }
  if (length > 0) yield { chunks, length };
}

/** One reading of a source, cut into portions that become the bodies of consecutive requests. Nothing is gathered. */
export class Portions {
  readonly #source: AsyncIterator<Uint8Array>;
  #left: Uint8Array = new Uint8Array();

  constructor(source: Bytes) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Read so many bytes and drop them; `each` is called in between. */
  async skip(length: number, each: () => void): Promise<void> {
    for await (const _ of this.#take(length)) each();
  }

  /** The next bytes, as a body. It can be sent once: a second call throws a RegistryError that may pass. */
  next(length: number): () => Bytes {
    let taken = false;
    return () => {
      if (taken) {
        throw new RegistryError('REGISTRY_FAILED', 'a part of a blob has to be sent a second time', {
          mayPass: true,
        });
      }
      taken = true;
      return this.#take(length);
    };
  }

  /** Let the source go. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async *#take(length: number): AsyncGenerator<Uint8Array> {
    for (let wanted = length; wanted > 0; ) {
      if (this.#left.length === 0) {
        const { done, value } = await this.#source.next();
        if (done) return;
        this.#left = value;
      }
      const piece = this.#left.subarray(0, wanted);
      this.#left = this.#left.subarray(piece.length);
      wanted -= piece.length;
      if (piece.length > 0) yield piece;
    }
  }
}
