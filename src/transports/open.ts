/** Finding out what an archive is by its content, never by its name, and opening it as a source of images. */
import { statSync } from 'node:fs';
import { sniffCompression } from '../content/media-types.ts';
import type { Reference } from '../content/reference.ts';
import { describeHead } from '../engine/sniff.ts';
import { AirferryError, isAirferryError, systemCode } from '../errors.ts';
import { type ReadableFile, unreadable } from '../support/file.ts';
import { Meter } from '../support/meter.ts';
import { BLOCK } from '../tar/header.ts';
import { indexTar, type TarEntry } from '../tar/index.ts';
import { finishChange } from './archive/journal.ts';
import { MANIFEST_JSON } from './docker-archive/manifest-json.ts';
import { dockerArchiveSource } from './docker-archive/random.ts';
import { sequentialSource } from './docker-archive/sequential.ts';
import { type BundleFrom, beginsAsBundle, deltaOf, layered } from './oci/bundle-store.ts';
import { FolderStore, TarStore } from './oci/file-store.ts';
import { ociSource } from './oci/source.ts';
import { openWhole } from './parts/open.ts';
import type { ImageSource } from './source.ts';

/** Bytes of `airferry.json`. */
const MOST_HEAD = 4096;

export interface OpenOptions extends BundleFrom {
  /** Counts what sequential sources read of their file. */
  meter?: Meter;
  /** The name of the only image of a layout that bears none itself. */
  fallbackName?: Reference;
  /** Opens what turns out to be a bundle. Default: as what it is besides, an OCI archive; nobody vouches for it then. */
  openBundle?: (path: string) => ImageSource;
}

/**
 * Open a layout folder, or an archive: docker-archive of any dialect, OCI archive, bundle; a docker-archive or OCI
 * archive may be compressed as a whole. Throws FILE_NOT_FOUND, ARCHIVE_INVALID, ARCHIVE_TRUNCATED.
 */
export async function openImageSource(path: string, options: OpenOptions = {}): Promise<ImageSource> {
  if (isFolder(path)) return ociSource(new FolderStore(path), `oci:${path}`, options.fallbackName);
  finishChange(path);
  const file = openWhole(path, options.parts);
  if (options.openBundle && beginsAsBundle(file)) {
    file.close();
    return options.openBundle(path);
  }
  try {
    return await openFile(file, options);
  } catch (error) {
    file.close();
    throw error;
  }
}

async function openFile(file: ReadableFile, options: OpenOptions): Promise<ImageSource> {
  if (file.size === 0) throw notImages(file.path, 'it is empty');
  const compression = sniffCompression(file.readAt(0, 4));
  if (compression !== 'none')
    return sequentialSource(file, compression, { ...options, meter: options.meter ?? new Meter() });
  const entries = entriesOf(file);
  const has = (name: string): boolean =>
    entries.some(entry => entry.type === 'file' && entry.name.replace(/^\.\//, '') === name);
  // A bundle is both; its own index says more than the manifest.json that it carries for `docker load`.
  if (beginsAsBundle(file)) {
    const own = TarStore.of(file, entries);
    const [head] = entries;
    const delta = head && deltaOf(own, file.readAt(head.offset, Math.min(head.size, MOST_HEAD)));
    return ociSource(layered(own, delta, options), `bundle:${file.path}`);
  }
  if (has(MANIFEST_JSON)) return dockerArchiveSource(file, entries);
  if (has('index.json'))
    return ociSource(TarStore.of(file, entries), `oci-archive:${file.path}`, options.fallbackName);
  throw notImages(
    file.path,
    entries.length === 0 ? 'it is empty' : 'it has neither manifest.json nor index.json',
  );
}

function entriesOf(file: ReadableFile): TarEntry[] {
  try {
    return indexTar(file);
  } catch (error) {
    const atStart = isAirferryError(error, 'ARCHIVE_INVALID') && error.where.offset === 0;
    if (!atStart && file.size >= BLOCK) throw error;
    const what = describeHead(file.readAt(0, BLOCK)) ?? 'no tar archive';
    throw notImages(file.path, `it is ${what}`);
  }
}

function notImages(path: string, why: string): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `${path} holds no images: ${why}`, {
    where: { file: path },
    suggestions: [
      'Give what `docker save` writes, an OCI layout, an OCI archive or a bundle; a `docker export` is no image.',
    ],
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    // It may be what the names of parts have in common.
    if (systemCode(cause) === 'ENOENT') return false;
    throw unreadable(path, cause);
  }
}
