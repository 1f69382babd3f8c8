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

/** A manifest that is about another one, as the referrers API tells of it. */
export interface Referrer extends Descriptor {
  artifactType?: string;
}

/** Content to be read. Answers `undefined` for what is not there; throws only when reading fails. */
export interface RegistryContent {
  /** For messages: `bundle:site.tar`. */
  readonly description: string;
  /** Those that have a manifest. */
  repositories(): Promise<string[]>;
  /** Undefined for a repository that is not there. */
  tags(repository: string): Promise<string[] | undefined>;
  /** By tag or by digest. */
  manifest(repository: string, reference: string): Promise<ServedManifest | undefined>;
  blob(repository: string, digest: Digest): Promise<ServedBlob | undefined>;
  /** Manifests whose `subject` is this digest, with `artifactType` and annotations as the distribution-spec has them. */
  referrers(repository: string, subject: Digest): Promise<Referrer[]>;
}

/** An upload under way: bytes that no digest names yet. Calls for one upload are made one after another. */
export interface Upload {
  readonly id: string;
  /** Bytes that are there. */
  readonly size: number;
  /** Add bytes at the end. When they break off, those that came stay. */
  append(bytes: AsyncIterable<Uint8Array>): Promise<void>;
  /** Make it a blob of its repository. False when the bytes are not what the digest says; the upload is gone then, too. */
  finish(digest: Digest): Promise<boolean>;
  cancel(): Promise<void>;
}

/** Content that can be added to and taken away from. Refuses with a `Refusal` what the protocol has a word for. */
export interface WritableContent extends RegistryContent {
  /** Begin an upload; the repository comes into being when it ends. */
  startUpload(repository: string): Promise<Upload>;
  upload(repository: string, id: string): Promise<Upload | undefined>;
  /** Take a blob over from another repository, from any when `from` is absent. False when none has it. */
  mount(repository: string, digest: Digest, from: string | undefined): Promise<boolean>;
  /** Store a manifest whose every blob is there, under a tag if one is given. Throws MANIFEST_BLOB_UNKNOWN. */
  putManifest(repository: string, manifest: ServedManifest, tag: string | undefined): Promise<void>;
  /** Each says whether there was anything to delete. */
  deleteTag(repository: string, tag: string): Promise<boolean>;
  deleteManifest(repository: string, digest: Digest): Promise<boolean>;
  deleteBlob(repository: string, digest: Digest): Promise<boolean>;
}

/** Whether content can be written. */
export function isWritable(content: RegistryContent): content is WritableContent {
  return 'startUpload' in content;
}
