/**
 * The digest of a part: sha256 over the sha256 of each MiB of it. So it can be had while the part is written, although a
 * bundle's headers are written after what follows them: only a MiB that was not written from its beginning to its end is
 * read again.
 */
import { createHash, type Hash } from 'node:crypto';
import type { Digest } from '../../content/digest.ts';

/** Bytes of a leaf. */
export const LEAF = 1024 * 1024;

/** A leaf whose bytes have come in order so far. */
interface Growing {
  hash: Hash;
  next: number;
}

/** `mixed`: written in another order, or twice. */
type Leaf = Growing | Uint8Array | 'mixed';

/** The digests of leaves while their bytes are written. */
export class Leaves {
  readonly #leaves: (Leaf | undefined)[] = [];

  /** Bytes were written at an offset. */
  wrote(bytes: Uint8Array, at: number): void {
    for (let done = 0; done < bytes.length; ) {
      const index = Math.floor((at + done) / LEAF);
      const within = (at + done) % LEAF;
      const piece = bytes.subarray(done, done + LEAF - within);
      this.#leaves[index] = grown(this.#leaves[index], within, piece);
      done += piece.length;
    }
  }

  /** The digest of `size` bytes; `read` gives those that have to be hashed again. */
  async digest(size: number, read: (at: number, length: number) => Promise<Uint8Array>): Promise<Digest> {
    const root = createHash('sha256');
    for (let at = 0; at < size; at += LEAF) {
      const length = Math.min(LEAF, size - at);
      const leaf = this.#leaves[at / LEAF];
      if (leaf instanceof Uint8Array && length === LEAF) root.update(leaf);
      else if (isGrowing(leaf) && leaf.next === length) root.update(leaf.hash.digest());
      else root.update(sha256(await read(at, length)));
    }
    return `sha256:${root.digest('hex')}`;
  }
}

/** The digest of a part whose bytes come in order. */
export class LeafDigester {
  readonly #root = createHash('sha256');
  #hash = createHash('sha256');
  #filled = 0;

  update(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const piece = bytes.subarray(done, done + LEAF - this.#filled);
      this.#hash.update(piece);
      this.#filled += piece.length;
      done += piece.length;
      if (this.#filled === LEAF) this.#close();
    }
  }

  /** Call once. */
  digest(): Digest {
    if (this.#filled > 0) this.#close();
    return `sha256:${this.#root.digest('hex')}`;
  }

  #close(): void {
    this.#root.update(this.#hash.digest());
    this.#hash = createHash('sha256');
    this.#filled = 0;
  }
}

function grown(leaf: Leaf | undefined, at: number, piece: Uint8Array): Leaf {
  if (leaf !== undefined && !isGrowing(leaf)) return 'mixed';
  const { hash, next } = leaf ?? { hash: createHash('sha256'), next: 0 };
  if (next !== at) return 'mixed';
  hash.update(piece);
  return next + piece.length === LEAF ? hash.digest() : { hash, next: next + piece.length };
}

function isGrowing(leaf: Leaf | undefined): leaf is Growing {
  return typeof leaf === 'object' && 'hash' in leaf;
}

function sha256(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}
