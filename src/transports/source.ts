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

/** A repository that has a blob, so that others of the same registry can take it from there without its bytes. */
export interface Origin {
  registry: string;
  repository: string;
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
  origin?: Origin;
  /** What a sequential source that foretells its images can tell of the layer before it is opened. */
  foretold?: ForetoldLayer;
  /** Its bytes are nowhere at hand, and these bases of a bundle had them: it is of use only where the target has it. */
  absent?: readonly string[];
  /** The stored bytes, verified against the descriptor if there is one: the last step throws DIGEST_MISMATCH. */
  open(): Bytes;
  /** The same for those who are done with a chunk when they ask for the next: its memory is filled again then. */
  lend?(): Bytes;
  /** A part of the stored bytes, unverified; absent where they can only be read from their beginning. */
  slice?(offset: number, length: number): Bytes;
}

/** An image whose layers are still to pass. */
export interface ForetoldImage {
  names: Reference[];
  platform: Platform;
  /** By what its engine knows it. */
  id: Digest;
}

export interface ForetoldLayer {
  images: readonly ForetoldImage[];
  /** The digest of its uncompressed tar; absent where only the bytes would tell. */
  diffId?: Digest;
}

/** A line in a source's own list of its content, by which a location may mean it. */
export interface Listing {
  /** From 0, in `index.json` or `manifest.json`: `docker-archive:file:@0`. */
  position: number;
  /** The `ref.name` of a layout as it is written; it may be a bare tag, which is no image name: `oci:folder:v1`. */
  ref?: string;
}

/** One image for one platform; or an artifact, which is stored like one: a chart, a signature, an SBOM. */
export interface SourceImage {
  /** May be empty: the image is then known by its digest, or through an index. */
  names: Reference[];
  /** `unknown/unknown` for artifacts, unless an index says otherwise. */
  platform: Platform;
  /** Present for what is no image: the media type that says what it is instead. Its config may be of any kind. */
  artifactType?: string;
  config: Document;
  /**
   * The layers from the lowest up: the `key` of each, the digest of its uncompressed tar where it is known, and how the
   * manifest describes it where there is one.
   */
  layers: { key: string; diffId?: Digest; descriptor?: Descriptor }[];
  /** Absent in archives of the older `docker save`: a manifest is then built from what the layers became. */
  manifest?: Document;
  /** What it is about, if it is no image but a signature, an SBOM or an attestation: that manifest's digest. */
  subject?: Digest;
  /** Where its config and layers lie. */
  origin?: Origin;
  /** Where the source lists it; absent where only an index leads to it. */
  listed?: Listing[];
}

/** An index over images of the same source; its children come before it. */
export interface SourceIndex {
  names: Reference[];
  index: Document;
  /** Digests of the manifests and indexes that it names and the source holds. */
  children: Digest[];
  /** As those of an image. */
  subject?: Digest;
  listed?: Listing[];
}

export interface Inventory {
  images: SourceImage[];
  indexes: SourceIndex[];
}

/** The digests of all manifests and indexes of an inventory. */
export function digestsHeld({ images, indexes }: Inventory): Set<Digest> {
  return new Set([
    ...images.flatMap(({ manifest }) => manifest?.descriptor.digest ?? []),
    ...indexes.map(({ index }) => index.descriptor.digest),
  ]);
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
  /**
   * What the inventory is going to name, where that is known before: each layer then tells which of these images it
   * belongs to, or, if it does not, is to be asked for once more when the inventory is known.
   */
  readonly foretold?: readonly ForetoldImage[];
}

export type ImageSource = RandomSource | SequentialSource;
