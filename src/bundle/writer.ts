/**
 * Writing a bundle in one pass: every blob goes straight to its place in the archive and is hashed on the way; its tar
 * header is filled in once size and digest are known. Content that is there already is overwritten by what comes next.
 */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, Digester, digestOf } from '../content/digest.ts';
import { MANIFEST_LIMIT, parseImageConfig, parseManifest } from '../content/manifest.ts';
import { DOCKER_CONFIG, OCI_CONFIG } from '../content/media-types.ts';
import { formatPlatform, type Platform } from '../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../content/reference.ts';
import { readAll } from '../content/verified.ts';
import { AirferryError } from '../errors.ts';
import type { PendingFile } from '../support/write-file.ts';
import { BLOCK } from '../tar/header.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../tar/write.ts';
import { blobPath } from '../transports/oci/file-store.ts';
import { NOWHERE } from '../transports/plan.ts';
import type { Document } from '../transports/source.ts';
import type { BlobInput, ImageTarget, PutResult } from '../transports/target.ts';
import { indexJson, manifestJson, OCI_LAYOUT, type TopEntry } from './documents.ts';
import {
  type BundleManifest,
  formatBundleManifest,
  formatHead,
  HEAD_NAME,
  HEAD_SIZE,
  MANIFEST_TYPE,
} from './manifest.ts';

/** What the recipe says of a bundle; the writer adds what it has stored. */
export type BundleContent = Omit<
  BundleManifest,
  'schemaVersion' | 'mediaType' | 'images' | 'blobs' | 'documents'
>;

export class BundleWriter implements ImageTarget {
  readonly description: string;
  readonly scope = 'whole';
  /** One after the other: the archive is one file, and compression keeps all cores busy as it is. */
  readonly concurrency = 1;
  readonly #file: PendingFile;
  readonly #blobs = new Map<Digest, Descriptor>();
  readonly #documents = new Map<Digest, Document>();
  readonly #platforms = new Map<Digest, Platform>();
  readonly #top: TopEntry[] = [];
  readonly #names = new Map<string, Digest>();

  readonly #signal: AbortSignal | undefined;

  /** Write into a file that was just begun; whoever began it commits or discards it. The signal stops a blob midway. */
  constructor(file: PendingFile, signal?: AbortSignal) {
    this.#file = file;
    this.#signal = signal;
    this.description = `bundle:${file.path}`;
    file.skip(BLOCK + HEAD_SIZE);
  }

  async holds(): Promise<boolean> {
    return false;
  }

  async putBlob(input: BlobInput): Promise<PutResult> {
    const expected = 'descriptor' in input ? input.descriptor : undefined;
    if (expected && this.#blobs.has(expected.digest)) return { descriptor: expected, how: 'present' };
    if (expected && isConfig(expected)) return this.#putConfig(expected, input);
    const start = this.#file.position;
    this.#file.skip(BLOCK);
    const digester = new Digester(expected?.digest);
    for await (const chunk of input.open()) {
      this.#signal?.throwIfAborted();
      digester.update(chunk);
      await this.#file.append(chunk);
    }
    const mediaType = 'descriptor' in input ? input.descriptor.mediaType : input.mediaType;
    const descriptor: Descriptor = { mediaType, digest: digester.digest(), size: digester.size };
    if (this.#blobs.has(descriptor.digest)) {
      this.#file.rewind(start);
      return { descriptor, how: 'present' };
    }
    await this.#endEntry(blobPath(descriptor.digest), start, descriptor.size);
    this.#blobs.set(descriptor.digest, descriptor);
    return { descriptor, how: 'moved' };
  }

  async putManifest(document: Document, name: Reference): Promise<void> {
    const { descriptor, bytes } = document;
    await this.putBytes(descriptor.mediaType, bytes);
    this.#documents.set(descriptor.digest, document);
    const unnamed = !name.tag && !name.digest;
    // A child is found through its index; it has no entry of its own.
    if (unnamed && name !== NOWHERE) return;
    if (!this.#claim(unnamed ? undefined : name, descriptor.digest)) return;
    const manifest = parseManifest(bytes, descriptor.mediaType);
    const platform = manifest.kind === 'image' ? this.#platforms.get(manifest.config.digest) : undefined;
    this.#top.push({ document, name: unnamed ? undefined : name, platform });
  }

  /** A document or small file from memory. */
  async putBytes(mediaType: string, bytes: Uint8Array): Promise<Descriptor> {
    const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.length };
    if (this.#blobs.has(descriptor.digest)) return descriptor;
    await this.#entry(blobPath(descriptor.digest), bytes);
    this.#blobs.set(descriptor.digest, descriptor);
    return descriptor;
  }

  /** Write the documents by which other tools read the bundle, the manifest, and last the head. */
  async finish(content: BundleContent): Promise<{ digest: Digest; size: number; blobs: number }> {
    const documents = {
      'oci-layout': await this.#entry('oci-layout', OCI_LAYOUT),
      'index.json': await this.#entry('index.json', indexJson(this.#top)),
      'manifest.json': await this.#entry('manifest.json', manifestJson(this.#top, this.#documents)),
    };
    const manifest = formatBundleManifest({
      schemaVersion: 1,
      mediaType: MANIFEST_TYPE,
      ...content,
      images: this.#top.map(describeImage),
      blobs: [...this.#blobs.values()].map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      documents,
    });
    const descriptor = {
      mediaType: MANIFEST_TYPE,
      digest: digestOf(manifest),
      size: manifest.length,
    } as const;
    await this.#entry(blobPath(descriptor.digest), manifest);
    await this.#file.append(END_OF_ARCHIVE);
    const head = formatHead({
      schemaVersion: 1,
      name: content.name,
      version: content.version,
      manifest: descriptor,
    });
    await this.#file.writeAt(await fileHeader(HEAD_NAME, HEAD_SIZE), 0);
    await this.#file.writeAt(head, BLOCK);
    return { digest: descriptor.digest, size: this.#file.position, blobs: this.#blobs.size + 1 };
  }

  /** A config is small, and says the platform of its image. */
  async #putConfig(expected: Descriptor, input: BlobInput): Promise<PutResult> {
    const bytes = (await readAll(input.open(), MANIFEST_LIMIT)) ?? new Uint8Array();
    this.#platforms.set(expected.digest, parseImageConfig(bytes).platform);
    return { descriptor: await this.putBytes(expected.mediaType, bytes), how: 'moved' };
  }

  /** False where the name, or the content without one, is in the bundle already. */
  #claim(name: Reference | undefined, digest: Digest): boolean {
    const key = name ? formatReference(name) : digest;
    const other = this.#names.get(key);
    if (name && other && other !== digest) {
      throw new AirferryError(
        'RECIPE_INVALID',
        `two different images are named ${familiarName(name)}: ${other} and ${digest}`,
        {
          suggestions: ['Leave one of them out of the recipe, or tag it anew before saving it.'],
        },
      );
    }
    this.#names.set(key, digest);
    return other === undefined;
  }

  async #entry(name: string, bytes: Uint8Array): Promise<{ digest: Digest; size: number }> {
    const start = this.#file.position;
    this.#file.skip(BLOCK);
    await this.#file.append(bytes);
    await this.#endEntry(name, start, bytes.length);
    return { digest: digestOf(bytes), size: bytes.length };
  }

  async #endEntry(name: string, start: number, size: number): Promise<void> {
    await this.#file.append(padding(size));
    await this.#file.writeAt(await fileHeader(name, size), start);
  }
}

function isConfig({ mediaType }: Descriptor): boolean {
  return mediaType === OCI_CONFIG || mediaType === DOCKER_CONFIG;
}

function describeImage({ document, name, platform }: TopEntry): BundleManifest['images'][number] {
  const { mediaType, digest, size } = document.descriptor;
  return {
    ...(name && { name: formatReference(name) }),
    mediaType,
    digest,
    size,
    ...(platform && { platform: formatPlatform(platform) }),
  };
}
