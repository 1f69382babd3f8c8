/** Digests: the names of content. OCI image-spec, descriptor.md#digests. */
import { createHash, type Hash } from 'node:crypto';
import { AirferryError } from '../errors.ts';

/** `sha256:<64 hex>` or `sha512:<128 hex>`, lower case. */
export type Digest = `${Algorithm}:${string}`;
type Algorithm = 'sha256' | 'sha512';

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && DIGEST.test(text);
}

/** Narrow text to a digest. Throws DIGEST_INVALID. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new AirferryError('DIGEST_INVALID', `"${shorten(text)}" is not a digest`, {
    suggestions: ['A digest is sha256: followed by 64 hexadecimal digits in lower case.'],
  });
}

/** The hexadecimal part. */
export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** `sha256:9f86d081884c`: enough to recognise a digest by eye, as `docker images` shows it. */
export function shortDigest(digest: Digest): string {
  const colon = digest.indexOf(':');
  return digest.slice(0, colon + 13);
}

/** The digest of bytes in memory, by the algorithm of `like`; sha256 when none is given. */
export function digestOf(bytes: Uint8Array | string, like?: Digest): Digest {
  const algorithm = like?.startsWith('sha512:') ? 'sha512' : 'sha256';
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`;
}

/** A running digest over bytes as they pass. */
export class Digester {
  readonly #algorithm: Algorithm;
  readonly #hash: Hash;
  #size = 0;

  /** Hash with the algorithm of `like`, sha256 when none is given. */
  constructor(like?: Digest) {
    this.#algorithm = like?.startsWith('sha512:') ? 'sha512' : 'sha256';
    this.#hash = createHash(this.#algorithm);
  }

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#size += chunk.length;
  }

  /** Bytes seen so far. */
  get size(): number {
    return this.#size;
  }

  /** The digest of all that has passed. Call once. */
  digest(): Digest {
    return `${this.#algorithm}:${this.#hash.digest('hex')}`;
  }
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
