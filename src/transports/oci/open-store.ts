/** Opening a place for the blobs in it alone: what a bundle was cut against. */
import { statSync } from 'node:fs';
import { AirferryError } from '../../errors.ts';
import { unreadable } from '../../support/file.ts';
import { indexTar } from '../../tar/index.ts';
import { openWhole } from '../parts/open.ts';
import { digestAt, FolderStore, TarStore } from './file-store.ts';
import type { ContentStore } from './store.ts';

/**
 * Open a bundle, an OCI archive or the folder of a layout. Throws FILE_NOT_FOUND, FILE_UNREADABLE, ARCHIVE_INVALID for what has no
 * blobs by their digests, ARCHIVE_TRUNCATED, and for parts what `openWhole` throws.
 */
export function openStore(path: string, parts: readonly string[] = []): ContentStore {
  if (isFolder(path)) return new FolderStore(path);
  const file = openWhole(path, parts);
  try {
    const entries = indexTar(file);
    if (!entries.some(({ name }) => digestAt(name) !== undefined)) throw noBlobs(path);
    return TarStore.of(file, entries);
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Open several; none stays open where one cannot be. */
export function openStores(paths: readonly string[], parts: readonly string[] = []): ContentStore[] {
  const stores: ContentStore[] = [];
  try {
    for (const path of paths) stores.push(openStore(path, parts));
    return stores;
  } catch (error) {
    for (const store of stores) store.close();
    throw error;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function noBlobs(path: string): AirferryError {
  return new AirferryError(
    'ARCHIVE_INVALID',
    `${path} has no blobs by their digests, so it is no base of a bundle`,
    {
      where: { file: path },
      suggestions: ['A base is a bundle, an OCI archive, or the folder of an OCI layout.'],
    },
  );
}
