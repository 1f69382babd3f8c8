/** Content by digest: what an OCI layout is, whether it lies in a folder or in a tar. */
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';
import type { Bytes, Document } from '../source.ts';

export interface ContentStore {
  /** For messages. */
  readonly description: string;
  /** The bytes of `index.json`. Throws ARCHIVE_INVALID when there is none. */
  index(): Uint8Array;
  has(digest: Digest): boolean;
  /** The size of a blob as stored, in bytes; undefined where there is none. */
  size(digest: Digest): number | undefined;
  /** A blob's bytes, verified against the descriptor as they pass. Throws ARCHIVE_INVALID when it is missing. */
  open(descriptor: Descriptor): Bytes;
  /** A part of a blob, unverified. Throws ARCHIVE_INVALID when it is missing. */
  slice(digest: Digest, offset: number, length: number): Bytes;
  /** A manifest, index or config as a whole, verified. Throws ARCHIVE_INVALID above the limit (bytes, 4 MiB). */
  document(descriptor: Descriptor, limit?: number): Document;
  /** Who had a blob that is left out here and is nowhere at hand; undefined for any other. */
  absent?(digest: Digest): readonly string[] | undefined;
  close(): void;
}
