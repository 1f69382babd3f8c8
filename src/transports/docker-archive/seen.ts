/** What has passed of an archive that is compressed as a whole: documents are kept, layers are known by their paths. */
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, digestOf } from '../../content/digest.ts';
import { MANIFEST_LIMIT, parseManifest } from '../../content/manifest.ts';
import { sniffCompression } from '../../content/media-types.ts';
import type { Reference } from '../../content/reference.ts';
import { readAll } from '../../content/verified.ts';
import { AirferryError } from '../../errors.ts';
import { once } from '../../support/once.ts';
import { blobPath, digestAt } from '../oci/file-store.ts';
import { ociSource } from '../oci/source.ts';
import type { ContentStore } from '../oci/store.ts';
import type { Bytes, Document, Inventory, SourceLayer } from '../source.ts';
import { type ArchiveFiles, dockerInventory } from './inventory.ts';
import { Links } from './links.ts';
import { MANIFEST_JSON } from './manifest-json.ts';

/** All documents together; an archive of a thousand images has some MB of them. Bytes. */
const DOCUMENTS_LIMIT = 64 * 1024 * 1024;

export class Seen implements ArchiveFiles {
  readonly path: string;
  readonly links = new Links();
  readonly #fallbackName: Reference | undefined;
  readonly #documents = new Map<string, Uint8Array>();
  readonly #layers = new Set<string>();
  #held = 0;

  constructor(path: string, fallbackName: Reference | undefined) {
    this.path = path;
    this.#fallbackName = fallbackName;
  }

  /**
   * Judge a file by its first bytes (up to 512): 'layer' for one of an image, 'blob' for other content of a layout, of
   * which artifacts are made; both are noted, and the caller passes them on. A document is kept; anything else is
   * passed over.
   */
  async judge(
    path: string,
    size: number,
    head: Uint8Array,
    bytes: Bytes,
  ): Promise<'layer' | 'blob' | undefined> {
    if (sniffCompression(head) !== 'none' || looksLikeTar(head)) {
      this.#layers.add(path);
      return 'layer';
    }
    if (size > MANIFEST_LIMIT && (path === MANIFEST_JSON || path === 'index.json'))
      throw this.#invalid(`is refused: its ${path} has ${size} bytes; it is no image document`);
    if (looksLikeJson(head) && size <= MANIFEST_LIMIT) {
      if (!this.#documents.has(path)) this.#held += size;
      if (this.#held > DOCUMENTS_LIMIT) throw this.#invalid('has more than 64 MiB of JSON');
      this.#documents.set(path, (await readAll(bytes, size)) ?? new Uint8Array());
      return undefined;
    }
    if (digestAt(path) === undefined) return undefined;
    this.#layers.add(path);
    return 'blob';
  }

  document(path: string): Uint8Array | undefined {
    return this.#documents.get(this.links.resolve(path));
  }

  layerKey(path: string): string | undefined {
    const key = this.links.resolve(path);
    return this.#layers.has(key) ? key : undefined;
  }

  /** What the archive holds, once it has passed as a whole. Throws ARCHIVE_INVALID, MANIFEST_INVALID, DIGEST_MISMATCH. */
  async inventory(): Promise<Inventory> {
    if (this.document(MANIFEST_JSON)) return dockerInventory(this);
    if (this.document('index.json')) return this.#layoutInventory();
    throw this.#invalid('holds no images: it has neither manifest.json nor index.json', [
      'Give what `docker save` writes, or an OCI archive; a `docker export` is no image.',
    ]);
  }

  /**
   * Layers of a layout that are JSON, as the statements of attestations are: not before its end can they be told from
   * manifests and configs. Throws what `inventory` throws.
   */
  async jsonLayers(): Promise<SourceLayer[]> {
    if (!this.document('index.json')) return [];
    const { images } = await this.inventory();
    const found = new Map<string, SourceLayer>();
    for (const { manifest } of images) {
      const parsed = manifest && parseManifest(manifest.bytes, manifest.descriptor.mediaType);
      for (const descriptor of parsed?.kind === 'image' ? parsed.layers : []) {
        const key = blobPath(descriptor.digest);
        const held = this.document(key);
        if (!held) continue;
        const { bytes } = this.#verified(descriptor, held);
        found.set(key, { key, size: bytes.length, compression: 'none', descriptor, open: () => once(bytes) });
      }
    }
    return [...found.values()];
  }

  /** Layers go by their paths here. */
  async #layoutInventory(): Promise<Inventory> {
    const { images, indexes } = await ociSource(this.store(), this.path, this.#fallbackName).inventory();
    const byPath = images.map(image => ({
      ...image,
      layers: image.layers.map(({ key, diffId }) => ({ key: blobPath(key as Digest), diffId })),
    }));
    return { images: byPath, indexes };
  }

  /** The documents as a layout; layers can be asked for, but not opened. */
  store(): ContentStore {
    const held = (digest: Digest): Uint8Array | undefined => this.document(blobPath(digest));
    return {
      description: this.path,
      index: () => this.document('index.json') ?? new Uint8Array(),
      has: digest => held(digest) !== undefined || this.layerKey(blobPath(digest)) !== undefined,
      size: digest => held(digest)?.length,
      open: ({ digest }) => {
        throw this.#invalid(`cannot be read at the blob ${digest}`);
      },
      slice: digest => {
        throw this.#invalid(`cannot be read at the blob ${digest}`);
      },
      document: descriptor => this.#verified(descriptor, held(descriptor.digest)),
      close: () => undefined,
    };
  }

  #verified(descriptor: Descriptor, bytes: Uint8Array | undefined): Document {
    if (!bytes) throw this.#invalid(`lacks the blob ${descriptor.digest}`);
    const actual = digestOf(bytes, descriptor.digest);
    if (actual === descriptor.digest && bytes.length === descriptor.size) return { descriptor, bytes };
    throw new AirferryError('DIGEST_MISMATCH', `the blob ${descriptor.digest} of ${this.path} is damaged`, {
      where: { file: this.path, blob: descriptor.digest },
    });
  }

  #invalid(why: string, suggestions: string[] = []): AirferryError {
    return new AirferryError('ARCHIVE_INVALID', `${this.path} ${why}`, {
      where: { file: this.path },
      suggestions,
    });
  }
}

function looksLikeTar(head: Uint8Array): boolean {
  // The layer of an instruction that changed no file is a tar of zero blocks only.
  return (
    Buffer.from(head.subarray(257, 262)).toString('latin1') === 'ustar' ||
    (head.length >= 512 && head.subarray(0, 512).every(byte => byte === 0))
  );
}

function looksLikeJson(head: Uint8Array): boolean {
  return head[0] === 0x7b || head[0] === 0x5b;
}
