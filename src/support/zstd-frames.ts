/**
 * The borders of zstd frames. A file may hold several frames in a row (airferry, pzstd and Go tools write such), but
 * Node's decoder stops without a word after the first one, unless a frame ends where a chunk does. So chunks are cut
 * there. RFC 8878, section 3.1.
 */
const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
const CHECKSUM = 0x04;
const SINGLE_SEGMENT = 0x20;
const DICTIONARY_SIZES = [0, 1, 2, 4] as const;
const CONTENT_SIZES = [0, 2, 4, 8] as const;
const RLE = 1;

/** Damage, by the codes that Node's own decoders have for it. */
class ZstdError extends Error {
  readonly code: 'Z_BUF_ERROR' | 'Z_DATA_ERROR';

  constructor(code: ZstdError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** The same bytes, in chunks that end where a frame does. Throws errors like those of zlib. */
export async function* zstdFrames(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const scanner = new Scanner();
  for await (const chunk of bytes) yield* scanner.cut(chunk);
  if (!scanner.atBorder) throw new ZstdError('Z_BUF_ERROR', 'unexpected end of file');
}

/** What comes next: bytes to look at, or to let pass; `border` before the first byte of a frame. */
type Step = { look: number; border?: true } | { pass: number };

class Scanner {
  readonly #layout = layout();
  #step = this.#layout.next().value;
  #seen = 0;
  readonly #looked = new Uint8Array(4);

  /** True where the data may end. */
  get atBorder(): boolean {
    return 'look' in this.#step && this.#step.border === true && this.#seen === 0;
  }

  *cut(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let at = 0; at < chunk.length; ) {
      const step = this.#step;
      const need = 'look' in step ? step.look : step.pass;
      const part = chunk.subarray(at, at + need - this.#seen);
      if ('look' in step) this.#looked.set(part, this.#seen);
      this.#seen += part.length;
      at += part.length;
      if (this.#seen === need) this.#advance();
      if (this.atBorder && at > start) {
        yield chunk.subarray(start, at);
        start = at;
      }
    }
    if (start < chunk.length) yield chunk.subarray(start);
  }

  #advance(): void {
    do {
      this.#seen = 0;
      this.#step = this.#layout.next(this.#looked).value;
    } while ('pass' in this.#step && this.#step.pass === 0);
  }
}

/** The layout of frames as steps; each step that looks is given what it saw. */
function* layout(): Generator<Step, never, Uint8Array> {
  for (;;) {
    const magic = little(yield { look: 4, border: true }, 4);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      yield { pass: little(yield { look: 4 }, 4) };
      continue;
    }
    if (magic !== MAGIC) throw new ZstdError('Z_DATA_ERROR', 'this is no zstd frame');
    const descriptor = (yield { look: 1 })[0] ?? 0;
    const single = (descriptor & SINGLE_SEGMENT) !== 0;
    const content = CONTENT_SIZES[(descriptor >> 6) as 0 | 1 | 2 | 3];
    const dictionary = DICTIONARY_SIZES[(descriptor & 3) as 0 | 1 | 2 | 3];
    yield { pass: dictionary + (single ? Math.max(1, content) : content + 1) };
    for (let last = false; !last; ) {
      const block = little(yield { look: 3 }, 3);
      last = (block & 1) === 1;
      yield { pass: ((block >> 1) & 3) === RLE ? 1 : block >>> 3 };
    }
    yield { pass: descriptor & CHECKSUM ? 4 : 0 };
  }
}

function little(bytes: Uint8Array, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + (bytes[i] ?? 0);
  return value;
}
