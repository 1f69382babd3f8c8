/**
 * What plain layers became when they were compressed, from run to run: a push that is repeated, or that goes on after an
 * interruption, then asks the registry for them by name instead of compressing and sending them again. Whatever goes
 * wrong here costs that, never a push.
 */
import { appendFileSync } from 'node:fs';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { versions } from 'node:process';
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, isDigest } from '../content/digest.ts';
import { type Compression, layerMediaType } from '../content/media-types.ts';
import { makeFolders } from '../support/folders.ts';

/** Layers by the digest of their uncompressed tar, and what they are at the target. A Map is one. */
export interface KnownLayers {
  get(diffId: Digest): Descriptor | undefined;
  has(diffId: Digest): boolean;
  set(diffId: Digest, descriptor: Descriptor): unknown;
  /** What an earlier run has said of a layer turned out to be wrong. False where it was not an earlier run's word. */
  disown?(diffId: Digest): boolean;
}

/** Bytes of a book, some 20,000 layers; the older half goes when it is full. */
const BOOK_LIMIT = 4 * 1024 * 1024;
/** To be raised when the same layer is compressed to other bytes: block sizes, levels. */
const EDITION = 1;

export class LayerBook implements KnownLayers {
  readonly #file: string;
  readonly #compression: Compression;
  readonly #before: Map<Digest, Descriptor>;
  readonly #now = new Map<Digest, Descriptor>();

  private constructor(file: string, compression: Compression, before: Map<Digest, Descriptor>) {
    this.#file = file;
    this.#compression = compression;
    this.#before = before;
  }

  /** Open the book in `folder`, which is made where it is missing: one for each manner of compressing. */
  static async open(folder: string, compression: Compression): Promise<LayerBook> {
    const library = compression === 'zstd' ? versions.zstd : versions.zlib;
    const file = join(folder, `${compression}-${EDITION}-${library ?? 'none'}`);
    const before = new Map<Digest, Descriptor>();
    try {
      await makeFolders(folder, 0o700);
      for (const line of await linesOf(file)) {
        const entry = parse(line, compression);
        if (entry) before.set(...entry);
      }
    } catch {
      // There is no book yet, or none that may be read.
    }
    return new LayerBook(file, compression, before);
  }

  get(diffId: Digest): Descriptor | undefined {
    return this.#now.get(diffId) ?? this.#before.get(diffId);
  }

  has(diffId: Digest): boolean {
    return this.#now.has(diffId) || this.#before.has(diffId);
  }

  set(diffId: Digest, descriptor: Descriptor): void {
    this.#now.set(diffId, descriptor);
    if (this.#before.get(diffId)?.digest === descriptor.digest) return;
    if (descriptor.mediaType !== layerMediaType(this.#compression)) return;
    try {
      // A line is far shorter than a page, so those of two runs at once do not mix.
      appendFileSync(this.#file, `${diffId} ${descriptor.digest} ${descriptor.size}\n`, { mode: 0o600 });
    } catch {
      // A full disk, a home that is read-only.
    }
  }

  disown(diffId: Digest): boolean {
    return !this.#now.has(diffId) && this.#before.delete(diffId);
  }
}

async function linesOf(file: string): Promise<string[]> {
  if ((await stat(file)).size <= 2 * BOOK_LIMIT) {
    const lines = (await readFile(file, 'latin1')).split('\n');
    if (lines.length * 160 <= BOOK_LIMIT) return lines;
    const kept = lines.slice(-lines.length / 2);
    await writeFile(`${file}.part`, kept.join('\n'), { mode: 0o600 });
    await rename(`${file}.part`, file);
    return kept;
  }
  return [];
}

function parse(line: string, compression: Compression): [Digest, Descriptor] | undefined {
  const [diffId = '', digest = '', size = ''] = line.split(' ');
  if (!isDigest(diffId) || !isDigest(digest) || !/^[1-9]\d{0,14}$/.test(size)) return undefined;
  return [diffId, { mediaType: layerMediaType(compression), digest, size: Number(size) }];
}
