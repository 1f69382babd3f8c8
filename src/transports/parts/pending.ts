/**
 * Writing one file as parts. To whoever writes it is one file, whose beginning may be written last; each byte goes straight to
 * its place in its part, and is hashed on the way. No part has its name before all of them are whole and on the disk.
 */
import { readdir, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { ReadFile } from '../../support/file.ts';
import { PendingFile, type PendingOutput } from '../../support/write-file.ts';
import {
  formatPartHeader,
  MOST_PARTS,
  numberOf,
  PART_HEADER,
  type PartContent,
  type PartHeader,
  type PartsOf,
  parsePartHeader,
  partPath,
  setDigest,
  wholeName,
} from './header.ts';
import { LeafDigester, Leaves } from './leaves.ts';
import { exclusiveOr } from './parity.ts';

export interface PartsOptions {
  /** Bytes of a part's file at most. */
  partSize: number;
  /** Write a part more, from which any one lost part can be made anew. */
  parity?: boolean;
}

/** A part that was written. */
export interface WrittenPart {
  path: string;
  /** Bytes of the file. */
  size: number;
}

interface PendingPart {
  file: PendingFile;
  leaves: Leaves;
}

/** Bytes of a part's file at least. */
export const LEAST_PART = 64 * 1024;

export class PendingParts implements PendingOutput {
  readonly path: string;
  /** The parts, once they are committed. */
  readonly written: WrittenPart[] = [];
  readonly #each: number;
  readonly #parity: boolean;
  readonly #parts: Promise<PendingPart>[] = [];
  readonly #begun: PendingFile[] = [];
  #position = 0;
  #underway: Promise<unknown> = Promise.resolve();
  #bundle: PartsOf | undefined;

  private constructor(path: string, { partSize, parity = false }: PartsOptions) {
    this.path = path;
    this.#each = partSize - PART_HEADER;
    this.#parity = parity;
  }

  /** Begin a file in parts: `path` is what their names have in common. Throws FILE_UNWRITABLE; USAGE for parts that are too small. */
  static async create(path: string, options: PartsOptions): Promise<PendingParts> {
    if (options.partSize < LEAST_PART)
      throw new AirferryError(
        'USAGE',
        `a part of ${options.partSize} bytes is too small; the least is ${LEAST_PART}`,
      );
    const parts = new PendingParts(path, options);
    await parts.#part(0);
    return parts;
  }

  get position(): number {
    return this.#position;
  }

  async rewind(position: number): Promise<void> {
    await this.#underway;
    this.#position = position;
  }

  skip(bytes: number): void {
    this.#position += bytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    const at = this.#position;
    this.#position += bytes.length;
    await this.#underway;
    this.#underway = this.writeAt(bytes, at);
    this.#underway.catch(() => undefined);
  }

  async writeAt(bytes: Uint8Array, at: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const offset = (at + done) % this.#each;
      const piece = bytes.subarray(done, done + this.#each - offset);
      done += piece.length;
      const { file, leaves } = await this.#part(Math.floor((at + done - 1) / this.#each));
      leaves.wrote(piece, offset);
      await file.writeAt(piece, PART_HEADER + offset);
    }
  }

  /** What the parts will say they are of; to be told before `commit`. */
  identify({ name, version, digest }: PartsOf): void {
    this.#bundle = { name, version, digest };
  }

  async commit(): Promise<void> {
    await this.#underway;
    const bundle = this.#bundle;
    if (!bundle) throw new Error('nobody said what the parts are of');
    const total = this.#position;
    const of = Math.ceil(total / this.#each);
    const parts: { file: PendingFile; content: PartContent }[] = [];
    for (let i = 0; i < of; i++) parts.push(await this.#close(i, total));
    for (const spare of this.#begun.splice(of)) await spare.discard();
    if (this.#parity) parts.push(await this.#addParity(parts));
    const set = setDigest(
      bundle,
      parts.map(({ content }) => content),
    );
    for (const { file, content } of parts) {
      const header = { bundle, ...content, of, total, set, parity: this.#parity };
      await file.writeAt(formatPartHeader(header), 0);
      await file.rewind(PART_HEADER + content.size);
      await file.seal();
      this.written.push({ path: file.path, size: PART_HEADER + content.size });
    }
    for (const { file } of parts) await file.commit();
    await this.#removeOlder(of);
  }

  async discard(): Promise<void> {
    await this.#underway.catch(() => undefined);
    await Promise.allSettled(this.#parts);
    for (const file of this.#begun) await file.discard();
  }

  async #part(index: number): Promise<PendingPart> {
    if (index >= MOST_PARTS) throw tooMany(this.path);
    for (let i = this.#parts.length; i <= index; i++) {
      const part = this.#begin(i);
      part.catch(() => undefined);
      this.#parts.push(part);
    }
    return this.#parts[index] as Promise<PendingPart>;
  }

  async #begin(index: number): Promise<PendingPart> {
    const file = await PendingFile.create(partPath(this.path, index + 1));
    this.#begun[index] = file;
    return { file, leaves: new Leaves() };
  }

  async #close(index: number, total: number): Promise<{ file: PendingFile; content: PartContent }> {
    const { file, leaves } = await this.#part(index);
    const start = index * this.#each;
    const size = Math.min(this.#each, total - start);
    const digest = await leaves.digest(size, (at, length) => file.readAt(PART_HEADER + at, length));
    return { file, content: { part: index + 1, start, size, digest } };
  }

  /**
   * The parity part. It needs all parts at the same offset, so they are read once more: to keep it up to date while they
   * are written would read and write as much of it as of all of them together.
   */
  async #addParity(
    parts: readonly { file: PendingFile; content: PartContent }[],
  ): Promise<{ file: PendingFile; content: PartContent }> {
    const file = await PendingFile.create(partPath(this.path, 'parity'));
    this.#begun.push(file);
    const size = parts[0]?.content.size ?? 0;
    const digester = new LeafDigester();
    file.skip(PART_HEADER);
    const sources = parts.map(
      ({ file: part, content }) =>
        (at: number, length: number) =>
          part.readAt(PART_HEADER + at, Math.max(0, Math.min(length, content.size - at))),
    );
    for await (const chunk of exclusiveOr(sources, size)) {
      digester.update(chunk);
      await file.append(chunk);
    }
    return { file, content: { part: 'parity', start: 0, size, digest: digester.digest() } };
  }

  /** Parts of an earlier cut under the same name, which had more of them. */
  async #removeOlder(of: number): Promise<void> {
    const folder = dirname(this.path);
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if (wholeName(name) !== basename(this.path) || this.written.some(part => part.path === path)) continue;
      const header = headerOf(path);
      if (
        header &&
        partPath(this.path, header.part) === path &&
        (header.part === 'parity' || numberOf(header) > of)
      )
        await unlink(path);
    }
  }
}

function headerOf(path: string): PartHeader | undefined {
  try {
    const file = ReadFile.open(path);
    try {
      return parsePartHeader(file.readAt(0, PART_HEADER), path);
    } finally {
      file.close();
    }
  } catch (error) {
    if (isAirferryError(error)) return undefined;
    throw error;
  }
}

function tooMany(path: string): AirferryError {
  return new AirferryError('USAGE', `${path} would have more than ${MOST_PARTS} parts`, {
    suggestions: ['Choose a larger --part-size.'],
  });
}
