/** A target in memory: stores what it is given, checks it as a registry would, and keeps a record of every request. */

import type { Descriptor } from '../../src/content/descriptor.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { parseManifest } from '../../src/content/manifest.ts';
import { formatReference, type Reference } from '../../src/content/reference.ts';
import type { Document } from '../../src/transports/source.ts';
import type { BlobInput, ImageTarget, PutResult } from '../../src/transports/target.ts';

export class RecordingTarget implements ImageTarget {
  readonly description = 'memory';
  readonly scope: ImageTarget['scope'];
  readonly concurrency: number;
  /** `holds hub/x:1`, `blob hub/x sha256:… moved`, `manifest hub/x:1 sha256:…`, in their order. */
  readonly requests: string[] = [];
  /** By repository (one for all with the scope `whole`): blobs, manifests by digest and by tag. */
  readonly blobs = new Map<string, Map<Digest, Buffer>>();
  readonly manifests = new Map<string, Map<string, Document>>();
  /** Called before each blob; throws to fail. */
  onBlob: (blob: BlobInput) => void | Promise<void> = () => undefined;
  /** Blobs that are opened, left and opened again, as after a broken connection. */
  breaks = 0;

  constructor(scope: ImageTarget['scope'], concurrency = 3) {
    this.scope = scope;
    this.concurrency = concurrency;
  }

  async holds(name: Reference, { digest }: Descriptor): Promise<boolean> {
    this.requests.push(`holds ${formatReference(name)}`);
    return this.#manifestsOf(name).get(name.tag ?? digest)?.descriptor.digest === digest;
  }

  async putBlob(blob: BlobInput, name: Reference): Promise<PutResult> {
    await this.onBlob(blob);
    const home = this.#home(name);
    const known = 'descriptor' in blob ? blob.descriptor : undefined;
    const done = (how: PutResult['how'], descriptor: Descriptor): PutResult => {
      this.requests.push(`blob ${home} ${descriptor.digest} ${how}`);
      return { descriptor, how };
    };
    if (known && this.#blobsOf(home).has(known.digest)) return done('present', known);
    const elsewhere =
      known && [...this.blobs.values()].find(blobs => blobs.has(known.digest))?.get(known.digest);
    if (known && elsewhere) {
      this.#blobsOf(home).set(known.digest, elsewhere);
      return done('mounted', known);
    }
    if (this.breaks-- > 0) for await (const _ of blob.open()) break;
    const chunks: Uint8Array[] = [];
    for await (const chunk of blob.open()) chunks.push(Buffer.from(chunk));
    const bytes = Buffer.concat(chunks);
    const mediaType = 'descriptor' in blob ? blob.descriptor.mediaType : blob.mediaType;
    const descriptor = { mediaType, digest: digestOf(bytes, known?.digest), size: bytes.length };
    if (known && (known.digest !== descriptor.digest || known.size !== descriptor.size))
      throw new Error(`a blob is not ${known.digest}`);
    const there = this.#blobsOf(home).has(descriptor.digest);
    this.#blobsOf(home).set(descriptor.digest, bytes);
    return done(there ? 'present' : 'moved', descriptor);
  }

  async putManifest(document: Document, name: Reference): Promise<void> {
    const { descriptor, bytes } = document;
    if (digestOf(bytes) !== descriptor.digest) throw new Error(`a manifest is not ${descriptor.digest}`);
    const home = this.#home(name);
    const parsed = parseManifest(bytes, descriptor.mediaType);
    if (parsed.kind === 'image') {
      for (const { digest, mediaType } of [parsed.config, ...parsed.layers]) {
        if (!this.#blobsOf(home).has(digest) && !mediaType.includes('foreign'))
          throw new Error(`MANIFEST_BLOB_UNKNOWN ${digest} in ${home}`);
      }
    }
    this.requests.push(`manifest ${formatReference(name)} ${descriptor.digest}`);
    this.#manifestsOf(name).set(descriptor.digest, document);
    if (name.tag) this.#manifestsOf(name).set(name.tag, document);
  }

  /** The manifest under a tag. */
  manifest(repository: string, tag: string): Document | undefined {
    return this.manifests.get(repository)?.get(tag);
  }

  count(kind: 'holds' | 'blob' | 'manifest', ending = ''): number {
    return this.requests.filter(request => request.startsWith(kind) && request.endsWith(ending)).length;
  }

  #home(name: Reference): string {
    return this.scope === 'whole' ? 'all' : `${name.registry}/${name.repository}`;
  }

  #blobsOf(home: string): Map<Digest, Buffer> {
    const blobs = this.blobs.get(home) ?? new Map();
    this.blobs.set(home, blobs);
    return blobs;
  }

  #manifestsOf(name: Reference): Map<string, Document> {
    const home = this.#home(name);
    const manifests = this.manifests.get(home) ?? new Map();
    this.manifests.set(home, manifests);
    return manifests;
  }
}
