/** Finding what a registry holds under given names: manifests wave by wave, from tags to indexes to images. */
import { ATTESTED } from '../content/artifact.ts';
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, digestOf, shortDigest } from '../content/digest.ts';
import { type ImageIndex, type ImageManifest, MANIFEST_LIMIT, parseManifest } from '../content/manifest.ts';
import type { Platform } from '../content/platform.ts';
import { formatReference, type Reference } from '../content/reference.ts';
import { readAll } from '../content/verified.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import type { RegistryClient } from '../registry/client.ts';
import { mapLimit } from '../support/limit.ts';
import type { Document, Inventory, SourceImage } from './source.ts';
import { storedImage } from './stored-image.ts';

/** A manifest to be fetched. */
export interface Wanted {
  repository: string;
  /** A tag, or a digest. */
  reference: string;
  names: Reference[];
  /** Said by the index that names it. */
  platform?: Platform | undefined;
  /** Indexes above it. */
  depth: number;
  /** It may be missing: indexes may name more than a registry holds. */
  sparse?: boolean;
  /** It is taken only when it is about this manifest. */
  about?: Digest;
}

interface FoundIndex {
  names: Reference[];
  index: Document;
  parsed: ImageIndex;
}

export interface FinderOptions {
  /** Whether images for a platform are wanted; those for others are not fetched. */
  platform?(platform: Platform): boolean;
  /** Attestations that an index holds of its images are wanted beside them even where platforms are chosen. */
  referrers?: boolean;
  signal?: AbortSignal;
}

/** Indexes within indexes; real ones have one level. */
const DEPTH_LIMIT = 4;
/** Manifests of one source; each may have a few kB. */
const MANIFESTS_LIMIT = 20_000;
/** `{}`, the config of artifacts that need none: registries have it by convention, and it need not be asked for. */
const EMPTY_JSON = Buffer.from('{}');

export class RegistryFinder {
  /** By the digests of their manifests. */
  readonly images = new Map<Digest, SourceImage>();
  readonly #indexes = new Map<Digest, FoundIndex>();
  readonly #client: RegistryClient;
  readonly #options: FinderOptions;

  constructor(client: RegistryClient, options: FinderOptions) {
    this.#client = client;
    this.#options = options;
  }

  /**
   * Fetch manifests and all that they lead to; gives back what was new, with its repository. Throws what the registry
   * does, MANIFEST_INVALID with the image's name, and REGISTRY_NOT_FOUND for an index of which nothing is there.
   */
  async find(wanted: Wanted[]): Promise<{ repository: string; digest: Digest }[]> {
    const found: { repository: string; digest: Digest }[] = [];
    for (let wave = wanted; wave.length > 0; ) {
      const next = await mapLimit(wave, this.#client.concurrency, async want => {
        this.#options.signal?.throwIfAborted();
        const fetched = await this.#fetch(want);
        if (!fetched) return [];
        found.push({ repository: want.repository, digest: fetched.digest });
        return fetched.children;
      });
      wave = next.flat();
    }
    return found;
  }

  /** Children before parents. */
  inventory(): Inventory {
    const indexes = new Map<Digest, Inventory['indexes'][number]>();
    const visit = (digest: Digest, { names, index, parsed }: FoundIndex): void => {
      if (indexes.has(digest)) return;
      const children = parsed.manifests.map(child => child.digest);
      for (const child of children) {
        const inner = this.#indexes.get(child);
        if (inner) visit(child, inner);
      }
      const present = children.filter(child => this.#holds(child));
      if (present.length === 0 && children.length > 0 && !this.#options.platform) throw this.#hollow(digest);
      const subject = parsed.subject?.digest;
      indexes.set(digest, { names, index, children: present, ...(subject ? { subject } : {}) });
    };
    for (const [digest, found] of this.#indexes) visit(digest, found);
    return { images: [...this.images.values()], indexes: [...indexes.values()] };
  }

  #holds(digest: Digest): boolean {
    return this.images.has(digest) || this.#indexes.has(digest);
  }

  /** Undefined where it is missing and may be, where it is about something else, or known under these names already. */
  async #fetch(want: Wanted): Promise<{ digest: Digest; children: Wanted[] } | undefined> {
    const document = await this.#document(want);
    if (!document) return undefined;
    const { digest } = document.descriptor;
    const known = this.images.get(digest) ?? this.#indexes.get(digest);
    if (known) {
      known.names.push(...want.names);
      return { digest, children: [] };
    }
    if (this.images.size + this.#indexes.size >= MANIFESTS_LIMIT)
      throw this.#invalid(want, `leads to more than ${MANIFESTS_LIMIT} manifests`);
    const parsed = parseManifest(document.bytes, document.descriptor.mediaType);
    if (want.about && parsed.subject?.digest !== want.about) return undefined;
    if (parsed.kind === 'index') return { digest, children: this.#index(want, document, parsed) };
    await this.#image(want, document, parsed);
    return { digest, children: [] };
  }

  async #document(want: Wanted): Promise<Document | undefined> {
    const { repository, reference } = want;
    try {
      return await this.#client.getManifest(repository, reference);
    } catch (error) {
      if (want.sparse && isAirferryError(error, 'REGISTRY_NOT_FOUND')) return undefined;
      if (!isAirferryError(error, 'MANIFEST_INVALID')) throw error;
      throw this.#invalid(want, `cannot be read: ${error.message}`, error);
    }
  }

  #index(want: Wanted, index: Document, parsed: ImageIndex): Wanted[] {
    if (want.depth >= DEPTH_LIMIT) throw this.#invalid(want, 'nests indexes too deep');
    this.#indexes.set(index.descriptor.digest, { names: [...want.names], index, parsed });
    const { repository } = want;
    const depth = want.depth + 1;
    return this.#chosen(parsed.manifests).map(({ digest, platform }) => ({
      ...{ repository, reference: digest, names: [], platform, depth, sparse: true },
    }));
  }

  /** The children of an index that are wanted: for their platforms, or as attestations of such. */
  #chosen(children: Descriptor[]): Descriptor[] {
    const { platform: wanted, referrers } = this.#options;
    if (!wanted) return children;
    const kept = children.filter(({ platform }) => !platform || wanted(platform));
    const digests = new Set<string>(kept.map(({ digest }) => digest));
    return children.filter(
      child => digests.has(child.digest) || (referrers && digests.has(child.annotations?.[ATTESTED] ?? '')),
    );
  }

  async #image(want: Wanted, document: Document, manifest: ImageManifest): Promise<void> {
    const { repository, names, platform } = want;
    const config = await this.#config(want, manifest.config);
    let image: SourceImage;
    try {
      image = storedImage(document, manifest, config, { names, platform });
    } catch (error) {
      if (!isAirferryError(error, 'MANIFEST_INVALID')) throw error;
      throw this.#invalid(want, `cannot be read: ${error.message}`, error);
    }
    const origin = { registry: this.#client.registry, repository };
    // Another task may have fetched the same manifest under another name meanwhile.
    const known = this.images.get(document.descriptor.digest);
    if (known) known.names.push(...names);
    else this.images.set(document.descriptor.digest, { ...image, origin });
  }

  async #config(want: Wanted, descriptor: Descriptor): Promise<Document> {
    if (descriptor.digest === digestOf(EMPTY_JSON)) return { descriptor, bytes: EMPTY_JSON };
    if (descriptor.size > MANIFEST_LIMIT)
      throw this.#invalid(want, `has a config of ${descriptor.size} bytes, more than 4 MiB`);
    const bytes = await readAll(this.#client.getBlob(want.repository, descriptor), MANIFEST_LIMIT);
    return { descriptor, bytes: bytes ?? new Uint8Array() };
  }

  #hollow(digest: Digest): AirferryError {
    return new AirferryError(
      'REGISTRY_NOT_FOUND',
      `${this.#client.registry} has the index ${shortDigest(digest)}, but none of its images`,
      { where: { blob: digest }, suggestions: ['Push the image again, with all its platforms.'] },
    );
  }

  #invalid({ repository, reference }: Wanted, why: string, cause?: AirferryError): AirferryError {
    const { registry } = this.#client;
    const part = reference.includes(':') ? { digest: reference as Digest } : { tag: reference };
    const name = formatReference({ registry, repository, ...part });
    return new AirferryError('MANIFEST_INVALID', `${name} ${why}`, {
      where: cause?.where ?? {},
      suggestions: cause?.suggestions ?? [],
      cause,
    });
  }
}
