/** A content store over files or parts of files: the blobs of a layout folder, or the entries of an OCI archive. */
import { existsSync, lstatSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, digestOf, hexOf, isDigest } from '../../content/digest.ts';
import { MANIFEST_LIMIT } from '../../content/manifest.ts';
import { verified } from '../../content/verified.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { type ReadableFile, ReadFile } from '../../support/file.ts';
import { headerSize, safePath } from '../../tar/header.ts';
import { entryAt, indexTar, type TarEntry } from '../../tar/index.ts';
import type { Bytes, Document } from '../source.ts';
import type { ContentStore } from './store.ts';

/** What is looked for in a layout: a blob by its digest, or its index. */
export type Key = Digest | 'index.json';

/** Where a piece of content lies in a file, in bytes. */
export interface Span {
  offset: number;
  size: number;
}

interface Place extends Span {
  file: ReadableFile;
}

/** The path of a blob within a layout. OCI image-spec, image-layout.md. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest.slice(0, digest.indexOf(':'))}/${hexOf(digest)}`;
}

function pathOf(key: Key): string {
  return key === 'index.json' ? key : blobPath(key);
}

/** The digest that a path within a layout stands for. */
export function digestAt(path: string): Digest | undefined {
  const [, algorithm, hex] = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(path) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? digest : undefined;
}

abstract class PlacedStore implements ContentStore {
  readonly description: string;

  constructor(description: string) {
    this.description = description;
  }

  protected abstract place(key: Key): Place | undefined;
  abstract close(): void;

  index(): Uint8Array {
    const place = this.place('index.json');
    if (!place) throw this.#invalid('has no index.json, so it is no OCI layout');
    try {
      if (place.size > MANIFEST_LIMIT) throw this.#invalid('has an index.json of more than 4 MiB');
      return place.file.readAt(place.offset, place.size);
    } finally {
      this.done(place);
    }
  }

  has(digest: Digest): boolean {
    return this.size(digest) !== undefined;
  }

  size(digest: Digest): number | undefined {
    const place = this.place(digest);
    if (place) this.done(place);
    return place?.size;
  }

  async *slice(digest: Digest, offset: number, length: number): AsyncGenerator<Uint8Array> {
    const place = this.#find({ digest });
    try {
      const rest = Math.max(0, place.size - offset);
      yield* place.file.stream(place.offset + offset, Math.min(length, rest));
    } finally {
      this.done(place);
    }
  }

  async *open(descriptor: Descriptor): AsyncGenerator<Uint8Array> {
    const place = this.#find(descriptor);
    try {
      const bytes: Bytes = place.file.stream(place.offset, place.size);
      yield* verified(bytes, descriptor, place.file.locate(place.offset));
    } finally {
      this.done(place);
    }
  }

  document(descriptor: Descriptor, limit = MANIFEST_LIMIT): Document {
    const place = this.#find(descriptor);
    try {
      if (place.size > limit)
        throw this.#invalid(`has a document of more than ${limit} bytes, ${descriptor.digest}`);
      const bytes = place.file.readAt(place.offset, place.size);
      const actual = digestOf(bytes, descriptor.digest);
      if (bytes.length === descriptor.size && actual === descriptor.digest) return { descriptor, bytes };
      const found =
        actual === descriptor.digest ? `it has ${bytes.length} bytes` : `its content is ${actual}`;
      throw new AirferryError('DIGEST_MISMATCH', `blob ${descriptor.digest} is damaged: ${found}`, {
        where: { ...place.file.locate(place.offset), blob: descriptor.digest },
        suggestions: ['Copy the file again from where it came.'],
      });
    } finally {
      this.done(place);
    }
  }

  /** Give back a place that `place` handed out. */
  protected done(_place: Place): void {}

  #find({ digest }: Pick<Descriptor, 'digest'>): Place {
    const place = this.place(digest);
    if (place) return place;
    throw new AirferryError('ARCHIVE_INVALID', `${this.description} lacks the blob ${digest}`, {
      where: { file: this.description, blob: digest },
    });
  }

  #invalid(why: string): AirferryError {
    return new AirferryError('ARCHIVE_INVALID', `${this.description} ${why}`, {
      where: { file: this.description },
    });
  }
}

/** A layout in a folder. */
export class FolderStore extends PlacedStore {
  readonly #root: string;

  constructor(root: string) {
    super(root);
    this.#root = root;
  }

  protected override place(key: Key): Place | undefined {
    try {
      const full = join(this.#root, pathOf(key));
      this.#refuseOutside(full);
      const file = ReadFile.open(full);
      return { file, offset: 0, size: file.size };
    } catch (error) {
      if (isAirferryError(error, 'FILE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  protected override done(place: Place): void {
    place.file.close();
  }

  /** A layout may come from a stranger: a link in it must not bring a file of this machine to a registry. */
  #refuseOutside(path: string): void {
    if (!lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) return;
    const inside = `${realpathSync(this.#root)}${sep}`;
    if (existsSync(path) && realpathSync(path).startsWith(inside)) return;
    throw new AirferryError('ARCHIVE_INVALID', `${path} is a link that leads out of the layout`, {
      where: { file: path },
      suggestions: ['Put the file itself in its place, or copy the layout anew from where it came.'],
    });
  }

  override close(): void {}
}

/** A layout in an uncompressed tar, read in place. */
export class TarStore extends PlacedStore {
  protected readonly file: ReadableFile;
  protected places: ReadonlyMap<Key, Span>;

  constructor(file: ReadableFile, places: ReadonlyMap<Key, Span>) {
    super(file.path);
    this.file = file;
    this.places = places;
  }

  /** With the entries that were found in it. */
  static of(file: ReadableFile, entries: readonly TarEntry[]): TarStore {
    return new TarStore(file, placesOf(entries));
  }

  override size(digest: Digest): number | undefined {
    return this.places.get(digest)?.size;
  }

  protected override place(key: Key): Place | undefined {
    const span = this.places.get(key);
    return span && { file: this.file, offset: span.offset, size: span.size };
  }

  override close(): void {
    this.file.close();
  }
}

/**
 * The same, where a document tells the places of the entries and nobody has read their headers. Each is looked at before
 * anything is taken from it; where another one lies there, all of them are read.
 */
export class ForetoldTarStore extends TarStore {
  /** Whose header was not looked at yet. */
  readonly #unseen: Set<Key>;

  constructor(file: ReadableFile, places: ReadonlyMap<Key, Span>) {
    super(file, places);
    this.#unseen = new Set(places.keys());
  }

  /** What has the right digest lies where it should. */
  override document(descriptor: Descriptor, limit?: number): Document {
    const unseen = this.#unseen.delete(descriptor.digest);
    try {
      return super.document(descriptor, limit);
    } catch (error) {
      if (!unseen || !isAirferryError(error, 'DIGEST_MISMATCH')) throw error;
      this.#readAll();
      return super.document(descriptor, limit);
    }
  }

  protected override place(key: Key): Place | undefined {
    const place = super.place(key);
    if (!place || !this.#unseen.delete(key) || this.#isThere(pathOf(key), place)) return place;
    this.#readAll();
    return super.place(key);
  }

  #readAll(): void {
    this.places = placesOf(indexTar(this.file));
    this.#unseen.clear();
  }

  #isThere(path: string, { offset, size }: Span): boolean {
    try {
      const entry = entryAt(this.file, offset - headerSize(path));
      return entry?.type === 'file' && entry.name === path && entry.offset === offset && entry.size === size;
    } catch (error) {
      if (isAirferryError(error, 'ARCHIVE_INVALID', 'ARCHIVE_TRUNCATED')) return false;
      throw error;
    }
  }
}

function placesOf(entries: readonly TarEntry[]): Map<Key, Span> {
  const places = new Map<Key, Span>();
  for (const entry of entries) {
    const path = entry.type === 'file' ? (safePath(entry.name) ?? '') : '';
    const key = path === 'index.json' ? path : digestAt(path);
    if (key) places.set(key, entry);
  }
  return places;
}
