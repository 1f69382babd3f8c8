/** The folder of an OCI layout that is written to: made where there is none, added to where there is one. */
import { readdir, rmdir, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, Digester } from '../../content/digest.ts';
import { MANIFEST_LIMIT } from '../../content/manifest.ts';
import { AirferryError, isAirferryError, systemCode } from '../../errors.ts';
import { ReadFile } from '../../support/file.ts';
import { withFileLock } from '../../support/file-lock.ts';
import { makeFolders } from '../../support/folders.ts';
import { PendingFile, unwritable } from '../../support/write-file.ts';
import { blobPath } from './file-store.ts';
import { emptyIndex, formatIndexJson, parseIndexJson, type RawIndex } from './index-json.ts';

const LAYOUT_FILE = 'oci-layout';
const LAYOUT = '{"imageLayoutVersion":"1.0.0"}';
const LOCK = '.index.json.lock';

export class LayoutFolder {
  readonly path: string;
  /** Whether it was made for this. */
  readonly isNew: boolean;

  private constructor(path: string, isNew: boolean) {
    this.path = path;
    this.isNew = isNew;
  }

  /**
   * Open a layout, or begin one where there is nothing, or an empty folder. Throws FILE_UNWRITABLE, and ARCHIVE_INVALID
   * for a folder with something else in it.
   */
  static async open(path: string): Promise<LayoutFolder> {
    const isNew = await makeFolder(path);
    const version = readSmall(join(path, LAYOUT_FILE));
    if (version === undefined) {
      const others = (await readdir(path)).filter(name => !/^\..*\.part$/.test(name));
      if (others.length > 0) throw noLayout(path, 'is a folder with other things in it, and no OCI layout');
      await writeSmall(join(path, LAYOUT_FILE), Buffer.from(LAYOUT));
    } else if (!/"imageLayoutVersion"\s*:\s*"1\./.test(Buffer.from(version).toString('utf8'))) {
      throw noLayout(path, 'is an OCI layout of a version that airferry does not know');
    }
    return new LayoutFolder(path, isNew);
  }

  blobFile(digest: Digest): string {
    return join(this.path, blobPath(digest));
  }

  /** `index.json`; an empty one where the layout has none yet. Throws MANIFEST_INVALID, ARCHIVE_INVALID. */
  index(): RawIndex {
    const bytes = readSmall(join(this.path, 'index.json'));
    return bytes ? parseIndexJson(bytes, this.path) : emptyIndex();
  }

  /**
   * Change `index.json` in one step; nobody else does meanwhile. `change` is given what it holds by then; the file is
   * left alone when it gives the same back. Throws FILE_UNWRITABLE, DISK_FULL.
   */
  async changeIndex(change: (index: RawIndex) => RawIndex, signal?: AbortSignal): Promise<void> {
    await withFileLock(
      join(this.path, LOCK),
      async () => {
        const file = join(this.path, 'index.json');
        const bytes = formatIndexJson(change(this.index()));
        const before = readSmall(file);
        if (!before || Buffer.compare(before, bytes) !== 0) await writeSmall(file, bytes);
      },
      { ...(signal && { signal }) },
    );
  }

  /** Whether a blob is there with just the content that its digest promises: it is read for that. */
  async holdsBlob({ digest, size }: Descriptor, signal?: AbortSignal): Promise<boolean> {
    const file = openIfThere(this.blobFile(digest));
    if (!file) return false;
    try {
      if (file.size !== size) return false;
      const digester = new Digester(digest);
      for await (const chunk of file.stream()) {
        signal?.throwIfAborted();
        digester.update(chunk);
      }
      return digester.digest() === digest;
    } finally {
      file.close();
    }
  }

  /** Begin a blob. It lies beside `index.json` until it is whole, where nobody takes it for one. */
  async beginBlob(name: string): Promise<PendingFile> {
    return PendingFile.create(join(this.path, 'blobs', name), this.path);
  }

  /** Put a whole blob to its place. */
  async endBlob(file: PendingFile, digest: Digest): Promise<void> {
    const path = this.blobFile(digest);
    try {
      await makeFolders(dirname(path));
    } catch (cause) {
      throw unwritable(path, cause);
    }
    await file.commit(0o644, path);
  }

  /** Take a layout away again that was made for this and has nothing in it. */
  async removeIfEmpty(): Promise<void> {
    if (!this.isNew) return;
    const names = await readdir(this.path).catch(() => ['unknown']);
    if (names.some(name => name !== LAYOUT_FILE)) return;
    await unlink(join(this.path, LAYOUT_FILE)).catch(() => undefined);
    await rmdir(this.path).catch(() => undefined);
  }
}

/** True where it was not there before. */
async function makeFolder(path: string): Promise<boolean> {
  try {
    return (await makeFolders(path)) !== undefined;
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw unwritable(path, cause);
    const what = (await stat(path).catch(() => undefined))?.isFile() ? 'a file' : 'no folder';
    throw new AirferryError('FILE_UNWRITABLE', `cannot write the layout ${path}: it is ${what}`, {
      where: { file: path },
      suggestions: ['Choose another path, or write an archive: oci-archive:FILE.'],
    });
  }
}

function openIfThere(path: string): ReadFile | undefined {
  try {
    return ReadFile.open(path);
  } catch (error) {
    if (isAirferryError(error, 'FILE_NOT_FOUND')) return undefined;
    throw error;
  }
}

function readSmall(path: string): Uint8Array | undefined {
  const file = openIfThere(path);
  try {
    return file?.readAt(0, MANIFEST_LIMIT + 1);
  } finally {
    file?.close();
  }
}

async function writeSmall(path: string, bytes: Uint8Array): Promise<void> {
  const file = await PendingFile.create(path);
  try {
    await file.append(bytes);
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function noLayout(path: string, why: string): AirferryError {
  return new AirferryError('ARCHIVE_INVALID', `${path} ${why}`, {
    where: { file: path },
    suggestions: ['Choose an empty folder, or one that does not exist yet.'],
  });
}
