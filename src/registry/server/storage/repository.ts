/** One repository of a storage: an OCI layout in a folder. Changes are made one after another, readers see whole states. */
import { readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Descriptor } from '../../../content/descriptor.ts';
import { type Digest, digestOf } from '../../../content/digest.ts';
import { AirferryError, isAirferryError } from '../../../errors.ts';
import type { Referrer, ServedManifest } from '../content.ts';
import { Refusal } from '../refusal.ts';
import { type Contents, contentsOf } from './contents.ts';
import { blobFile, isAbsent, makeFolder, type Places, sizeOf, writeWhole } from './files.ts';
import {
  EMPTY_INDEX,
  formatIndexFile,
  type IndexFile,
  parseIndexFile,
  withManifest,
  withoutManifest,
  withoutTag,
} from './index-file.ts';

const LAYOUT = Buffer.from('{"imageLayoutVersion":"1.0.0"}');

export class Repository {
  readonly name: string;
  readonly folder: string;
  readonly #places: Places;
  #index: IndexFile;
  #exists: boolean;
  /** Read when they are first asked for. */
  #contents: Promise<Map<Digest, Contents>> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(places: Places, name: string, index: IndexFile | undefined) {
    this.name = name;
    this.folder = places.repository(name);
    this.#places = places;
    this.#index = index ?? EMPTY_INDEX;
    this.#exists = index !== undefined;
  }

  /** The repository of that name, which need not be there yet. Throws STORAGE_INVALID, NAME_INVALID. */
  static async open(places: Places, name: string): Promise<Repository> {
    const file = join(places.repository(name), 'index.json');
    const text = await readFile(file, 'utf8').catch(error => {
      if (isAbsent(error)) return undefined;
      throw error;
    });
    return new Repository(places, name, text === undefined ? undefined : parseIndexFile(text, file));
  }

  /** Whether anything was ever put into it. */
  get exists(): boolean {
    return this.#exists;
  }

  get isEmpty(): boolean {
    return this.#index.entries.length === 0;
  }

  get tags(): string[] {
    return [...new Set(this.#index.entries.flatMap(({ tag }) => tag ?? []))];
  }

  /** A manifest by tag or digest. Throws DIGEST_MISMATCH for one whose file was damaged. */
  async manifest(reference: string): Promise<ServedManifest | undefined> {
    const isMeant = (entry: { tag?: string; descriptor: Descriptor }): boolean =>
      entry.tag === reference || entry.descriptor.digest === reference;
    const found = this.#index.entries.find(isMeant)?.descriptor ?? (await this.#child(reference));
    return found && this.#read(found);
  }

  /** Children of an index need no entry of their own in layouts that others made. */
  async #child(digest: string): Promise<Descriptor | undefined> {
    if (!this.#exists || !digest.includes(':')) return undefined;
    const all = await this.#allContents();
    return [...all.values()].flatMap(({ children }) => children).find(child => child.digest === digest);
  }

  async referrers(subject: Digest): Promise<Referrer[]> {
    const all = this.#exists ? await this.#allContents() : new Map<Digest, Contents>();
    return [...all.values()].flatMap(({ about }) => (about?.subject === subject ? about.referrer : []));
  }

  /** Make sure that the layout is there. */
  establish(): Promise<void> {
    return this.change(() => this.#establish());
  }

  /** Store a manifest. Throws MANIFEST_BLOB_UNKNOWN, MANIFEST_INVALID. */
  put(manifest: ServedManifest, tag: string | undefined): Promise<void> {
    return this.change(async () => {
      const contents = contentsOf(manifest);
      await this.#check(contents);
      await this.#establish();
      const { digest } = manifest.descriptor;
      await makeFolder(join(blobFile(this.folder, digest), '..'));
      const all = await this.#allContents();
      await writeWhole(this.#places, blobFile(this.folder, digest), manifest.bytes);
      await this.#write(withManifest(this.#index, this.name, manifest.descriptor, tag));
      all.set(digest, contents);
    });
  }

  removeTag(tag: string): Promise<boolean> {
    return this.change(async () => {
      if (!this.#index.entries.some(entry => entry.tag === tag)) return false;
      await this.#write(withoutTag(this.#index, tag));
      return true;
    });
  }

  /** With all of its tags. Its blobs stay: others may need them. */
  removeManifest(digest: Digest): Promise<boolean> {
    return this.change(async () => {
      if (!this.#index.entries.some(entry => entry.descriptor.digest === digest)) return false;
      const all = await this.#allContents();
      await this.#write(withoutManifest(this.#index, digest));
      all.delete(digest);
      if (!isNeeded(all, digest)) await this.#unlink(digest);
      return true;
    });
  }

  /** Throws UNSUPPORTED for a blob without which a manifest would not be whole. */
  removeBlob(digest: Digest): Promise<boolean> {
    return this.change(async () => {
      if (!this.#exists) return false;
      const all = await this.#allContents();
      if (all.has(digest) || isNeeded(all, digest))
        throw new Refusal('UNSUPPORTED', 'a manifest of the repository needs the blob; delete that first');
      return this.#unlink(digest);
    });
  }

  /** Run work that changes the repository, when what was begun before is done. */
  change<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async #establish(): Promise<void> {
    if (this.#exists) return;
    await makeFolder(join(this.folder, 'blobs', 'sha256'));
    await writeWhole(this.#places, join(this.folder, 'oci-layout'), LAYOUT);
    // Last: this is what makes a folder a repository.
    await this.#write(EMPTY_INDEX);
    this.#exists = true;
  }

  async #write(index: IndexFile): Promise<void> {
    await writeWhole(this.#places, join(this.folder, 'index.json'), formatIndexFile(index));
    this.#index = index;
  }

  /** All blobs have to be there. Of an index some children may be missing: it is then of use for the others. */
  async #check({ blobs, children }: Contents): Promise<void> {
    const missing: Digest[] = [];
    for (const { digest, size } of blobs) {
      const stored = await sizeOf(blobFile(this.folder, digest));
      if (stored === undefined) missing.push(digest);
      else if (stored !== size)
        throw new Refusal('MANIFEST_INVALID', `the blob ${digest} has ${stored} bytes, not ${size}`);
    }
    const absent: Digest[] = [];
    for (const { digest } of children)
      if ((await sizeOf(blobFile(this.folder, digest))) === undefined) absent.push(digest);
    if (children.length > 0 && absent.length === children.length) missing.push(...absent);
    if (missing.length === 0) return;
    const details = [...new Set(missing)].map(digest => ({ digest }));
    throw new Refusal('MANIFEST_BLOB_UNKNOWN', 'the manifest names content that is not there', { details });
  }

  async #read(descriptor: Descriptor): Promise<ServedManifest | undefined> {
    const file = blobFile(this.folder, descriptor.digest);
    try {
      const bytes = await readFile(file);
      if (digestOf(bytes, descriptor.digest) === descriptor.digest) return { descriptor, bytes };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
    throw new AirferryError('DIGEST_MISMATCH', `the manifest ${descriptor.digest} is damaged`, {
      where: { file, blob: descriptor.digest },
      suggestions: ['Push the image again: that replaces the file.'],
    });
  }

  #allContents(): Promise<Map<Digest, Contents>> {
    this.#contents ??= this.#readAllContents().catch(error => {
      this.#contents = undefined;
      throw error;
    });
    return this.#contents;
  }

  async #readAllContents(): Promise<Map<Digest, Contents>> {
    const all = new Map<Digest, Contents>();
    const todo = this.#index.entries.map(({ descriptor }) => descriptor);
    for (let next = todo.pop(); next; next = todo.pop()) {
      if (all.has(next.digest)) continue;
      const contents = await this.#readContents(next);
      if (!contents) continue;
      all.set(next.digest, contents);
      todo.push(...contents.children);
    }
    return all;
  }

  /** Undefined for what is not there, and for what only claims to be a manifest. */
  async #readContents(descriptor: Descriptor): Promise<Contents | undefined> {
    try {
      const manifest = await this.#read(descriptor);
      return manifest && contentsOf(manifest);
    } catch (error) {
      if (isAirferryError(error, 'MANIFEST_INVALID')) return undefined;
      throw error;
    }
  }

  async #unlink(digest: Digest): Promise<boolean> {
    try {
      await unlink(blobFile(this.folder, digest));
      return true;
    } catch (error) {
      if (isAbsent(error)) return false;
      throw error;
    }
  }
}

function isNeeded(all: ReadonlyMap<Digest, Contents>, digest: Digest): boolean {
  return [...all.values()].some(({ blobs }) => blobs.some(blob => blob.digest === digest));
}
