/**
 * Large uploads under way, noted down so that a later run goes on with them: one file for each blob in the user's cache
 * directory. What a registry calls the state of an upload stands in its Location: nobody else may read these files.
 * Whatever goes wrong here costs a resumed upload, never an upload.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { Descriptor } from '../content/descriptor.ts';
import { makeFolders } from '../support/folders.ts';
import { isObject } from '../support/is-object.ts';

/** Milliseconds after which an upload is not worth asking for: registries remove abandoned ones after a week. */
const EXPIRY_MS = 6 * 24 * 3600 * 1000;
/** Bytes of a file that is one of ours. */
const ENTRY_LIMIT = 64 * 1024;
/** Files that are looked at when old ones are removed. */
const SWEEP_LIMIT = 1000;

interface Entry {
  version: 1;
  registry: string;
  repository: string;
  digest: string;
  size: number;
  location: string;
  /** The least bytes that the registry wants in a chunk; absent where it wants no number of them. */
  least?: number;
  /** Milliseconds since 1970. */
  noted: number;
  /** Who has it in hand; absent when nobody has. */
  holder?: { host: string; pid: number };
}

/** Where an upload goes on, and the least bytes of a chunk of it: 0 where the registry does not say. */
export interface UploadPlace {
  location: URL;
  least: number;
}

/** `$XDG_CACHE_HOME/airferry/uploads`, `~/.cache/airferry/uploads`. */
export function uploadsFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), 'uploads');
}

/** `$XDG_CACHE_HOME/airferry/layers`, `~/.cache/airferry/layers`: what layers became when they were compressed. */
export function layersFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), 'layers');
}

function cacheFolder({ XDG_CACHE_HOME: base }: NodeJS.ProcessEnv): string {
  return join(base && isAbsolute(base) ? base : join(homedir(), '.cache'), 'airferry');
}

export class UploadJournal {
  readonly #folder: string;
  readonly #registry: string;
  #swept = false;

  constructor(folder: string, registry: string) {
    this.#folder = folder;
    this.#registry = registry;
  }

  /** Take over the upload of a blob that an earlier run has left. Undefined where none is left, or another run has it in hand. */
  async take(repository: string, blob: Descriptor): Promise<UploadPlace | undefined> {
    const file = this.#file(repository, blob);
    const entry = await this.#read(file);
    if (!entry || !this.#isOf(entry, repository, blob) || inHand(entry)) return undefined;
    const claimed = `${file}.${process.pid}.part`;
    try {
      // Of two runs that come at the same time, one finds the file gone.
      await rename(file, claimed);
      const { least } = entry;
      const sound = Number.isSafeInteger(least) && Number(least) > 0;
      const place = { location: new URL(entry.location), least: sound ? Number(least) : 0 };
      await this.note(repository, blob, place);
      await unlink(claimed);
      return place;
    } catch {
      return undefined;
    }
  }

  /** Note down where an upload goes on. It is in the hand of this process until `release`. */
  async note(repository: string, blob: Descriptor, place: UploadPlace): Promise<void> {
    const holder = { host: hostname(), pid: process.pid };
    await this.#write(repository, blob, place, holder);
  }

  /** Leave an upload to a later run. */
  async release(repository: string, blob: Descriptor, place: UploadPlace): Promise<void> {
    await this.#write(repository, blob, place);
  }

  /** There is nothing to go on with. */
  async forget(repository: string, blob: Descriptor): Promise<void> {
    await unlink(this.#file(repository, blob)).catch(() => {});
  }

  async #write(
    repository: string,
    { digest, size }: Descriptor,
    { location, least }: UploadPlace,
    holder?: Entry['holder'],
  ): Promise<void> {
    const entry: Entry = {
      version: 1,
      registry: this.#registry,
      repository,
      digest,
      size,
      location: location.href,
      ...(least > 0 ? { least } : {}),
      noted: Date.now(),
      holder,
    };
    const file = this.#file(repository, { digest });
    const temporary = `${file}.${randomBytes(4).toString('hex')}.part`;
    try {
      await makeFolders(this.#folder, 0o700);
      if (!this.#swept) await this.#sweep();
      // Not synced: a note that a power cut takes is worth less than the wait for the disk after every chunk.
      await writeFile(temporary, JSON.stringify(entry), { flag: 'wx', mode: 0o600 });
      await rename(temporary, file);
    } catch {
      await unlink(temporary).catch(() => {});
    }
  }

  /** Remove what is too old to be of use. */
  async #sweep(): Promise<void> {
    this.#swept = true;
    for (const name of (await readdir(this.#folder)).slice(0, SWEEP_LIMIT)) {
      const file = join(this.#folder, name);
      const age = Date.now() - (await stat(file)).mtimeMs;
      if (age > EXPIRY_MS) await unlink(file);
    }
  }

  async #read(file: string): Promise<Entry | undefined> {
    try {
      if ((await stat(file)).size > ENTRY_LIMIT) return undefined;
      const json: unknown = JSON.parse(await readFile(file, 'utf8'));
      return isObject(json) && json.version === 1 ? (json as unknown as Entry) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether an entry, which may be damaged, is about this blob, and young enough. */
  #isOf(entry: Entry, repository: string, { digest, size }: Descriptor): boolean {
    const { location, noted } = entry;
    const same = entry.registry === this.#registry && entry.repository === repository;
    const young = typeof noted === 'number' && Math.abs(Date.now() - noted) < EXPIRY_MS;
    const leads = typeof location === 'string' && URL.canParse(location) && /^https?:/.test(location);
    return same && entry.digest === digest && entry.size === size && young && leads;
  }

  #file(repository: string, { digest }: Pick<Descriptor, 'digest'>): string {
    const key = `${this.#registry}\n${repository}\n${digest}`;
    return join(this.#folder, `${createHash('sha256').update(key).digest('hex')}.json`);
  }
}

/** Whether another run works at it. On another machine, with a home that both share, nobody can tell: so it is. */
function inHand({ holder }: Entry): boolean {
  if (!isObject(holder)) return false;
  if (holder.host !== hostname() || typeof holder.pid !== 'number') return true;
  try {
    process.kill(holder.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
