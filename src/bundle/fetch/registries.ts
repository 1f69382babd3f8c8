/** The registries that a recipe's images come from, with their mirrors; each is spoken to by one client. */
import type { RegistrySpec } from '../../config/registries.ts';
import type { Reference } from '../../content/reference.ts';
import { RegistryClient, type RegistryClientOptions } from '../../registry/client.ts';
import type { Cache } from './cache.ts';
import { CachedClient } from './cached-client.ts';

/** A registry, or a mirror of it, and what an image's repository is called there. */
export interface Endpoint {
  registry: string;
  repository: string;
  /** What messages call it. */
  mirror: boolean;
}

/** Blobs of a registry at once; one after the other they would wait for its answers. */
export const BLOBS_AT_ONCE = 5;

export class Registries {
  readonly #specs: ReadonlyMap<string, RegistrySpec>;
  readonly #clients = new Map<string, RegistryClient>();
  readonly #cache: Cache | undefined;
  readonly #options: Partial<RegistryClientOptions>;

  /** `options` are for all clients. */
  constructor(
    specs: readonly RegistrySpec[],
    cache: Cache | undefined,
    options: Partial<RegistryClientOptions> = {},
  ) {
    this.#specs = new Map(specs.map(spec => [spec.host, spec]));
    this.#cache = cache;
    this.#options = options;
  }

  /** Where an image may be asked for: the mirrors of its registry, then that itself. */
  endpoints({ registry, repository }: Reference): Endpoint[] {
    const mirrors = (this.#specs.get(registry)?.mirrors ?? []).map(mirror => ({
      registry: mirror.registry,
      repository: mirror.prefix === undefined ? repository : `${mirror.prefix}/${repository}`,
      mirror: true,
    }));
    return [...mirrors, { registry, repository, mirror: false }];
  }

  /** The client for a registry; `close` closes it. */
  client(registry: string): RegistryClient {
    const known = this.#clients.get(registry);
    if (known) return known;
    const spec = this.#specs.get(registry);
    const options: RegistryClientOptions = {
      ...this.#options,
      registry,
      plainHttp: spec?.plainHttp ?? false,
      uploadsDir: false,
      access: 'pull',
      ...(spec?.ca === undefined ? {} : { caFile: spec.ca }),
    };
    const client = this.#cache ? new CachedClient(options, this.#cache) : new RegistryClient(options);
    this.#clients.set(registry, client);
    return client;
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) await client.close();
  }
}
