/**
 * A place for images in memory that can be made to read twice, to fail, to refuse mounts and to watch. As strict as a registry:
 * blobs are hashed, a manifest is taken only when its blobs are there; everything that is asked of it is written down.
 */
import type { Descriptor } from '../../src/content/descriptor.ts';
import { type Digest, digestOf, shortDigest } from '../../src/content/digest.ts';
import { parseManifest } from '../../src/content/manifest.ts';
import { isForeignLayer } from '../../src/content/media-types.ts';
import { formatReference, type Reference } from '../../src/content/reference.ts';
import { repositoryOf } from '../../src/transports/plan.ts';
import type { Document } from '../../src/transports/source.ts';
import type { BlobInput, ImageTarget, PutResult } from '../../src/transports/target.ts';
import { collect } from '../registry/rig.ts';

export interface StrictOptions {
  scope?: ImageTarget['scope'];
  concurrency?: number;
  /** Blobs are taken from another repository without a byte; true when absent. */
  mounts?: boolean;
  /** Called before each blob is taken; throws to fail. */
  onBlob?(): void;
  /** How often each blob is read before it is taken: more than once is a retry. */
  attempts?: number;
}

export class StrictTarget implements ImageTarget {
  readonly description = 'memory:';
  readonly scope: ImageTarget['scope'];
  readonly concurrency: number;
  /** Bytes by repository; one repository called '' where blobs are kept in common. */
  readonly blobs = new Map<string, Map<Digest, Buffer>>();
  /** By whole name, and by `repository@digest`. */
  readonly manifests = new Map<string, Document>();
  /** `holds NAME`, `blob HOW REPOSITORY DIGEST`, `manifest NAME`, in the order in which they were done. */
  readonly log: string[] = [];
  readonly #options: StrictOptions;

  constructor(options: StrictOptions = {}) {
    this.#options = options;
    this.scope = options.scope ?? 'repository';
    this.concurrency = options.concurrency ?? 3;
  }

  async holds(name: Reference, manifest: Descriptor): Promise<boolean> {
    const key = name.tag === undefined ? `${repositoryOf(name)}@${manifest.digest}` : formatReference(name);
    this.log.push(`holds ${key}`);
    return this.manifests.get(key)?.descriptor.digest === manifest.digest;
  }

  async putBlob(blob: BlobInput, name: Reference): Promise<PutResult> {
    this.#options.onBlob?.();
    const home = this.#home(name);
    const result = 'descriptor' in blob ? await this.#putKnown(blob, home) : await this.#putNew(blob, home);
    this.log.push(`blob ${result.how} ${home} ${shortDigest(result.descriptor.digest)}`);
    return result;
  }

  async putManifest({ descriptor, bytes }: Document, name: Reference): Promise<Digest> {
    if (digestOf(bytes) !== descriptor.digest || bytes.length !== descriptor.size)
      throw new Error(`the bytes of ${descriptor.digest} are not its own`);
    const home = this.#home(name);
    const parsed = parseManifest(bytes, descriptor.mediaType);
    // A registry may let an index name what is not there, for sparse ones; `dangling` tells.
    const needed = parsed.kind === 'index' ? [] : [parsed.config, ...parsed.layers];
    const missing = needed.filter(
      ({ digest, mediaType }) => !this.#at(home).has(digest) && !isForeignLayer(mediaType),
    );
    if (missing.length > 0)
      throw new Error(`${home} lacks ${missing.map(({ digest }) => digest).join(', ')}`);
    const document = { descriptor, bytes };
    this.manifests.set(`${repositoryOf(name)}@${descriptor.digest}`, document);
    if (name.tag !== undefined) this.manifests.set(formatReference(name), document);
    this.log.push(`manifest ${formatReference(name)}`);
    return descriptor.digest;
  }

  /** Digests that the indexes of this target name and that are not beside them. */
  dangling(): Digest[] {
    return [...this.manifests].flatMap(([name, { bytes, descriptor }]) => {
      const parsed = parseManifest(bytes, descriptor.mediaType);
      const at = name.lastIndexOf('@');
      if (parsed.kind !== 'index' || at < 0) return [];
      const home = name.slice(0, at);
      return parsed.manifests.map(({ digest }) => digest).filter(d => !this.manifests.has(`${home}@${d}`));
    });
  }

  /** Digests of manifests that are about another one, as `repository: subject ← digest`; sorted. */
  referrers(): string[] {
    const found = [...this.manifests].flatMap(([name, { bytes, descriptor }]) => {
      const subject = parseManifest(bytes, descriptor.mediaType).subject?.digest;
      const at = name.lastIndexOf('@');
      return subject && at >= 0
        ? [`${name.slice(0, at)}: ${shortDigest(subject)} ← ${shortDigest(descriptor.digest)}`]
        : [];
    });
    return found.sort();
  }

  /** How many of what was asked begins with that: `holds`, `blob moved`, `manifest`. */
  count(kind: string): number {
    return this.log.filter(line => line.startsWith(kind)).length;
  }

  /** Names with a tag, sorted. */
  names(): string[] {
    return [...this.manifests.keys()].filter(name => !name.includes('@')).sort();
  }

  document(name: string): Document {
    const found = this.manifests.get(name);
    if (!found) throw new Error(`there is no ${name}, but ${[...this.manifests.keys()].join(', ')}`);
    return found;
  }

  async #putKnown(
    { descriptor, open }: Extract<BlobInput, { descriptor: Descriptor }>,
    home: string,
  ): Promise<PutResult> {
    const blobs = this.#at(home);
    if (blobs.has(descriptor.digest)) return { descriptor, how: 'present' };
    const elsewhere = [...this.blobs.values()].find(other => other.has(descriptor.digest));
    const mounted = this.#options.mounts === false ? undefined : elsewhere?.get(descriptor.digest);
    const bytes = mounted ?? (await this.#read(open));
    if (digestOf(bytes, descriptor.digest) !== descriptor.digest || bytes.length !== descriptor.size)
      throw new Error(`the blob ${descriptor.digest} came with other content`);
    blobs.set(descriptor.digest, bytes);
    return { descriptor, how: mounted ? 'mounted' : 'moved' };
  }

  async #putNew(
    { mediaType, open }: Extract<BlobInput, { mediaType: string }>,
    home: string,
  ): Promise<PutResult> {
    const bytes = await this.#read(open);
    const digest = digestOf(bytes);
    const there = this.#at(home).has(digest);
    this.#at(home).set(digest, bytes);
    return { descriptor: { mediaType, digest, size: bytes.length }, how: there ? 'present' : 'moved' };
  }

  async #read(open: BlobInput['open']): Promise<Buffer> {
    for (let attempt = 1; attempt < (this.#options.attempts ?? 1); attempt++) await collect(open());
    return collect(open());
  }

  #home(name: Reference): string {
    return this.scope === 'whole' ? '' : repositoryOf(name);
  }

  #at(home: string): Map<Digest, Buffer> {
    const blobs = this.blobs.get(home) ?? new Map();
    this.blobs.set(home, blobs);
    return blobs;
  }
}
