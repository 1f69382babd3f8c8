/**
 * Writing images into one tar, in one pass: every blob goes straight to its place and is hashed on the way; its tar
 * header is filled in once size and digest are known. Content that is there already is overwritten by what comes next.
 *
 * Blobs whose size is known get their room in the order in which they are asked for, so they may be filled side by
 * side and the same content still gives the same bytes.
 */
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, Digester, digestOf } from '../../content/digest.ts';
import { MANIFEST_LIMIT, parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { isConfigType } from '../../content/media-types.ts';
import type { Platform } from '../../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../../content/reference.ts';
import { readAll, verified } from '../../content/verified.ts';
import { AirferryError } from '../../errors.ts';
import { Semaphore } from '../../support/semaphore.ts';
import type { PendingOutput } from '../../support/write-file.ts';
import { BLOCK, headerSize, paddedSize } from '../../tar/header.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../tar/write.ts';
import { blobPath } from '../oci/file-store.ts';
import { NOWHERE } from '../plan.ts';
import type { Bytes, Document } from '../source.ts';
import type { BlobInput, ImageTarget, PutResult } from '../target.ts';
import { indexJson, manifestJson, OCI_LAYOUT, type TopEntry } from './documents.ts';

export interface ArchiveOptions {
  /** For messages: `docker-archive:saved.tar`. */
  description: string;
  /** Bytes at the start that are left to the caller. */
  reserve?: number;
  /** Blobs of known size under way at once. Default 1, which suits sources on a disk. */
  concurrency?: number;
  /** How the operator wrote a name; see `TopEntry.written`. */
  written?(name: Reference): string | undefined;
  /** Whether a blob is to be left out, since whoever reads the archive has it; asked for each but manifests and configs. */
  leaveOut?(blob: Descriptor, chains?: readonly Digest[]): boolean;
  /** Stops a blob midway. */
  signal?: AbortSignal;
}

/** Digest and size of an entry that is no blob. */
export interface EntryContent {
  digest: Digest;
  size: number;
}

export class ArchiveWriter implements ImageTarget {
  readonly description: string;
  readonly scope = 'whole';
  readonly concurrency: number;
  protected readonly file: PendingOutput;
  protected readonly top: TopEntry[] = [];
  readonly #blobs = new Map<Digest, Descriptor>();
  /** Where in the file each blob has its room, in bytes; none for those that are left out. */
  readonly #starts = new Map<Digest, number>();
  /** Blobs that are being filled, for those who ask for the same. */
  readonly #filling = new Map<Digest, Promise<unknown>>();
  readonly #documents = new Map<Digest, Document>();
  readonly #platforms = new Map<Digest, Platform>();
  readonly #names = new Map<string, Digest>();
  /** Who appends has the end of the file to himself. */
  readonly #end = new Semaphore(1);
  /** Small entries whose bytes are on their way to the disk. */
  readonly #writes: Promise<void>[] = [];
  readonly #options: ArchiveOptions;

  /** Write into a file that was just begun; whoever began it commits or discards it. */
  constructor(file: PendingOutput, options: ArchiveOptions) {
    this.file = file;
    this.#options = options;
    this.description = options.description;
    this.concurrency = options.concurrency ?? 1;
    file.skip(options.reserve ?? 0);
  }

  async holds(): Promise<boolean> {
    return false;
  }

  /** What is left out needs no source that has it. */
  async has(blob: Descriptor): Promise<boolean> {
    return this.#options.leaveOut?.(blob) ?? false;
  }

  async putBlob(input: BlobInput): Promise<PutResult> {
    const expected = 'descriptor' in input ? input.descriptor : undefined;
    if (!expected) return this.#append(input as Exclude<BlobInput, { descriptor: Descriptor }>);
    const { digest } = expected;
    const other = this.#filling.get(digest);
    if (other) await other;
    if (this.#blobs.has(digest)) return { descriptor: expected, how: 'present' };
    if (
      !isConfigType(expected.mediaType) &&
      this.#leaveOut(expected, 'chains' in input ? input.chains : undefined)
    )
      return { descriptor: expected, how: 'present' };
    const filling = isConfigType(expected.mediaType)
      ? this.#putConfig(expected, input.open())
      : this.#fill(expected, input.open());
    this.#filling.set(digest, filling);
    try {
      await filling;
      return { descriptor: expected, how: 'moved' };
    } finally {
      this.#filling.delete(digest);
    }
  }

  async putManifest(document: Document, name: Reference): Promise<Digest> {
    const { descriptor, bytes } = document;
    await this.putBytes(descriptor.mediaType, bytes, descriptor.digest);
    this.#documents.set(descriptor.digest, document);
    const manifest = parseManifest(bytes, descriptor.mediaType);
    const unnamed = !name.tag && !name.digest;
    // A child is found through its index, and has no entry of its own; what is about another manifest is found by it.
    if (unnamed && name !== NOWHERE && !manifest.subject) return descriptor.digest;
    if (!this.#claim(unnamed ? undefined : name, descriptor.digest)) return descriptor.digest;
    const platform = manifest.kind === 'image' ? this.#platforms.get(manifest.config.digest) : undefined;
    const written = unnamed ? undefined : this.#options.written?.(name);
    this.top.push({ document, name: unnamed ? undefined : name, platform, ...(written && { written }) });
    return descriptor.digest;
  }

  /** A document or small file from memory; hashed as `like` is. */
  async putBytes(mediaType: string, bytes: Uint8Array, like?: Digest): Promise<Descriptor> {
    const descriptor = { mediaType, digest: digestOf(bytes, like), size: bytes.length };
    if (this.#blobs.has(descriptor.digest)) return descriptor;
    this.#blobs.set(descriptor.digest, descriptor);
    await this.entry(blobPath(descriptor.digest), bytes, start => this.#starts.set(descriptor.digest, start));
    return descriptor;
  }

  /** Every blob so far, in the order of the archive; what is left out stands where it was asked for. */
  protected get blobs(): Descriptor[] {
    const all = [...this.#blobs.values()];
    const startOf = ({ digest }: Descriptor): number | undefined => this.#starts.get(digest);
    const placed = all.filter(blob => startOf(blob) !== undefined);
    const inOrder = placed.toSorted((a, b) => (startOf(a) ?? 0) - (startOf(b) ?? 0)).values();
    return all.map(blob => (startOf(blob) === undefined ? blob : (inOrder.next().value ?? blob)));
  }

  /** Platforms of the images whose configs are here. */
  protected get platforms(): Platform[] {
    return [...this.#platforms.values()];
  }

  /** `oci-layout` and `index.json`, by which OCI tools find the images. */
  protected async writeLayout(): Promise<Record<'oci-layout' | 'index.json', EntryContent>> {
    return {
      'oci-layout': await this.entry('oci-layout', OCI_LAYOUT),
      'index.json': await this.entry('index.json', indexJson(this.top)),
    };
  }

  /** `manifest.json`, by which `docker load` does. */
  protected writeManifestJson(): Promise<EntryContent> {
    return this.entry('manifest.json', manifestJson(this.top, this.#documents));
  }

  /** An entry of a few bytes. `onStart` is told where in the file it begins. */
  protected async entry(
    name: string,
    bytes: Uint8Array,
    onStart?: (start: number) => void,
  ): Promise<EntryContent> {
    const start = await this.#room(headerSize(name) + paddedSize(bytes.length));
    onStart?.(start);
    const write = fileHeader(name, bytes.length).then(header =>
      this.file.writeAt(Buffer.concat([header, bytes, padding(bytes.length)]), start),
    );
    write.catch(() => undefined);
    this.#writes.push(write);
    return { digest: digestOf(bytes), size: bytes.length };
  }

  /** The end of the archive, and the end of all writing. */
  protected async end(): Promise<void> {
    await this.file.append(END_OF_ARCHIVE);
    await Promise.all(this.#writes);
  }

  /** The error for a name that two different images would have. */
  protected collision(name: Reference, one: Digest, other: Digest): AirferryError {
    return new AirferryError(
      'RULE_COLLISION',
      `two different images are named ${familiarName(name)}: ${one} and ${other}`,
      { suggestions: ['Leave one of them out, or give it another name on the way.'] },
    );
  }

  #room(bytes: number): Promise<number> {
    return this.#end.run(async () => {
      const start = this.file.position;
      this.file.skip(bytes);
      return start;
    });
  }

  /** A blob whose end is known before it begins. */
  async #fill(expected: Descriptor, bytes: Bytes): Promise<void> {
    const { digest, size } = expected;
    const path = blobPath(digest);
    const room = this.#room(headerSize(path) + paddedSize(size));
    this.#blobs.set(digest, expected);
    const start = await room;
    this.#starts.set(digest, start);
    let at = start + headerSize(path);
    let underway: Promise<void> = Promise.resolve();
    try {
      for await (const chunk of verified(bytes, expected)) {
        this.#options.signal?.throwIfAborted();
        await underway;
        underway = this.file.writeAt(chunk, at);
        underway.catch(() => undefined);
        at += chunk.length;
      }
    } finally {
      await underway;
    }
    await this.file.writeAt(padding(size), at);
    await this.file.writeAt(await fileHeader(path, size), start);
  }

  /** A blob that gets its name at its end. */
  #append({ mediaType, open }: { mediaType: string; open(): Bytes }): Promise<PutResult> {
    return this.#end.run(async () => {
      const start = this.file.position;
      this.file.skip(BLOCK);
      const digester = new Digester();
      for await (const chunk of open()) {
        this.#options.signal?.throwIfAborted();
        digester.update(chunk);
        await this.file.append(chunk);
      }
      const descriptor: Descriptor = { mediaType, digest: digester.digest(), size: digester.size };
      if (this.#blobs.has(descriptor.digest) || this.#leaveOut(descriptor)) {
        await this.file.rewind(start);
        return { descriptor, how: 'present' };
      }
      await this.file.append(padding(descriptor.size));
      await this.file.writeAt(await fileHeader(blobPath(descriptor.digest), descriptor.size), start);
      this.#blobs.set(descriptor.digest, descriptor);
      this.#starts.set(descriptor.digest, start);
      return { descriptor, how: 'moved' };
    });
  }

  /** True for a blob that belongs to the archive and is not put into it. */
  #leaveOut(blob: Descriptor, chains?: readonly Digest[]): boolean {
    if (!this.#options.leaveOut?.(blob, chains)) return false;
    this.#blobs.set(blob.digest, blob);
    return true;
  }

  /** A config is small, and says the platform of its image. */
  async #putConfig(expected: Descriptor, bytes: Bytes): Promise<void> {
    const config = (await readAll(verified(bytes, expected), MANIFEST_LIMIT)) ?? new Uint8Array();
    this.#platforms.set(expected.digest, parseImageConfig(config).platform);
    await this.putBytes(expected.mediaType, config, expected.digest);
  }

  /** False where the name, or the content without one, is in the archive already. */
  #claim(name: Reference | undefined, digest: Digest): boolean {
    const key = name ? formatReference(name) : digest;
    const other = this.#names.get(key);
    if (name && other && other !== digest) throw this.collision(name, other, digest);
    this.#names.set(key, digest);
    return other === undefined;
  }
}
