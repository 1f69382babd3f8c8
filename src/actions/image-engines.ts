/** Engines as places for images: found as Docker's client finds them, or on hosts that are logged in to. */
import { parsePlatform } from '../content/platform.ts';
import type { EngineApi } from '../engine/api/client.ts';
import type { Meter } from '../support/meter.ts';
import { openEngine, type SshOptions } from '../transports/docker-daemon/dial.ts';
import { loadIntoEngine } from '../transports/docker-daemon/load.ts';
import { engineSource } from '../transports/docker-daemon/source.ts';
import type { EngineLocation } from '../transports/location.ts';
import { type ReachOptions, resolveFleet } from './fleet.ts';
import type { Destination, OpenedSource } from './image-place.ts';

/** How hosts are logged in to. */
export interface EngineLogin {
  reach: Omit<ReachOptions, 'hosts'>;
  connect: Pick<SshOptions, 'knownHosts' | 'connectTimeoutMs'>;
}

interface EngineWork extends EngineAccess {
  platforms?: readonly string[];
  meter: Meter;
}

export interface EngineAccess {
  login?: EngineLogin;
  signal?: AbortSignal;
}

/** Images of one engine: those that the locations name, else all that have a name. */
export async function openEngineSource(
  engine: string | undefined,
  locations: readonly EngineLocation[],
  access: EngineWork,
): Promise<OpenedSource> {
  const api = await connectedEngine(engine, access);
  const close = async (): Promise<void> => api[Symbol.asyncDispose]();
  try {
    const names = locations.flatMap(({ image }) => image ?? []);
    const ids = locations.flatMap(({ id }) => id ?? []);
    const source = await engineSource(api, names.length + ids.length > 0 ? { names, ids } : {}, {
      meter: access.meter,
      ...(access.platforms && { platforms: access.platforms.map(parsePlatform) }),
    });
    return { source, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An engine that images are loaded into; what it has already is not sent. */
export async function openEngineDestination(
  engine: string | undefined,
  access: EngineAccess,
): Promise<Destination> {
  const api = await connectedEngine(engine, access);
  return {
    description: `docker-daemon:${api.description}`,
    prepare: async (source, options) => ({ run: () => loadIntoEngine(api, source, options) }),
    commit: async () => undefined,
    discard: async () => api[Symbol.asyncDispose](),
  };
}

/** Reach an engine; a host of the fleet may be meant by its name. The caller closes it. */
export async function connectedEngine(engine: string | undefined, access: EngineAccess): Promise<EngineApi> {
  const { login, signal } = access;
  const watch = signal ? { signal } : {};
  const host = /^ssh:\/\/(.+)$/.exec(engine ?? '')?.[1];
  if (engine === undefined) return openEngine(watch);
  if (host === undefined || !login) return openEngine({ address: engine, ...watch });
  const { members } = await resolveFleet({ ...login.reach, hosts: [host] });
  const target = members[0]?.target;
  return openEngine({
    address: engine,
    ssh: { ...login.connect, ...(target && !target.local ? { host: target } : {}) },
    ...watch,
  });
}
