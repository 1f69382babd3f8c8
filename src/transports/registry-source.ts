/** `docker://` as a source: chosen images of a registry or whole repositories, with what refers to them. */
import { cosignTags, isReferrerTag } from '../content/artifact.ts';
import type { Digest } from '../content/digest.ts';
import type { Platform } from '../content/platform.ts';
import type { Reference } from '../content/reference.ts';
import { isAirferryError } from '../errors.ts';
import type { RegistryClient } from '../registry/client.ts';
import { mapLimit } from '../support/limit.ts';
import { RegistryFinder, type Wanted } from './registry-finder.ts';
import type { RandomSource, SourceImage, SourceLayer } from './source.ts';
import { storedLayers } from './stored-image.ts';

export interface RegistrySourceOptions {
  /** Images of this registry by tag or digest; where a name has both, the digest says what it is. */
  images?: readonly Reference[];
  /** Repositories of which every tag is taken: `library/nginx`. */
  repositories?: readonly string[];
  /** Whether images for a platform are wanted; of indexes the others are not fetched. Give the copy the same choice. */
  platform?(platform: Platform): boolean;
  /** Find signatures, SBOMs and attestations: by the referrers API, its fallback tags, and cosign's tags. */
  referrers?: boolean;
  /** Also take layers that are meant to be fetched from elsewhere ("foreign"), which the registry then has to hold. */
  foreign?: boolean;
  signal?: AbortSignal;
}

interface Place {
  repository: string;
  digest: Digest;
}

/** Referrers of referrers: the signature of an SBOM is one level. */
const REFERRERS_DEPTH = 4;

/**
 * Images of a registry. The client is the caller's to close, after the source; it needs no more than `access: 'pull'`.
 * All manifests and configs are fetched and verified here, side by side; layers when they are opened, verified, and
 * resumed where a connection breaks. Throws REGISTRY_NOT_FOUND for an image that is not there, MANIFEST_INVALID (schema
 * 1 is named as what it is), DIGEST_MISMATCH, and what the registry does.
 */
export async function registrySource(
  client: RegistryClient,
  options: RegistrySourceOptions,
): Promise<RandomSource> {
  const finder = new RegistryFinder(client, options);
  const listed = await mapLimit(options.repositories ?? [], client.concurrency, async repository => {
    const tags = await client.listTags(repository);
    return tags
      .filter(tag => !isReferrerTag(tag))
      .map(tag => ({ registry: client.registry, repository, tag }));
  });
  const found = await finder.find([...(options.images ?? []), ...listed.flat()].map(wanted));
  if (options.referrers) await findReferrers(client, finder, found);
  const inventory = finder.inventory();
  return {
    description: `docker://${client.registry}`,
    access: 'random',
    inventory: async () => inventory,
    async *layers() {
      yield* layersOf(client, inventory.images, options.foreign ?? false);
    },
    close: async () => undefined,
  };
}

function wanted(name: Reference): Wanted {
  const reference = name.digest ?? name.tag ?? 'latest';
  return { repository: name.repository, reference, names: [name], depth: 0 };
}

/** What refers to manifests, and what refers to that. */
async function findReferrers(client: RegistryClient, finder: RegistryFinder, found: Place[]): Promise<void> {
  const tags = new TagLists(client);
  const asked = new Set<string>();
  for (let depth = 0, places = found; depth < REFERRERS_DEPTH && places.length > 0; depth++) {
    const fresh = places.filter(({ repository, digest }) => !asked.has(`${repository}@${digest}`));
    for (const { repository, digest } of fresh) asked.add(`${repository}@${digest}`);
    const next = await mapLimit(fresh, client.concurrency, async ({ repository, digest }) => {
      const referrers = await client.referrers(repository, digest);
      const cosign = await tags.among(repository, cosignTags(digest));
      return [
        ...referrers.map((referrer): Wanted => {
          const about = { names: [], depth: 0, sparse: true, about: digest };
          return { repository, reference: referrer.digest, ...about };
        }),
        ...cosign.map(tag => wanted({ registry: client.registry, repository, tag })),
      ];
    });
    places = await finder.find(next.flat());
  }
}

/** The tags of repositories, each list fetched once. */
class TagLists {
  readonly #client: RegistryClient;
  readonly #lists = new Map<string, Promise<Set<string> | undefined>>();

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /** Those of `tags` that the repository has. Asked one by one where the registry does not give out its list. */
  async among(repository: string, tags: string[]): Promise<string[]> {
    const list = this.#lists.get(repository) ?? this.#list(repository);
    this.#lists.set(repository, list);
    const known = await list;
    if (known) return tags.filter(tag => known.has(tag));
    const heads = await Promise.all(tags.map(tag => this.#client.headManifest(repository, tag)));
    return tags.filter((_, i) => heads[i] !== undefined);
  }

  async #list(repository: string): Promise<Set<string> | undefined> {
    try {
      return new Set(await this.#client.listTags(repository));
    } catch (error) {
      if (isAirferryError(error, 'REGISTRY_DENIED', 'REGISTRY_NOT_FOUND', 'REGISTRY_UNAUTHORIZED'))
        return undefined;
      throw error;
    }
  }
}

/** Every layer once. */
function* layersOf(client: RegistryClient, images: SourceImage[], foreign: boolean): Generator<SourceLayer> {
  const seen = new Set<Digest>();
  for (const image of images) {
    const { origin } = image;
    for (const { descriptor, compression } of origin ? storedLayers(image, () => foreign) : []) {
      const { digest, size } = descriptor;
      if (!origin || seen.has(digest)) continue;
      seen.add(digest);
      const open = () => client.getBlob(origin.repository, descriptor);
      yield { key: digest, size, compression, descriptor, origin, open };
    }
  }
}
