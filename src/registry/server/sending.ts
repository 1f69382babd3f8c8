/** Blobs on the wire: checked once in a while instead of each time, and with little memory where there are many. */
import type { Digest } from '../../content/digest.ts';
import type { ByteRange, ServedBlob } from './content.ts';
import type { Exchange, Headers } from './exchange.ts';

/** Answers that may take large chunks, a few MiB of memory each. A whole site that pulls at once takes small pieces. */
const LARGE = 8;
/** Bytes. */
const PIECE = 128 * 1024;
/**
 * How long a blob is taken for sound that was found so: hashing costs more than sending. Clients check what they get
 * in any case; this here is for the operator, who is told of damage. Milliseconds.
 */
const SOUND_MS = 3600_000;
const REMEMBERED = 100_000;

/** The blobs that one server sends. */
export class Sending {
  #active = 0;
  readonly #sound = new Map<Digest, number>();

  /** Send a blob, or a part of it. Throws what reading it throws, DIGEST_MISMATCH for a damaged one. */
  async send(
    exchange: Exchange,
    answer: { status: number; headers: Headers },
    { digest, blob, range }: { digest: Digest; blob: ServedBlob; range: ByteRange | undefined },
  ): Promise<void> {
    const { first, last } = range ?? { first: 0, last: blob.size - 1 };
    const length = last - first + 1;
    const checked = range === undefined && !this.#isSound(digest);
    this.#active++;
    const open = (): AsyncIterable<Uint8Array> => {
      if (checked || length === 0) return heldBack(blob.open());
      return this.#active > LARGE ? inPieces(blob, first, last) : blob.open({ first, last });
    };
    try {
      const whole = await exchange.stream(answer.status, answer.headers, length, open);
      if (whole && checked) this.#remember(digest);
    } finally {
      this.#active--;
    }
  }

  #isSound(digest: Digest): boolean {
    return (this.#sound.get(digest) ?? 0) > Date.now();
  }

  #remember(digest: Digest): void {
    this.#sound.delete(digest);
    this.#sound.set(digest, Date.now() + SOUND_MS);
    const [oldest] = this.#sound.keys();
    if (this.#sound.size > REMEMBERED && oldest !== undefined) this.#sound.delete(oldest);
  }
}

async function* inPieces(blob: ServedBlob, first: number, last: number): AsyncGenerator<Uint8Array> {
  for (let at = first; at <= last; at += PIECE)
    yield* blob.open({ first: at, last: Math.min(at + PIECE - 1, last) });
}

/** Every chunk one step late, so that bytes whose check fails at their end are never sent whole. */
async function* heldBack(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined;
  for await (const chunk of bytes) {
    if (held) yield held;
    held = chunk;
  }
  if (held) yield held;
}
