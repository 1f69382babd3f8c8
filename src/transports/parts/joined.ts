/** Several parts read as one file, each where it lies: nothing is joined on any disk. */
import { type ReadableFile, ReadFile, type Stretch } from '../../support/file.ts';
import { PART_HEADER, type PartHeader, type PartsOf } from './header.ts';

/** A part that was found. */
export interface Part {
  path: string;
  header: PartHeader;
}

interface OpenPart extends Part {
  file: ReadFile;
}

export class JoinedFile implements ReadableFile {
  readonly path: string;
  readonly size: number;
  /** What was cut. */
  readonly bundle: PartsOf;
  readonly #parts: OpenPart[];

  /** Open parts that are all there, in order, and fit together. Throws FILE_NOT_FOUND, FILE_UNREADABLE. */
  constructor(path: string, parts: readonly [Part, ...Part[]]) {
    this.path = path;
    this.bundle = parts[0].header.bundle;
    this.size = parts[0].header.total;
    this.#parts = [];
    try {
      for (const part of parts) this.#parts.push({ ...part, file: ReadFile.open(part.path) });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** The parts, in order. */
  get parts(): readonly Part[] {
    return this.#parts;
  }

  readAt(offset: number, length: number): Uint8Array {
    const pieces = [...this.#pieces(offset, length)].map(({ part, at, size }) => part.file.readAt(at, size));
    return pieces.length === 1 ? (pieces[0] as Uint8Array) : Buffer.concat(pieces);
  }

  async *stream(offset = 0, length: number = this.size - offset): AsyncGenerator<Uint8Array> {
    for (const { part, at, size } of this.#pieces(offset, length)) yield* part.file.stream(at, size);
  }

  async *lend(offset = 0, length: number = this.size - offset): AsyncGenerator<Uint8Array> {
    for (const { part, at, size } of this.#pieces(offset, length)) yield* part.file.lend(at, size);
  }

  locate(offset: number): { file: string; offset: number } {
    const part = this.#parts[this.#indexAt(offset)];
    if (!part) return { file: this.path, offset };
    return { file: part.path, offset: PART_HEADER + offset - part.header.start };
  }

  stretches(offset: number, length: number): Stretch[] {
    return [...this.#pieces(offset, length)].map(({ part, at, size }) => ({
      file: part.path,
      offset: at,
      length: size,
    }));
  }

  close(): void {
    for (const { file } of this.#parts) file.close();
  }

  /** The parts that a stretch of the whole lies in; its end is cut to that of the whole. */
  *#pieces(offset: number, length: number): Generator<{ part: OpenPart; at: number; size: number }> {
    const end = Math.min(this.size, offset + length);
    for (let at = offset, i = this.#indexAt(offset); at < end; i++) {
      const part = this.#parts[i];
      if (!part) return;
      const { start, size } = part.header;
      const stop = Math.min(end, start + size);
      yield { part, at: PART_HEADER + at - start, size: stop - at };
      at = stop;
    }
  }

  /** All parts but the last have the same size. */
  #indexAt(offset: number): number {
    const each = this.#parts[0]?.header.size || 1;
    return Math.min(Math.floor(offset / each), this.#parts.length - 1);
  }
}

/** The parts that a stretch of a file lies in; none where it is not in parts. */
export function partsAt(file: ReadableFile, offset: number, length: number): Part[] {
  if (!(file instanceof JoinedFile)) return [];
  return file.parts.filter(
    ({ header }) => header.start < offset + Math.max(length, 1) && header.start + header.size > offset,
  );
}
