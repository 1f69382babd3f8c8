/** Going through a tar stream once, entry by entry, with memory for one chunk only. */
import { AirferryError } from '../errors.ts';
import { paddedSize, readHeader, type TarHeader } from './header.ts';
import { ENTRIES_LIMIT, tooMany, truncated } from './index.ts';

export interface WalkedEntry {
  header: TarHeader;
  /** The content. Read it before asking for the next entry; what is left unread is skipped. */
  body: AsyncIterable<Uint8Array>;
}

/**
 * The entries of a tar stream in order. `path` names the archive in errors; more entries than `limit` are refused, for
 * those who keep something of each. Throws ARCHIVE_INVALID or ARCHIVE_TRUNCATED; drains the stream to its end.
 */
export async function* walkTar(
  bytes: AsyncIterable<Uint8Array>,
  path: string,
  limit = ENTRIES_LIMIT,
): AsyncGenerator<WalkedEntry> {
  const reader = new BlockReader(bytes, path);
  try {
    for (let count = 0; ; count++) {
      const header = await decodeNext(reader, path, count === 0);
      if (header === undefined) break;
      if (count === limit) throw tooMany(path);
      let left = header.size;
      const body = (async function* () {
        while (left > 0) {
          const chunk = await reader.upTo(left, header.name);
          left -= chunk.length;
          yield chunk;
        }
      })();
      yield { header, body };
      while (left > 0) left -= (await reader.upTo(left, header.name)).length;
      await reader.skipPadding(paddedSize(header.size) - header.size);
    }
    await reader.drain();
  } finally {
    await reader.close();
  }
}

async function decodeNext(reader: BlockReader, path: string, first: boolean): Promise<TarHeader | undefined> {
  if (!first && (await reader.atEnd())) return undefined;
  const offset = reader.offset;
  const decoder = readHeader();
  try {
    let step = decoder.next();
    while (!step.done) step = decoder.next(await reader.exactly(step.value));
    return step.value;
  } catch (error) {
    if (error instanceof AirferryError) throw error.at({ file: path, offset });
    throw error;
  }
}

/** Cuts a stream of chunks to the lengths that are asked for, without copying where a chunk is long enough. */
class BlockReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #path: string;
  #chunk: Uint8Array = new Uint8Array();
  offset = 0;

  constructor(source: AsyncIterable<Uint8Array>, path: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#path = path;
  }

  async atEnd(): Promise<boolean> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done) return true;
      this.#chunk = next.value;
    }
    return false;
  }

  /** Between one and `limit` bytes. */
  async upTo(limit: number, entry?: string): Promise<Uint8Array> {
    if (await this.atEnd()) throw truncated(this.#path, this.offset, entry);
    const part = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(part.length);
    this.offset += part.length;
    return part;
  }

  async exactly(length: number): Promise<Uint8Array> {
    const first = await this.upTo(length);
    if (first.length === length) return first;
    const whole = Buffer.alloc(length);
    whole.set(first);
    for (let filled = first.length; filled < length; ) {
      const part = await this.upTo(length - filled);
      whole.set(part, filled);
      filled += part.length;
    }
    return whole;
  }

  /** Padding may be missing after the last entry of an archive without end blocks. */
  async skipPadding(length: number): Promise<void> {
    for (let left = length; left > 0 && !(await this.atEnd()); ) left -= (await this.upTo(left)).length;
  }

  async drain(): Promise<void> {
    while (!(await this.atEnd())) await this.upTo(this.#chunk.length);
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
