/** A registry whose content is looked for in the cache before it is asked for. Only what a digest names: tags are the registry's. */
import type { Descriptor } from '../../content/descriptor.ts';
import { isDigest } from '../../content/digest.ts';
import { MANIFEST_LIMIT, parseManifest } from '../../content/manifest.ts';
import { readAll } from '../../content/verified.ts';
import { isAirferryError } from '../../errors.ts';
import { RegistryClient, type RegistryClientOptions } from '../../registry/client.ts';
import type { ManifestDocument, ManifestHead } from '../../registry/download.ts';
import type { Cache } from './cache.ts';
import { keepBlob } from './keep-blob.ts';

export class CachedClient extends RegistryClient {
  readonly #cache: Cache;

  constructor(options: RegistryClientOptions, cache: Cache) {
    super(options);
    this.#cache = cache;
  }

  override async headManifest(repository: string, reference: string): Promise<ManifestHead | undefined> {
    const document = await this.#manifest(reference);
    if (!document) return super.headManifest(repository, reference);
    const { digest, mediaType } = document.descriptor;
    return { digest, mediaType };
  }

  override async getManifest(repository: string, reference: string): Promise<ManifestDocument> {
    const cached = await this.#manifest(reference);
    if (cached) return cached;
    const document = await super.getManifest(repository, reference);
    await this.#cache.store(document.descriptor, document.bytes);
    return document;
  }

  override async *getBlob(repository: string, blob: Descriptor): AsyncGenerator<Uint8Array> {
    if (await this.#cache.has(blob)) {
      if (blob.size > MANIFEST_LIMIT) return yield* this.#cache.read(blob);
      const bytes = await this.#small(blob);
      if (bytes) return yield bytes;
    }
    yield* keepBlob(this.#cache, blob, begun => super.getBlob(repository, blob, begun));
  }

  async #manifest(reference: string): Promise<ManifestDocument | undefined> {
    if (!isDigest(reference)) return undefined;
    const size = await this.#cache.sizeOf(reference);
    if (size === undefined || size > MANIFEST_LIMIT) return undefined;
    const bytes = await this.#small({ digest: reference, size });
    if (!bytes) return undefined;
    const { mediaType } = parseManifest(bytes);
    return { descriptor: { mediaType, digest: reference, size }, bytes };
  }

  /** Undefined where the copy was damaged: what is small is fetched anew at once. */
  async #small(blob: Pick<Descriptor, 'digest' | 'size'>): Promise<Uint8Array | undefined> {
    try {
      return await readAll(this.#cache.read(blob), MANIFEST_LIMIT);
    } catch (error) {
      if (isAirferryError(error, 'DIGEST_MISMATCH', 'FILE_NOT_FOUND')) return undefined;
      throw error;
    }
  }
}
