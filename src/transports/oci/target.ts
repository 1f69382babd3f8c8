/**
 * Writing images into an OCI layout. Blobs arrive one by one, each whole or not at all; `index.json`, by which they are
 * found, is changed last and in one step. What is there already is hashed once before anything relies on it.
 */
import { artifactTypeOf } from '../../content/artifact.ts';
import { bare, type Descriptor } from '../../content/descriptor.ts';
import { type Digest, Digester } from '../../content/digest.ts';
import { parseImageConfig, parseManifest } from '../../content/manifest.ts';
import { isForeignLayer } from '../../content/media-types.ts';
import { familiarName, formatReference, type Reference } from '../../content/reference.ts';
import { verified } from '../../content/verified.ts';
import { AirferryError } from '../../errors.ts';
import { once } from '../../support/once.ts';
import { NOWHERE } from '../plan.ts';
import type { Bytes, Document } from '../source.ts';
import type { BlobInput, ImageTarget, OpenedTarget, PutResult } from '../target.ts';
import { FolderStore } from './file-store.ts';
import { LayoutFolder } from './folder.ts';
import { nameAnnotations, nameOf, type RawEntry, withEntries } from './index-json.ts';

export interface LayoutOptions {
  /** How the operator wrote a name, where `oci:folder:NAME` gave it: what skopeo will ask for. */
  written?(name: Reference): string | undefined;
  /** Blobs under way at once. Default 4. */
  concurrency?: number;
  signal?: AbortSignal;
}

/**
 * Open a layout for writing; made where there is none. Throws FILE_UNWRITABLE, ARCHIVE_INVALID. Blobs that arrived stay
 * when it is discarded: no name leads to them, and the next copy finds them.
 */
export async function openLayoutTarget(path: string, options: LayoutOptions = {}): Promise<OpenedTarget> {
  const folder = await LayoutFolder.open(path);
  const target = new LayoutTarget(folder, options);
  return {
    target,
    commit: () => target.commit(),
    discard: () => folder.removeIfEmpty(),
  };
}

class LayoutTarget implements ImageTarget {
  readonly description: string;
  readonly scope = 'whole';
  readonly concurrency: number;
  readonly #folder: LayoutFolder;
  readonly #options: LayoutOptions;
  /** What became of each blob of this copy; whoever asks for one that is under way waits for it. */
  readonly #puts = new Map<Digest, Promise<PutResult>>();
  /** Whether what lies there was found to be whole. */
  readonly #checks = new Map<Digest, Promise<boolean>>();
  readonly #entries = new Map<string, RawEntry>();

  constructor(folder: LayoutFolder, options: LayoutOptions) {
    this.#folder = folder;
    this.#options = options;
    this.description = `oci:${folder.path}`;
    this.concurrency = options.concurrency ?? 4;
  }

  async holds(name: Reference, manifest: Descriptor): Promise<boolean> {
    const wanted = formatReference(name);
    const written = this.#options.written?.(name);
    const entry = this.#folder.index().manifests.find(entry => {
      const found = nameOf(entry);
      const text = entry.annotations?.['org.opencontainers.image.ref.name'];
      return (found && formatReference(found) === wanted) || (written !== undefined && text === written);
    });
    return entry?.digest === manifest.digest && (await this.#holdsTree(manifest));
  }

  has(descriptor: Descriptor): Promise<boolean> {
    return this.#check(descriptor);
  }

  async putBlob(input: BlobInput): Promise<PutResult> {
    if (!('descriptor' in input)) return this.#putNew(input.mediaType, input.open());
    const { descriptor } = input;
    const other = this.#puts.get(descriptor.digest);
    if (other) {
      await other;
      return { descriptor, how: 'present' };
    }
    const put = this.#putKnown(descriptor, () => input.open());
    this.#puts.set(descriptor.digest, put);
    put.catch(() => this.#puts.delete(descriptor.digest));
    return put;
  }

  async putManifest(document: Document, name: Reference): Promise<Digest> {
    const { descriptor, bytes } = document;
    await this.putBlob({ descriptor, open: () => once(bytes) });
    const manifest = parseManifest(bytes, descriptor.mediaType);
    const unnamed = !name.tag && !name.digest;
    // A child is found through its index, and has no entry of its own; what is about another manifest is found by it.
    if (unnamed && name !== NOWHERE && !manifest.subject) return descriptor.digest;
    const entry: RawEntry = { ...bare(descriptor) };
    if (manifest.kind === 'image' && artifactTypeOf(manifest) === undefined) {
      const config = new FolderStore(this.#folder.path).document(manifest.config);
      entry.platform = parseImageConfig(config.bytes).platform;
    }
    if (!unnamed) entry.annotations = nameAnnotations(name, this.#options.written?.(name));
    const key = unnamed ? descriptor.digest : formatReference(name);
    const other = this.#entries.get(key);
    if (other && other.digest !== descriptor.digest) throw collision(name, other.digest, descriptor.digest);
    this.#entries.set(key, entry);
    return descriptor.digest;
  }

  async commit(): Promise<void> {
    const added = [...this.#entries.values()];
    await this.#folder.changeIndex(index => withEntries(index, added), this.#options.signal);
  }

  async #putKnown(descriptor: Descriptor, open: () => Bytes): Promise<PutResult> {
    if (await this.#check(descriptor)) return { descriptor, how: 'present' };
    const { signal } = this.#options;
    const file = await this.#folder.beginBlob(descriptor.digest.slice(-64));
    try {
      for await (const chunk of verified(open(), descriptor)) {
        signal?.throwIfAborted();
        await file.append(chunk);
      }
      await this.#folder.endBlob(file, descriptor.digest);
    } catch (error) {
      await file.discard();
      throw error;
    }
    this.#checks.set(descriptor.digest, Promise.resolve(true));
    return { descriptor, how: 'moved' };
  }

  /** A blob that gets its name at its end. */
  async #putNew(mediaType: string, bytes: Bytes): Promise<PutResult> {
    const { signal } = this.#options;
    const file = await this.#folder.beginBlob('blob');
    try {
      const digester = new Digester();
      for await (const chunk of bytes) {
        signal?.throwIfAborted();
        digester.update(chunk);
        await file.append(chunk);
      }
      const descriptor: Descriptor = { mediaType, digest: digester.digest(), size: digester.size };
      if (await this.#check(descriptor)) {
        await file.discard();
        return { descriptor, how: 'present' };
      }
      await this.#folder.endBlob(file, descriptor.digest);
      this.#checks.set(descriptor.digest, Promise.resolve(true));
      return { descriptor, how: 'moved' };
    } catch (error) {
      await file.discard();
      throw error;
    }
  }

  /** Whether a manifest and all that it names is there; layers that lie elsewhere by licence may be missing. */
  async #holdsTree(descriptor: Descriptor): Promise<boolean> {
    if (!(await this.#check(descriptor))) return false;
    const { bytes } = new FolderStore(this.#folder.path).document(descriptor);
    const manifest = parseManifest(bytes, descriptor.mediaType);
    if (manifest.kind === 'index') {
      for (const child of manifest.manifests) if (!(await this.#holdsTree(child))) return false;
      return true;
    }
    for (const blob of [manifest.config, ...manifest.layers]) {
      if (!(await this.#check(blob)) && !isForeignLayer(blob.mediaType)) return false;
    }
    return true;
  }

  #check(descriptor: Descriptor): Promise<boolean> {
    const known = this.#checks.get(descriptor.digest);
    if (known) return known;
    const check = this.#folder.holdsBlob(descriptor, this.#options.signal);
    this.#checks.set(descriptor.digest, check);
    return check;
  }
}

function collision(name: Reference, one: Digest, other: Digest): AirferryError {
  return new AirferryError(
    'RULE_COLLISION',
    `two different images are named ${familiarName(name)}: ${one} and ${other}`,
    { suggestions: ['Leave one of them out, or give it another name on the way.'] },
  );
}
