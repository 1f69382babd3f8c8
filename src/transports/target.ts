/** A place that images are written to. One interface for registries and bundles; see `copy.ts` for its use. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import type { Reference } from '../content/reference.ts';
import type { Bytes, Document, Origin } from './source.ts';

/**
 * A blob to be stored: either its name is known beforehand, or it comes to be while the bytes flow. `size` (bytes) is
 * there where the length of an unnamed one is known all the same. `origin` is for registries: where it can be mounted
 * from, so that it is not opened at all. `chains` are the IDs by which engines know a layer: one for each pile of layers
 * it is on top of.
 */
export type BlobInput =
  | { descriptor: Descriptor; chains?: readonly Digest[]; origin?: Origin; open(): Bytes }
  | { mediaType: string; size?: number; open(): Bytes };

/** What became of a blob. */
export interface PutResult {
  descriptor: Descriptor;
  /** `moved`: the bytes travelled. `present`: the target had them. `mounted`: it took them from another repository. */
  how: 'moved' | 'present' | 'mounted';
}

/** A layer that is about to be put into the repositories of some names. */
export interface Arrival {
  /** Absent for a layer that is compressed on the way. */
  descriptor?: Descriptor;
  /** Bytes of what has no descriptor, before it is compressed; of all that a stream holds, with any of its homes. */
  plain?: number;
  homes: readonly Reference[];
}

export interface ImageTarget {
  /** For messages: `docker://hub.company.com`. */
  readonly description: string;
  /** `repository`: a blob is kept per repository, so the same one may be put into several. `whole`: once is enough. */
  readonly scope: 'repository' | 'whole';
  /** How many blobs it takes at once. */
  readonly concurrency: number;
  /** Whether the name already stands for this very manifest, so that nothing of the image has to be asked or moved. */
  holds(name: Reference, manifest: Descriptor): Promise<boolean>;
  /** The manifest that stands under a name. Not asked of targets that begin empty. */
  stands?(name: Reference): Promise<Document | undefined>;
  /** Whether a blob is there where images of one of these names find it. Not asked of targets that begin empty. */
  has?(blob: Descriptor, names: readonly Reference[]): Promise<boolean>;
  /** Told what is to come, before the first blob: here a target says that it has no room. May not be called at all. */
  expect?(arrivals: readonly Arrival[]): Promise<void>;
  /**
   * Store a blob where images of that name find it. The bytes are hashed on the way; `open` may be called again
   * after a failure that passed. Called at once for different blobs, and for one blob under several names.
   */
  putBlob(blob: BlobInput, name: Reference): Promise<PutResult>;
  /**
   * Store a manifest or index, whose children are stored already, under a name. A name with neither tag nor digest says
   * only where it belongs: it is then known by the digest of its own bytes. Gives back the digest by which the target
   * knows it there; registries know what has a tag by sha256, whatever its digest was.
   */
  putManifest(document: Document, name: Reference): Promise<Digest>;
  /** What was told of blobs that were not there after all, or not any more, and have travelled since. */
  readonly resent?: readonly PutResult[];
}

/** A target that has an end: a file that gets its name only when it is whole, an upload that is closed. */
export interface OpenedTarget {
  readonly target: ImageTarget;
  /** Everything was copied: make it stand. Nothing of the target is visible under its name before. */
  commit(): Promise<void>;
  /** Something failed: leave nothing half done behind. Does nothing after `commit`. */
  discard(): Promise<void>;
}
