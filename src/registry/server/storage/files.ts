/** Files of a storage: where they are, and how they come to stand there whole. */
import { randomUUID } from 'node:crypto';
import { open, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Digest, hexOf } from '../../../content/digest.ts';
import { verified } from '../../../content/verified.ts';
import { isAirferryError, systemCode } from '../../../errors.ts';
import { ReadFile } from '../../../support/file.ts';
import { makeFolders } from '../../../support/folders.ts';
import { unwritable } from '../../../support/write-file.ts';
import type { ServedBlob } from '../content.ts';
import { Refusal } from '../refusal.ts';

/** What a storage keeps for itself; no repository can be called so. */
export const OWN_FOLDER = '.airferry';
/** Names that a layout needs for itself. OCI image-spec, image-layout.md. */
const RESERVED = ['blobs', 'index.json', 'oci-layout'];

/** Where things are under the folder of a storage. */
export class Places {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  get lock(): string {
    return join(this.root, OWN_FOLDER, 'lock');
  }

  /** Unfinished files, on the same file system as the finished ones. */
  get unfinished(): string {
    return join(this.root, OWN_FOLDER, 'unfinished');
  }

  /** The layout of a repository. Throws NAME_INVALID for a name that would lie within another layout's own files. */
  repository(name: string): string {
    const parts = name.split('/');
    const reserved = parts.find(part => RESERVED.includes(part));
    if (reserved === undefined) return join(this.root, ...parts);
    throw new Refusal('NAME_INVALID', `a repository here cannot have "${reserved}" in its name`);
  }
}

export function blobFile(layout: string, digest: Digest): string {
  return join(layout, 'blobs', digest.slice(0, digest.indexOf(':')), hexOf(digest));
}

/** The bytes of a file; undefined where there is none. */
export async function sizeOf(file: string): Promise<number | undefined> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : undefined;
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/** A blob of a layout; undefined where there is none. */
export async function blobIn(layout: string, digest: Digest): Promise<ServedBlob | undefined> {
  const path = blobFile(layout, digest);
  const size = await sizeOf(path);
  if (size === undefined) return undefined;
  return {
    size,
    async *open(range) {
      const file = ReadFile.open(path);
      try {
        if (range) yield* file.stream(range.first, range.last - range.first + 1);
        else yield* verified(file.stream(), { digest, size }, { file: path });
      } finally {
        file.close();
      }
    },
  };
}

/** A name for a file that nobody is to see before it is finished. */
export function unfinishedFile(places: Places): string {
  return join(places.unfinished, `part-${randomUUID()}`);
}

/** Write a small file so that at any time either the old one or the new one is there, whole. Throws DISK_FULL and others. */
export async function writeWhole(places: Places, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = unfinishedFile(places);
  try {
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(bytes);
      await settle(handle);
    } finally {
      await handle.close();
    }
    await place(temporary, path);
  } catch (cause) {
    await unlink(temporary).catch(() => undefined);
    throw isAirferryError(cause) ? cause : unwritable(path, cause);
  }
}

/** Readable for whom the umask lets it, and on the disk. */
export async function settle(handle: Awaited<ReturnType<typeof open>>): Promise<void> {
  await handle.chmod(0o644 & ~process.umask());
  await handle.sync();
}

/** Give a finished file its name, for good. */
export async function place(temporary: string, path: string): Promise<void> {
  await rename(temporary, path);
  await syncFolder(dirname(path));
}

/** Make a folder and whatever is missing above it, for good. */
export async function makeFolder(path: string): Promise<void> {
  const first = await makeFolders(path);
  if (first === undefined) return;
  for (let folder = path; ; folder = dirname(folder)) {
    await syncFolder(folder);
    if (folder.length < first.length) return;
  }
}

/** What was renamed into a folder survives a power cut only after this. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function isAbsent(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
