/** Registries as places for images. */
import { parsePlatform, platformMatches } from '../content/platform.ts';
import type { Reference } from '../content/reference.ts';
import { RegistryClient } from '../registry/client.ts';
import type { RegistryLocation } from '../transports/location.ts';
import { registryTarget } from '../transports/registry.ts';
import { registrySource } from '../transports/registry-source.ts';
import type { OpenedTarget } from '../transports/target.ts';
import type { OpenedSource } from './image-place.ts';

/** How registries are spoken to. */
export interface RegistryAccess {
  sourcePlainHttp?: boolean;
  targetPlainHttp?: boolean;
  /** A CA certificate in PEM, beside those of the system and of certs.d. */
  caFile?: string;
  /** Blobs under way at once. */
  concurrency?: number;
  requestsPerSecond?: number;
  /** Harbor's projects are created where they are missing. */
  createProjects?: boolean;
  /** As `linux/arm64`; images and entries of indexes for others stay behind. Default all. */
  platforms?: readonly string[];
  /** Signatures, SBOMs and attestations come along. */
  referrers?: boolean;
  /** Layers come along that are meant to be fetched from elsewhere. */
  foreignLayers?: boolean;
  signal?: AbortSignal;
}

/** The images that are named, or all that the registry lists (below the prefix, if there is one). */
export async function openRegistrySource(
  { registry, prefix }: RegistryLocation,
  images: readonly Reference[],
  { sourcePlainHttp: plainHttp, platforms, referrers, foreignLayers, ...access }: RegistryAccess,
): Promise<OpenedSource> {
  const { signal } = access;
  const client = new RegistryClient({ ...clientOptions(access), registry, plainHttp });
  const wanted = platforms?.map(parsePlatform);
  try {
    const repositories: string[] = [];
    if (images.length === 0) {
      for await (const repository of client.listRepositories())
        if (prefix === undefined || repository.startsWith(`${prefix}/`)) repositories.push(repository);
    }
    const source = await registrySource(client, {
      images,
      repositories,
      ...(wanted && { platform: platform => wanted.some(one => platformMatches(one, platform)) }),
      referrers,
      ...(foreignLayers && { foreign: true }),
      signal,
    });
    const close = async (): Promise<void> => {
      await source.close();
      await client.close();
    };
    return { source, close };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** A registry that images go to. */
export function openRegistryTarget(
  registry: string,
  { targetPlainHttp: plainHttp, createProjects, ...access }: RegistryAccess,
): OpenedTarget {
  const client = new RegistryClient({ ...clientOptions(access), registry, plainHttp, access: 'push' });
  return {
    target: registryTarget(client, { createProjects }),
    commit: async () => undefined,
    discard: () => client.close(),
  };
}

function clientOptions({ caFile, concurrency, requestsPerSecond, signal }: RegistryAccess) {
  return { caFile, concurrency, requestsPerSecond, signal };
}
