/** Uploads as files that nobody else may read; they outlive the server, so that a client can go on after a restart. */
import { createHash, randomUUID } from 'node:crypto';
import { open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, Digester } from '../../../content/digest.ts';
import { ReadFile } from '../../../support/file.ts';
import { makeFolders } from '../../../support/folders.ts';
import { unwritable } from '../../../support/write-file.ts';
import type { Upload } from '../content.ts';
import { appendTo } from './append.ts';
import { type Places, settle, sizeOf } from './files.ts';

/** How long an upload may stand still before it is given up. */
const STALE_MS = 24 * 3600_000;
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Takes a finished file, which is on the disk, as a blob of a repository. */
export type Adopt = (file: string, repository: string, digest: Digest) => Promise<void>;

export class Uploads {
  readonly #places: Places;
  readonly #adopt: Adopt;
  readonly #known = new Map<string, Promise<FileUpload | undefined>>();

  constructor(places: Places, adopt: Adopt) {
    this.#places = places;
    this.#adopt = adopt;
  }

  async start(repository: string): Promise<Upload> {
    const id = randomUUID();
    const file = this.#file(repository, id);
    try {
      await (await open(file, 'wx', 0o600)).close();
    } catch (cause) {
      throw unwritable(file, cause);
    }
    const upload = this.#upload(repository, id, file, new Digester());
    this.#known.set(file, Promise.resolve(upload));
    return upload;
  }

  async find(repository: string, id: string): Promise<Upload | undefined> {
    if (!ID.test(id)) return undefined;
    const file = this.#file(repository, id);
    const known = this.#known.get(file) ?? this.#recall(repository, id, file);
    this.#known.set(file, known);
    const upload = await known.catch(() => undefined);
    if (!upload) this.#known.delete(file);
    return upload;
  }

  /** Take away what stands still for a day; at the start, also what a killed server was about to write. */
  async sweep(at: 'start' | 'later', now = Date.now()): Promise<void> {
    const folder = this.#places.unfinished;
    await makeFolders(folder, 0o700);
    for (const name of await readdir(folder)) {
      const file = join(folder, name);
      const isUpload = name.startsWith('upload-');
      const age = now - ((await stat(file).catch(() => undefined))?.mtimeMs ?? now);
      if (isUpload ? age < STALE_MS : at === 'later') continue;
      this.#known.delete(file);
      await unlink(file).catch(() => undefined);
    }
  }

  /** Of an earlier run: what came then is hashed again. */
  async #recall(repository: string, id: string, file: string): Promise<FileUpload | undefined> {
    if ((await sizeOf(file)) === undefined) return undefined;
    return this.#upload(repository, id, file, await hashed(file, new Digester()));
  }

  #upload(repository: string, id: string, file: string, digester: Digester): FileUpload {
    const end = (): boolean => this.#known.delete(file);
    return new FileUpload(id, file, digester, {
      end,
      adopt: digest => this.#adopt(file, repository, digest),
    });
  }

  /** The repository is part of the name, so that an upload is found only where it was begun. */
  #file(repository: string, id: string): string {
    const mark = createHash('sha256').update(repository).digest('hex').slice(0, 16);
    return join(this.#places.unfinished, `upload-${mark}-${id}`);
  }
}

class FileUpload implements Upload {
  readonly id: string;
  readonly #file: string;
  readonly #digester: Digester;
  readonly #finally: { end: () => void; adopt: (digest: Digest) => Promise<void> };

  constructor(
    id: string,
    file: string,
    digester: Digester,
    after: { end: () => void; adopt: (digest: Digest) => Promise<void> },
  ) {
    this.id = id;
    this.#file = file;
    this.#digester = digester;
    this.#finally = after;
  }

  get size(): number {
    return this.#digester.size;
  }

  async append(bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const handle = await open(this.#file, 'r+');
    try {
      await appendTo(handle, this.size, bytes, chunk => this.#digester.update(chunk));
    } catch (cause) {
      if (!isWriteFailure(cause)) throw cause;
      // What was counted is not what was written: nothing can follow.
      await this.cancel();
      throw unwritable(this.#file, cause);
    } finally {
      await handle.close();
    }
  }

  async finish(digest: Digest): Promise<boolean> {
    this.#finally.end();
    const digester = digest.startsWith('sha256:')
      ? this.#digester
      : await hashed(this.#file, new Digester(digest));
    if (digester.digest() !== digest) {
      await this.cancel();
      return false;
    }
    try {
      const handle = await open(this.#file, 'r+');
      await settle(handle).finally(() => handle.close());
      await this.#finally.adopt(digest);
    } catch (cause) {
      await this.cancel();
      throw cause;
    }
    return true;
  }

  async cancel(): Promise<void> {
    this.#finally.end();
    await unlink(this.#file).catch(() => undefined);
  }
}

function isWriteFailure(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).syscall === 'write';
}

async function hashed(path: string, digester: Digester): Promise<Digester> {
  const file = ReadFile.open(path);
  try {
    for await (const chunk of file.stream()) digester.update(chunk);
    return digester;
  } finally {
    file.close();
  }
}
