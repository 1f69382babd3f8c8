/** A bundle, opened for reading in place: nothing is unpacked, blobs are streamed from where they lie. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { AirferryError } from '../errors.ts';
import type { ReadableFile } from '../support/file.ts';
import { safePath } from '../tar/header.ts';
import { indexTar, type TarEntry } from '../tar/index.ts';
import { finishChange } from '../transports/archive/journal.ts';
import { blobPath, TarStore } from '../transports/oci/file-store.ts';
import { ociSource } from '../transports/oci/source.ts';
import { openWhole } from '../transports/parts/open.ts';
import type { Bytes, RandomSource } from '../transports/source.ts';
import {
  type BundleHead,
  type BundleManifest,
  HEAD_NAME,
  HEAD_SIZE,
  MANIFEST_TYPE,
  parseBundleManifest,
  parseHead,
} from './manifest.ts';

/** A blob's digest and size, as the manifest names it. */
export type BlobName = Pick<Descriptor, 'digest' | 'size'>;

/** What the head says, and the manifest again. */
const REPEATED = ['schemaVersion', 'needs', 'name', 'version'] as const;

export interface BundleOpenOptions {
  /** Folders in which parts may lie, beside the one of the path. */
  parts?: readonly string[] | undefined;
}

export class Bundle {
  readonly path: string;
  readonly head: BundleHead;
  readonly manifest: BundleManifest;
  /** Every entry of the archive, in order. */
  readonly entries: TarEntry[];
  readonly file: ReadableFile;
  readonly #store: TarStore;

  private constructor(file: ReadableFile, entries: TarEntry[], head: BundleHead, manifest: BundleManifest) {
    this.path = file.path;
    this.file = file;
    this.entries = entries;
    this.head = head;
    this.manifest = manifest;
    this.#store = new TarStore(file, entries);
  }

  /**
   * Open a bundle and check its head and manifest; blobs are checked as they are read, or all by `verifyBundle`.
   * Throws FILE_NOT_FOUND, BUNDLE_INVALID for what is no bundle, ARCHIVE_TRUNCATED, DIGEST_MISMATCH, and for one that is
   * in parts what `openWhole` throws.
   */
  static open(path: string, { parts = [] }: BundleOpenOptions = {}): Bundle {
    finishChange(path);
    const file = openWhole(path, parts);
    try {
      const entries = entriesOf(file);
      const [first] = entries;
      if (first?.name !== HEAD_NAME || first.size !== HEAD_SIZE) throw noBundle(path);
      const head = parseHead(file.readAt(first.offset, first.size), path);
      const store = new TarStore(file, entries);
      const manifest = parseBundleManifest(readWhole(store, head.manifest), path);
      if (REPEATED.some(key => head[key] !== manifest[key])) throw wrongHead(path, first.offset);
      return new Bundle(file, entries, head, manifest);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** The digest that stands for the whole bundle: that of its manifest. */
  get digest(): Digest {
    return this.head.manifest.digest;
  }

  /** The manifest's bytes, verified: what signatures are over. */
  get manifestBytes(): Uint8Array {
    return readWhole(this.#store, this.head.manifest);
  }

  /** Where a blob's bytes begin in the file; undefined when the archive has no such entry. */
  offsetOf(digest: Digest): number | undefined {
    return this.entries.find(entry => entry.type === 'file' && safePath(entry.name) === blobPath(digest))
      ?.offset;
  }

  /** A blob's bytes, verified as they pass. */
  blob({ digest, size }: BlobName): Bytes {
    return this.#store.open({ mediaType: MANIFEST_TYPE, digest, size });
  }

  /** A blob's bytes from an offset on, unverified: to go on with a transfer whose end is checked on the other side. */
  blobFrom({ digest, size }: BlobName, offset: number): Bytes {
    const start = this.offsetOf(digest);
    if (start === undefined)
      throw new AirferryError('BUNDLE_CORRUPT', `${this.path} lacks the blob ${digest}`, {
        where: { file: this.path, blob: digest },
      });
    return this.file.stream(start + offset, size - offset);
  }

  /** A manifest, index or config as a whole, verified. Throws DIGEST_MISMATCH, ARCHIVE_INVALID. */
  document(descriptor: Descriptor): Uint8Array {
    return this.#store.document(descriptor).bytes;
  }

  /** The bundle's images, for a copy to elsewhere. The source stays usable for as long as the bundle is open. */
  images(): RandomSource {
    return { ...ociSource(this.#store, `bundle:${this.path}`), close: async () => undefined };
  }

  close(): void {
    this.file.close();
  }
}

/** Whether a file is a bundle, damaged or not. Throws FILE_NOT_FOUND, FILE_UNREADABLE. */
export function isBundle(path: string): boolean {
  const file = openWhole(path);
  try {
    return beginsAsBundle(file);
  } finally {
    file.close();
  }
}

/** The head is the first entry, so the first bytes tell a bundle from anything else. */
function beginsAsBundle(file: ReadableFile): boolean {
  return Buffer.from(file.readAt(0, HEAD_NAME.length)).toString('latin1') === HEAD_NAME;
}

function entriesOf(file: ReadableFile): TarEntry[] {
  if (!beginsAsBundle(file)) throw noBundle(file.path);
  return indexTar(file);
}

/** Nothing but the manifest vouches for the head. */
function wrongHead(path: string, offset: number): AirferryError {
  return new AirferryError('DIGEST_MISMATCH', `${HEAD_NAME} of ${path} is not the one of its manifest`, {
    where: { file: path, offset },
    suggestions: ['The bundle is damaged; carry it over again.'],
  });
}

/** The manifest may be larger than an image's, so it is not read as one. */
function readWhole(store: TarStore, descriptor: Descriptor): Uint8Array {
  return store.document(descriptor, descriptor.size).bytes;
}

function noBundle(path: string): AirferryError {
  return new AirferryError('BUNDLE_INVALID', `${path} is no airferry bundle`, {
    where: { file: path },
    suggestions: [
      'A bundle is what `airferry bundle create` writes. Archives of images go with `airferry image list|push|load`.',
    ],
  });
}
