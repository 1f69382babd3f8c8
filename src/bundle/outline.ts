/**
 * Where everything in a bundle lies, told by its manifest: the blobs in the order in which it names them, the documents,
 * the manifest itself, and signatures. So a bundle of many thousand blobs is opened by a few reads at its two ends, and
 * not by one for each blob. Nothing is taken on trust: `ForetoldTarStore` looks at each place before it takes from it.
 */
import { digestOf } from '../content/digest.ts';
import { isAirferryError } from '../errors.ts';
import type { ReadableFile } from '../support/file.ts';
import { BLOCK, headerSize, paddedSize } from '../tar/header.ts';
import { indexTar, type TarEntry } from '../tar/index.ts';
import { blobPath, type Key, type Span } from '../transports/oci/file-store.ts';
import { type BundleHead, type BundleManifest, HEAD_SIZE, parseBundleManifest } from './manifest.ts';

/** Bytes behind the manifest in which the signatures and the end of the archive are looked for. */
const MOST_AFTER_MANIFEST = 64 * 1024;

export interface Outline {
  manifest: BundleManifest;
  /** Of the blobs and of `index.json`. */
  places: ReadonlyMap<Key, Span>;
  /** The manifest, and the entries behind it; these were read. */
  tail: TarEntry[];
}

/**
 * The outline of a bundle with this head. Undefined where the archive is not laid out as `BundleWriter` does it, or is
 * damaged: then its headers have to be read, and they tell what is the matter. Throws BUNDLE_INVALID for a manifest that
 * is as it was written and cannot be read here.
 */
export function outlineOf(file: ReadableFile, head: BundleHead): Outline | undefined {
  const { digest, size } = head.manifest;
  const path = blobPath(digest);
  const { bytes: last, from } = readEnd(file, headerSize(path) + paddedSize(size) + MOST_AFTER_MANIFEST);
  const at = last.lastIndexOf(path);
  const tail = at < 0 ? undefined : soundEntries(file, from + at);
  const entry = tail?.[0];
  if (!tail || entry?.name !== path || entry.size !== size) return undefined;
  const bytes = last.subarray(entry.offset - from, entry.offset - from + size);
  if (digestOf(bytes, digest) !== digest) return undefined;
  const manifest = parseBundleManifest(bytes, file.path);
  const { places, end } = placesAhead(manifest);
  places.set(digest, entry);
  return end === from + at ? { manifest, places, tail } : undefined;
}

/** Where the blobs and documents of a manifest lie behind the head, and where the last of them ends. */
function placesAhead({ blobs, documents, delta }: BundleManifest): { places: Map<Key, Span>; end: number } {
  const places = new Map<Key, Span>();
  let end = BLOCK + HEAD_SIZE;
  const next = (header: number, size: number): Span => {
    const offset = end + header;
    end = offset + paddedSize(size);
    return { offset, size };
  };
  const absent = new Set(delta?.absent.map(({ digest }) => digest));
  for (const { digest, size } of blobs)
    if (!absent.has(digest)) places.set(digest, next(headerSize(blobPath(digest)), size));
  for (const [path, { size }] of Object.entries(documents)) {
    const span = next(headerSize(path), size);
    if (path === 'index.json') places.set(path, span);
  }
  return { places, end };
}

/** The last bytes of a file, that many or all of it, and where they begin. */
function readEnd(file: ReadableFile, most: number): { bytes: Buffer; from: number } {
  const from = Math.max(0, file.size - most);
  const { buffer, byteOffset, byteLength } = file.readAt(from, file.size - from);
  return { bytes: Buffer.from(buffer, byteOffset, byteLength), from };
}

function soundEntries(file: ReadableFile, start: number): TarEntry[] | undefined {
  try {
    return indexTar(file, start);
  } catch (error) {
    if (isAirferryError(error, 'ARCHIVE_INVALID', 'ARCHIVE_TRUNCATED')) return undefined;
    throw error;
  }
}
