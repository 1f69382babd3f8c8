/** `registry list`: repositories, their tags, and what each tag weighs. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { parseManifest } from '../content/manifest.ts';
import { isIndexType } from '../content/media-types.ts';
import { formatPlatform } from '../content/platform.ts';
import { parseReference, parseRegistryAddress } from '../content/reference.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { RegistryClient } from '../registry/client.ts';
import { mapLimit } from '../support/limit.ts';

export interface RegistryListOptions {
  /** `hub.company.com`, `hub.company.com/plant`, `hub.company.com/plant/app` */
  place: string;
  /** Ask what each tag leads to; when absent, only where that takes few requests. */
  sizes?: boolean;
  plainHttp: boolean;
  caFile?: string;
  concurrency?: number;
  requestsPerSecond?: number;
  signal?: AbortSignal;
}

export interface ListedTag {
  tag: string;
  /** Of the manifest or index; with sizes only, as all that follows. */
  digest?: Digest;
  mediaType?: string;
  /** Of an index, as `linux/arm64/v8`. */
  platforms?: string[];
  /** Bytes of its blobs, each counted once. */
  size?: number;
  /** Why there is nothing to tell. */
  problem?: string;
}

export interface ListedRepository {
  name: string;
  tags: ListedTag[];
}

export interface RegistryListing {
  registry: string;
  repositories: ListedRepository[];
  /** Bytes of all blobs, each counted once; with sizes only. */
  size?: number;
}

/** Tags up to which sizes are asked for unasked. */
const CHEAP = 25;

interface Place {
  registry: string;
  prefix: string | undefined;
}

/** List a registry or a part of it. Throws REGISTRY_NOT_FOUND for a part that is not there, and other registry errors. */
export async function listRegistry(options: RegistryListOptions): Promise<RegistryListing> {
  const { plainHttp, caFile, concurrency, requestsPerSecond, signal } = options;
  const { registry, prefix } = parsePlace(options.place);
  const client = new RegistryClient({ registry, plainHttp, caFile, concurrency, requestsPerSecond, signal });
  try {
    const names = (await repositoriesOf(client, prefix)).sort();
    const repositories = await mapLimit(names, client.concurrency, async name => ({
      name,
      tags: (await tagsOf(client, name)).map((tag): ListedTag => ({ tag })),
    }));
    const count = repositories.reduce((sum, { tags }) => sum + tags.length, 0);
    if (!(options.sizes ?? count <= CHEAP)) return { registry, repositories };
    const scales = new Scales(client);
    const all = repositories.flatMap(({ name, tags }) => tags.map((tag, at) => ({ name, tags, tag, at })));
    await mapLimit(all, client.concurrency, async ({ name, tags, tag, at }) => {
      tags[at] = await scales.weigh(name, tag.tag);
    });
    return { registry, repositories, size: scales.total };
  } finally {
    await client.close();
  }
}

function parsePlace(place: string): Place {
  const slash = place.indexOf('/');
  const registry = parseRegistryAddress(slash < 0 ? place : place.slice(0, slash));
  const prefix = slash < 0 ? '' : place.slice(slash + 1).replace(/\/+$/, '');
  if (prefix === '') return { registry, prefix: undefined };
  if (/[:@]/.test(prefix)) {
    throw new AirferryError('REFERENCE_INVALID', `"${place}" names an image, not a repository`, {
      suggestions: [`List it: airferry registry list ${registry}/${prefix.split(/[:@]/)[0]}`],
    });
  }
  parseReference(`${registry}/${prefix}`);
  return { registry, prefix };
}

/** Names that are the prefix or stand below it; of all where there is none. */
async function repositoriesOf(client: RegistryClient, prefix: string | undefined): Promise<string[]> {
  const names = await catalogOf(client, prefix);
  const found = names.filter(
    name => prefix === undefined || name === prefix || name.startsWith(`${prefix}/`),
  );
  if (found.length > 0 || prefix === undefined) return found;
  // Not listed, and there all the same, in registries whose list is late.
  await client.listTags(prefix);
  return [prefix];
}

async function catalogOf(client: RegistryClient, prefix: string | undefined): Promise<string[]> {
  try {
    return await Array.fromAsync(client.listRepositories());
  } catch (error) {
    if (!isAirferryError(error, 'REGISTRY_DENIED')) throw error;
    // Harbor gives that list to administrators alone, and another one to everybody.
    const harbor = await client.harbor();
    if (harbor) return Array.fromAsync(harbor.repositories());
    if (prefix === undefined) throw error;
    return [prefix];
  }
}

/** A repository that was emptied is still listed by some registries. */
async function tagsOf(client: RegistryClient, repository: string): Promise<string[]> {
  try {
    return (await client.listTags(repository)).sort();
  } catch (error) {
    if (isAirferryError(error, 'REGISTRY_NOT_FOUND')) return [];
    throw error;
  }
}

/** What tags weigh. Manifests that several of them lead to are fetched once. */
class Scales {
  readonly #client: RegistryClient;
  readonly #blobs = new Map<Digest, number>();
  readonly #children = new Map<Digest, Promise<Descriptor[]>>();

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /** Bytes of all blobs that were met. */
  get total(): number {
    return sum(this.#blobs);
  }

  async weigh(repository: string, tag: string): Promise<ListedTag> {
    try {
      const { descriptor, bytes } = await this.#client.getManifest(repository, tag);
      const { digest, mediaType } = descriptor;
      const manifest = parseManifest(bytes, mediaType);
      const index = manifest.kind === 'index';
      const blobs = index
        ? (await Promise.all(manifest.manifests.map(child => this.#below(repository, child)))).flat()
        : [manifest.config, ...manifest.layers];
      const unique = new Map(blobs.map(blob => [blob.digest, blob.size]));
      for (const [blob, size] of unique) this.#blobs.set(blob, size);
      const platforms = index
        ? manifest.manifests.flatMap(({ platform }) =>
            platform && platform.os !== 'unknown' ? [formatPlatform(platform)] : [],
          )
        : undefined;
      return { tag, digest, mediaType, ...(platforms ? { platforms } : {}), size: sum(unique) };
    } catch (error) {
      if (!isAirferryError(error, 'REGISTRY_NOT_FOUND', 'MANIFEST_INVALID', 'DIGEST_MISMATCH')) throw error;
      return { tag, problem: error.message };
    }
  }

  /** The blobs of an index's child; none of one that is not in the registry. */
  #below(repository: string, child: Descriptor): Promise<Descriptor[]> {
    const known = this.#children.get(child.digest);
    if (known) return known;
    const found = this.#client
      .getManifest(repository, child.digest)
      .then(async ({ bytes }) => {
        const manifest = parseManifest(bytes, child.mediaType);
        if (manifest.kind !== 'index') return [manifest.config, ...manifest.layers];
        // An index in an index is as deep as anybody goes.
        const deeper = manifest.manifests.filter(({ mediaType }) => !isIndexType(mediaType));
        return (await Promise.all(deeper.map(next => this.#below(repository, next)))).flat();
      })
      .catch(error => {
        if (isAirferryError(error, 'REGISTRY_NOT_FOUND', 'MANIFEST_INVALID')) return [];
        throw error;
      });
    this.#children.set(child.digest, found);
    return found;
  }
}

function sum(sizes: ReadonlyMap<Digest, number>): number {
  let total = 0;
  for (const size of sizes.values()) total += size;
  return total;
}
