/** `docker://`: images into a registry, each blob sent once, however many images and repositories want it. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { parseManifest } from '../content/manifest.ts';
import { isManifestType } from '../content/media-types.ts';
import { formatReference, type Reference } from '../content/reference.ts';
import { AirferryError, type ErrorCode, isAirferryError } from '../errors.ts';
import type { RegistryClient } from '../registry/client.ts';
import { isMissingContent } from '../registry/errors.ts';
import { prepareHarbor } from './harbor-room.ts';
import type { Document } from './source.ts';
import type { Arrival, BlobInput, ImageTarget, PutResult } from './target.ts';

type KnownBlob = Extract<BlobInput, { descriptor: Descriptor }>;

const NOTHING_OF_OURS: readonly ErrorCode[] = ['REGISTRY_NOT_FOUND', 'MANIFEST_INVALID'];

/** For each repository that has a blob, or is about to. */
type Places = Map<string, Promise<PutResult>>;

/**
 * A registry as a target of copies. The client is the caller's to close, and needs `access: 'push'`.
 *
 * A manifest that the registry refuses since it lacks a blob after all (its HEAD was wrong, or a garbage collection
 * ran) makes the target send those blobs again, from `open()` of the inputs it was given, and then the manifest.
 * So an input with a descriptor stays openable until the manifests that use it are stored.
 */
export function registryTarget(
  client: RegistryClient,
  options: { createProjects?: boolean } = {},
): ImageTarget {
  return new RegistryTarget(client, options.createProjects ?? false);
}

class RegistryTarget implements ImageTarget {
  readonly description: string;
  readonly scope = 'repository';
  readonly concurrency: number;
  readonly #client: RegistryClient;
  readonly #createProjects: boolean;
  readonly #book = new Map<Digest, Places>();
  /** Blobs by repository and digest: that they are there, sent or not, the registry's word is all there is for. */
  readonly #believed = new Map<string, KnownBlob>();
  /** Those of them that had to be sent after all, or again; images that share one wait for the same sending. */
  readonly #again = new Map<string, Promise<void>>();
  readonly resent: PutResult[] = [];

  constructor(client: RegistryClient, createProjects: boolean) {
    this.#client = client;
    this.#createProjects = createProjects;
    this.description = `docker://${client.registry}`;
    this.concurrency = client.concurrency;
  }

  async holds(name: Reference, manifest: Descriptor): Promise<boolean> {
    const repository = this.#repository(name);
    const head = await this.#client.headManifest(repository, name.tag ?? manifest.digest);
    return head?.digest === manifest.digest;
  }

  async stands(name: Reference): Promise<Document | undefined> {
    const repository = this.#repository(name);
    if (name.tag === undefined) return undefined;
    try {
      return await this.#client.getManifest(repository, name.tag);
    } catch (error) {
      // What is no manifest that we read is none that an image of ours has.
      if (isAirferryError(error, ...NOTHING_OF_OURS)) return undefined;
      throw error;
    }
  }

  expect(arrivals: readonly Arrival[]): Promise<void> {
    return prepareHarbor(this.#client, arrivals, { createProjects: this.#createProjects });
  }

  async has(blob: Descriptor, names: readonly Reference[]): Promise<boolean> {
    for (const repository of new Set(names.map(name => this.#repository(name))))
      if (await this.#client.headBlob(repository, blob)) return true;
    return false;
  }

  async putBlob(blob: BlobInput, name: Reference): Promise<PutResult> {
    const repository = this.#repository(name);
    if (!('descriptor' in blob)) {
      const result = await this.#client.putBlob(repository, blob);
      this.#places(result.descriptor.digest).set(repository, Promise.resolve(result));
      return result;
    }
    const places = this.#places(blob.descriptor.digest);
    const known = places.get(repository);
    if (known) return { ...(await known), how: 'present' };
    const put = this.#put(blob, repository, [...places]);
    places.set(repository, put);
    try {
      return await put;
    } catch (error) {
      places.delete(repository);
      throw await this.#client.explain(error, repository);
    }
  }

  async putManifest(document: Document, name: Reference): Promise<Digest> {
    const repository = this.#repository(name);
    const { descriptor, bytes } = document;
    const reference = name.tag ?? descriptor.digest;
    const put = (): Promise<Digest> =>
      this.#client.putManifest(repository, reference, descriptor.mediaType, bytes);
    try {
      return await put();
    } catch (error) {
      if (!isMissingContent(error) || !(await this.#sendAgain(document, repository)))
        throw await this.#client.explain(error, repository);
      return await put();
    }
  }

  /**
   * Where another repository is getting the blob, wait for it and have it mounted: the bytes travel once. A source in
   * this registry has it from the start: elsewhere it is mounted from there, and in its own repository it stays.
   */
  async #put(
    blob: KnownBlob,
    repository: string,
    elsewhere: [string, Promise<PutResult>][],
  ): Promise<PutResult> {
    const { descriptor, origin } = blob;
    const ours = origin?.registry === this.#client.registry ? origin.repository : undefined;
    this.#believed.set(`${repository}@${descriptor.digest}`, blob);
    if (ours === repository) return { descriptor, how: 'present' };
    let mountFrom = ours;
    for (const [place, arrival] of ours === undefined ? elsewhere : []) {
      const arrived = await arrival.then(
        () => true,
        () => false,
      );
      if (arrived) {
        mountFrom = place;
        break;
      }
    }
    return this.#client.putBlob(repository, blob, { mountFrom });
  }

  /** Send the blobs of an image again that the registry had claimed to have, or to have taken. False when there are none. */
  async #sendAgain({ descriptor, bytes }: Document, repository: string): Promise<boolean> {
    if (!isManifestType(descriptor.mediaType)) return false;
    const manifest = parseManifest(bytes, descriptor.mediaType);
    if (manifest.kind !== 'image') return false;
    let sent = false;
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      const key = `${repository}@${digest}`;
      let again = this.#again.get(key);
      if (!again) {
        const blob = this.#believed.get(key);
        if (!blob) continue;
        again = this.#force(blob, repository);
        this.#again.set(key, again);
      }
      await again;
      sent = true;
    }
    return sent;
  }

  async #force(blob: KnownBlob, repository: string): Promise<void> {
    await this.#client.putBlob(repository, blob, { force: true });
    const told = await this.#places(blob.descriptor.digest).get(repository);
    if (told) this.resent.push(told);
  }

  #places(digest: Digest): Places {
    const places = this.#book.get(digest) ?? new Map();
    this.#book.set(digest, places);
    return places;
  }

  #repository(name: Reference): string {
    if (name.registry === this.#client.registry) return name.repository;
    throw new AirferryError(
      'REFERENCE_INVALID',
      `${formatReference(name)} does not belong to ${this.description}`,
      {
        suggestions: ['Rules that rewrite names must lead to the registry that is pushed to.'],
      },
    );
  }
}
