/**
 * A registry's content in a folder: an OCI layout for each repository, `DIR/<repository>/`, which other tools can read as
 * one. A blob that several repositories have is one file with several names, where the file system has hard links. At
 * any moment, power cut included, what stands under its name is whole.
 */
import { link, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Digest } from '../../../content/digest.ts';
import { isRepositoryName } from '../../../content/reference.ts';
import { AirferryError, systemCode } from '../../../errors.ts';
import { unreadable } from '../../../support/file.ts';
import { unwritable } from '../../../support/write-file.ts';
import type { Referrer, ServedBlob, ServedManifest, Upload, WritableContent } from '../content.ts';
import { blobFile, blobIn, makeFolder, Places, place, sizeOf, unfinishedFile } from './files.ts';
import { takeLock } from './lock.ts';
import { Repository } from './repository.ts';
import { Uploads } from './uploads.ts';

const SWEEP_MS = 3600_000;

/**
 * Open a storage, which is made if there is none, and keep others from it until `close`. Throws STORAGE_LOCKED,
 * STORAGE_INVALID, FILE_UNWRITABLE.
 */
export async function openStorage(root: string): Promise<Storage> {
  const places = new Places(root);
  if ((await sizeOf(join(root, 'index.json'))) !== undefined) throw isLayout(root);
  try {
    await makeFolder(dirname(places.lock));
  } catch (cause) {
    throw unwritable(root, cause);
  }
  const release = await takeLock(places.lock);
  try {
    const repositories = new Map<string, Repository>();
    for (const name of await findRepositories(root))
      repositories.set(name, await Repository.open(places, name));
    const storage = new Storage(places, repositories, release);
    await storage.sweep('start');
    return storage;
  } catch (error) {
    await release();
    throw error;
  }
}

export class Storage implements WritableContent {
  readonly description: string;
  readonly #places: Places;
  readonly #repositories: Map<string, Repository>;
  readonly #uploads: Uploads;
  readonly #release: () => Promise<void>;
  readonly #timer: NodeJS.Timeout;

  constructor(places: Places, repositories: Map<string, Repository>, release: () => Promise<void>) {
    this.description = places.root;
    this.#places = places;
    this.#repositories = repositories;
    this.#release = release;
    this.#uploads = new Uploads(places, (file, name, digest) => this.#adopt(file, name, digest));
    this.#timer = setInterval(() => void this.sweep('later').catch(() => undefined), SWEEP_MS).unref();
  }

  /** Give the storage back. No request may be under way. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#release();
  }

  sweep(at: 'start' | 'later'): Promise<void> {
    return this.#uploads.sweep(at);
  }

  async repositories(): Promise<string[]> {
    return [...this.#repositories.values()].filter(({ isEmpty }) => !isEmpty).map(({ name }) => name);
  }

  async tags(name: string): Promise<string[] | undefined> {
    const repository = this.#repositories.get(name);
    return repository?.exists ? repository.tags : undefined;
  }

  async manifest(name: string, reference: string): Promise<ServedManifest | undefined> {
    return this.#repositories.get(name)?.manifest(reference);
  }

  async blob(name: string, digest: Digest): Promise<ServedBlob | undefined> {
    const repository = this.#repositories.get(name);
    return repository && blobIn(repository.folder, digest);
  }

  async referrers(name: string, subject: Digest): Promise<Referrer[]> {
    return (await this.#repositories.get(name)?.referrers(subject)) ?? [];
  }

  async startUpload(name: string): Promise<Upload> {
    this.#places.repository(name);
    return this.#uploads.start(name);
  }

  async upload(name: string, id: string): Promise<Upload | undefined> {
    return this.#uploads.find(name, id);
  }

  async mount(name: string, digest: Digest, from: string | undefined): Promise<boolean> {
    const sources = from === undefined ? [...this.#repositories.keys()] : [from];
    for (const source of sources) {
      const repository = this.#repositories.get(source);
      if (repository && (await this.#mountFrom(repository, name, digest))) return true;
    }
    return false;
  }

  async #mountFrom(source: Repository, name: string, digest: Digest): Promise<boolean> {
    const there = blobFile(source.folder, digest);
    if ((await sizeOf(there)) === undefined) return false;
    if (source.name === name) return true;
    const repository = await this.#established(name);
    const here = blobFile(repository.folder, digest);
    await makeFolder(dirname(here));
    return shareFile(this.#places, there, here);
  }

  async putManifest(name: string, manifest: ServedManifest, tag: string | undefined): Promise<void> {
    await (await this.#repository(name)).put(manifest, tag);
  }

  async deleteTag(name: string, tag: string): Promise<boolean> {
    return (await this.#repositories.get(name)?.removeTag(tag)) ?? false;
  }

  async deleteManifest(name: string, digest: Digest): Promise<boolean> {
    return (await this.#repositories.get(name)?.removeManifest(digest)) ?? false;
  }

  async deleteBlob(name: string, digest: Digest): Promise<boolean> {
    return (await this.#repositories.get(name)?.removeBlob(digest)) ?? false;
  }

  /**
   * A verified file becomes a blob, also where other repositories have that blob: their files may have been damaged since,
   * and from now on one file is enough for all.
   */
  async #adopt(file: string, name: string, digest: Digest): Promise<void> {
    const repository = await this.#established(name);
    const here = blobFile(repository.folder, digest);
    try {
      await makeFolder(dirname(here));
      await place(file, here);
    } catch (cause) {
      throw unwritable(here, cause);
    }
    for (const other of this.#repositories.values()) {
      const there = blobFile(other.folder, digest);
      if (other !== repository && (await sizeOf(there)) !== undefined)
        await shareFile(this.#places, here, there);
    }
  }

  async #established(name: string): Promise<Repository> {
    const repository = await this.#repository(name);
    await repository.establish();
    return repository;
  }

  /** Two that come at once get the same one, or their changes would not be made one after another. */
  async #repository(name: string): Promise<Repository> {
    const opened = this.#repositories.get(name) ?? (await Repository.open(this.#places, name));
    const repository = this.#repositories.get(name) ?? opened;
    this.#repositories.set(name, repository);
    return repository;
  }
}

/** Let `to` be the same file as `from`, in one step. False where the file system cannot do that. */
async function shareFile(places: Places, from: string, to: string): Promise<boolean> {
  const temporary = unfinishedFile(places);
  try {
    const [source, target] = [await stat(from), await stat(to).catch(() => undefined)];
    if (source.ino === target?.ino && source.dev === target.dev) return true;
    await link(from, temporary);
    await place(temporary, to);
    return true;
  } catch {
    return false;
  } finally {
    // Renamed onto another name of the same file, it stays: rename(2).
    await unlink(temporary).catch(() => undefined);
  }
}

/** Folders with an index.json whose path is a repository's name; not those within a layout's own blobs. */
async function findRepositories(root: string): Promise<string[]> {
  const found: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (!entry.isDirectory() || entry.name === 'blobs') continue;
      const path = join(folder, entry.name);
      const name = relative(root, path).split(sep).join('/');
      if (!isRepositoryName(name)) continue;
      if ((await sizeOf(join(path, 'index.json'))) !== undefined) found.push(name);
      await visit(path);
    }
  };
  try {
    await visit(root);
  } catch (cause) {
    throw systemCode(cause) ? unreadable(root, cause, 'folder') : cause;
  }
  return found;
}

function isLayout(root: string): AirferryError {
  return new AirferryError('STORAGE_INVALID', `${root} is an OCI layout itself, not a storage of layouts`, {
    where: { file: root },
    suggestions: [
      `To serve it as it is, without taking anything in: airferry registry serve ${root}`,
      'To let it grow, move it into a storage: it becomes the repository that its folder is called after.',
    ],
  });
}
