/** What the embedded registry has to offer: repositories, their manifests and blobs. Where they come from is not its business. */
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';

/** A part of a blob; both ends included, as in HTTP. Bytes. */
export interface ByteRange {
  first: number;
  last: number;
}

/** A blob that can be opened as often as it is asked for. */
export interface ServedBlob {
  /** Bytes. */
  size: number;
  /** The bytes; a range is never longer than the blob. A whole one is verified: the last step throws DIGEST_MISMATCH. */
  open(range?: ByteRange): AsyncIterable<Uint8Array>;
}

export interface ServedManifest {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** Content to be read. Answers `undefined` for what is not there; throws only when reading fails. */
export interface RegistryContent {
  /** For messages: `bundle:site.tar`. */
  readonly description: string;
  /** Sorted. */
  repositories(): Promise<string[]>;
  /** Sorted; undefined for a repository that is not there. */
  tags(repository: string): Promise<string[] | undefined>;
  /** By tag or by digest. */
  manifest(repository: string, reference: string): Promise<ServedManifest | undefined>;
  blob(repository: string, digest: Digest): Promise<ServedBlob | undefined>;
  /** Manifests whose `subject` is this digest, with `artifactType` and annotations as the distribution-spec has them. */
  referrers(repository: string, subject: Digest): Promise<Descriptor[]>;
}
