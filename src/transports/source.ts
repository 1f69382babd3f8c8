/** A place that images are read from. One interface for archives, layouts, bundles; see `copy.ts` for its use. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import type { Platform } from '../content/platform.ts';
import type { Reference } from '../content/reference.ts';

/** Bytes in order, in chunks of any size. */
export type Bytes = AsyncIterable<Uint8Array>;

/** A manifest, index or config: small enough for memory, and kept byte for byte. */
export interface Document {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** A layer as its source holds it. */
export interface SourceLayer {
  /** What names the layer within its source: a digest, or a path in an archive. */
  key: string;
  /** Bytes as stored. */
  size: number;
  compression: Compression;
  /** What the stored bytes are promised to be; absent where the source does not address its content. */
  descriptor?: Descriptor;
  /** The stored bytes, verified against the descriptor if there is one: the last step throws DIGEST_MISMATCH. */
  open(): Bytes;
}

/** One image for one platform. */
export interface SourceImage {
  /** May be empty: the image is then known by its digest, or through an index. */
  names: Reference[];
  platform: Platform;
  config: Document;
  /** The layers from the lowest up: the `key` of each, and the digest of its uncompressed tar where it is known. */
  layers: { key: string; diffId?: Digest }[];
  /** Absent in archives of the older `docker save`: a manifest is then built from what the layers became. */
  manifest?: Document;
  /** What it is about, if it is no image but a signature, an SBOM or an attestation: that manifest's digest. */
  subject?: Digest;
}

/** An index over images of the same source; its children come before it. */
export interface SourceIndex {
  names: Reference[];
  index: Document;
  /** Digests of the manifests and indexes that it names and the source holds. */
  children: Digest[];
}

export interface Inventory {
  images: SourceImage[];
  indexes: SourceIndex[];
}

interface AnySource {
  /** For messages: `docker-archive:saved/mysql.tar`. */
  readonly description: string;
  /** Every layer once, in the order in which the source holds them. */
  layers(): AsyncIterable<SourceLayer>;
  /** What the source holds. For a sequential source only after `layers()` has ended. */
  inventory(): Promise<Inventory>;
  close(): Promise<void>;
}

/** The inventory is known at once; layers may be opened in any order, again, side by side. */
export interface RandomSource extends AnySource {
  readonly access: 'random';
}

/**
 * A layer can be opened at once, before the next is asked for; opened later or again, it is searched for from the
 * beginning of the file. What there is is known at the end. Asking for the layers again goes through the file again.
 */
export interface SequentialSource extends AnySource {
  readonly access: 'sequential';
  /** Bytes of the stream as it is, which is what the meter counts of such a source. */
  readonly bytes: number;
  /** The stream as it is, from its beginning, for those who hand it on. Not counted by the meter. */
  whole(): Bytes;
  /** Whether all layers have passed once, so that the inventory is known. */
  readonly complete: boolean;
}

export type ImageSource = RandomSource | SequentialSource;
