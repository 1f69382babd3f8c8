/** A bundle, opened for reading in place: nothing is unpacked, blobs are streamed from where they lie. */
import { basesOf } from '../content/delta.ts';
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { AirferryError } from '../errors.ts';
import type { ReadableFile } from '../support/file.ts';
import { entryAt, indexTar, type TarEntry } from '../tar/index.ts';
import { finishChange } from '../transports/archive/journal.ts';
import { type BundleFrom, beginsAsBundle, HEAD_NAME, layered } from '../transports/oci/bundle-store.ts';
import { ForetoldTarStore, TarStore } from '../transports/oci/file-store.ts';
import { ociSource } from '../transports/oci/source.ts';
import type { ContentStore } from '../transports/oci/store.ts';
import { openWhole } from '../transports/parts/open.ts';
import type { Bytes, RandomSource } from '../transports/source.ts';
import {
  type BundleHead,
  type BundleManifest,
  HEAD_SIZE,
  MANIFEST_TYPE,
  parseBundleManifest,
  parseHead,
} from './manifest.ts';
import { outlineOf } from './outline.ts';

/** A blob's digest and size, as the manifest names it. */
export type BlobName = Pick<Descriptor, 'digest' | 'size'>;

/** What the head says, and the manifest again. */
const REPEATED = ['schemaVersion', 'needs', 'name', 'version'] as const;

export type BundleOpenOptions = BundleFrom;

/** A blob that the manifest names and the archive leaves out. */
export interface LeftOut extends BlobName {
  /** The bases that had it. */
  had: readonly string[];
  /** Whether one of the bases that were opened has it. */
  atHand: boolean;
}

export class Bundle {
  readonly path: string;
  readonly head: BundleHead;
  readonly manifest: BundleManifest;
  readonly file: ReadableFile;
  /** The last entries of the archive, in order: what lies behind its manifest is among them. */
  readonly tail: readonly TarEntry[];
  /** Whether bases were opened with it. */
  readonly hasBases: boolean;
  readonly #own: ContentStore;
  readonly #store: ContentStore;
  #entries: readonly TarEntry[] | undefined;

  private constructor(
    file: ReadableFile,
    head: BundleHead,
    { manifest, store, tail }: Opened,
    from: BundleFrom,
  ) {
    this.hasBases = from.bases !== undefined && from.bases.length > 0;
    this.path = file.path;
    this.file = file;
    this.head = head;
    this.manifest = manifest;
    this.tail = tail;
    this.#own = store;
    this.#store = layered(store, manifest.delta, from);
  }

  /**
   * Open a bundle and check its head and manifest; blobs are checked as they are read, or all by `verifyBundle`.
   * Throws FILE_NOT_FOUND, BUNDLE_INVALID for what is no bundle, ARCHIVE_TRUNCATED, DIGEST_MISMATCH, and for one that is
   * in parts what `openWhole` throws. Bases that are named are opened too.
   */
  static open(path: string, from: BundleFrom = {}): Bundle {
    finishChange(path);
    const file = openWhole(path, from.parts);
    try {
      const first = beginsAsBundle(file) ? entryAt(file, 0) : undefined;
      if (first?.name !== HEAD_NAME || first.size !== HEAD_SIZE) throw noBundle(path);
      const head = parseHead(file.readAt(first.offset, first.size), path);
      const opened = openOutline(file, head) ?? openEntries(file, head);
      if (REPEATED.some(key => head[key] !== opened.manifest[key])) throw wrongHead(path, first.offset);
      return new Bundle(file, head, opened, from);
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

  /** `index.json` as it lies in the archive; the manifest names its digest. */
  get indexBytes(): Uint8Array {
    return this.#store.index();
  }

  /**
   * Every entry of the archive, in order. Their headers are read at the first call, one by one.
   * Throws ARCHIVE_INVALID, ARCHIVE_TRUNCATED.
   */
  get entries(): readonly TarEntry[] {
    this.#entries ??= indexTar(this.file);
    return this.#entries;
  }

  /** Whether a blob is in the archive itself; the manifest may name one that is not, see `leftOut`. */
  carries(digest: Digest): boolean {
    return this.#own.has(digest);
  }

  /** A blob's bytes, verified as they pass. */
  blob({ digest, size }: BlobName): Bytes {
    return this.#store.open({ mediaType: MANIFEST_TYPE, digest, size });
  }

  /** A blob's bytes from an offset on, unverified: to go on with a transfer whose end is checked on the other side. */
  blobFrom({ digest, size }: BlobName, offset: number): Bytes {
    if (this.#store.has(digest) || this.#store.absent?.(digest))
      return this.#store.slice(digest, offset, size - offset);
    throw new AirferryError('BUNDLE_CORRUPT', `${this.path} lacks the blob ${digest}`, {
      where: { file: this.path, blob: digest },
    });
  }

  /** Who had a blob that is left out and is in none of the bases that were opened; undefined for any other. */
  absent(digest: Digest): readonly string[] | undefined {
    return this.#store.absent?.(digest);
  }

  /** The blobs that the archive leaves out, in the order of the manifest. */
  get leftOut(): LeftOut[] {
    const { delta, blobs } = this.manifest;
    if (!delta) return [];
    const had = basesOf(delta);
    return blobs.flatMap(({ digest, size }) => {
      const names = had(digest);
      return names ? [{ digest, size, had: names, atHand: this.#store.has(digest) }] : [];
    });
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
    this.#store.close();
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

/** What is known of an archive once its manifest is. */
interface Opened {
  manifest: BundleManifest;
  store: ContentStore;
  tail: readonly TarEntry[];
}

function openOutline(file: ReadableFile, head: BundleHead): Opened | undefined {
  const outline = outlineOf(file, head);
  return outline && { ...outline, store: new ForetoldTarStore(file, outline.places) };
}

/** The long way, for archives that were packed anew by other tools, and for what is wrong with damaged ones. */
function openEntries(file: ReadableFile, head: BundleHead): Opened {
  const entries = indexTar(file);
  const store = TarStore.of(file, entries);
  return {
    manifest: parseBundleManifest(readWhole(store, head.manifest), file.path),
    store,
    tail: entries,
  };
}

/** Nothing but the manifest vouches for the head. */
function wrongHead(path: string, offset: number): AirferryError {
  return new AirferryError('DIGEST_MISMATCH', `${HEAD_NAME} of ${path} is not the one of its manifest`, {
    where: { file: path, offset },
    suggestions: ['The bundle is damaged; carry it over again.'],
  });
}

/** The manifest may be larger than an image's, so it is not read as one. */
function readWhole(store: ContentStore, descriptor: Descriptor): Uint8Array {
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
