/**
 * Opening the places that images come from and go to: files, registries, engines. What registries and engines need, HTTP
 * and SSH above all, is loaded only where one is named: a list of a file's images begins sooner without it.
 */

import type { Trust } from '../bundle/sign/trust.ts';
import { openBundleImages, openTrustedImages } from '../bundle/sign/trusted.ts';
import { openBundleTarget } from '../bundle/target.ts';
import type { Meter } from '../support/meter.ts';
import { prepareCopy } from '../transports/copy.ts';
import type { Location } from '../transports/location.ts';
import type { BundleFrom } from '../transports/oci/bundle-store.ts';
import { openFileTarget } from '../transports/open-target.ts';
import { selectSource } from '../transports/select.ts';
import type { OpenedTarget } from '../transports/target.ts';
import type { EngineLogin } from './image-engines.ts';
import type { Destination, OpenedSource } from './image-place.ts';
import type { RegistryAccess } from './image-registries.ts';

/** How places are spoken to. */
export interface Access extends Omit<RegistryAccess, 'signal'> {
  /** Files that are there are replaced. */
  overwrite?: boolean;
  /** How hosts are logged in to whose engines are meant. */
  login?: EngineLogin;
  /** Folders of more parts of bundles, and files with blobs that they leave out. */
  from?: BundleFrom;
  /** For bundles that are read. Default: nothing is demanded, as for a list. */
  trust?: Trust;
}

interface Watch {
  meter: Meter;
  signal?: AbortSignal;
}

/**
 * Open sources in their order; the caller closes them. Images of one registry or of one engine become one source, at
 * the place of the first. Throws what opening throws; nothing is left open then.
 */
export async function openSources(
  locations: readonly Location[],
  options: Access & Watch,
): Promise<OpenedSource[]> {
  const opened: OpenedSource[] = [];
  try {
    for (const group of grouped(locations)) opened.push(await openGroup(group, options));
    return opened;
  } catch (error) {
    for (const { close } of opened) await close();
    throw error;
  }
}

/** Open one source; the caller closes it. Throws what opening throws. */
export function openSource(location: Location, options: Access & Watch): Promise<OpenedSource> {
  return openGroup([location], options);
}

type Group = readonly [Location, ...Location[]];

/** Locations that are asked for together. */
function grouped(locations: readonly Location[]): Group[] {
  const groups = new Map<string, [Location, ...Location[]]>();
  for (const [i, location] of locations.entries()) {
    const key = keyOf(location) ?? String(i);
    const group = groups.get(key);
    if (group) group.push(location);
    else groups.set(key, [location]);
  }
  return [...groups.values()];
}

/** What locations have in common that are one image each of one place. */
function keyOf(location: Location): string | undefined {
  if (location.transport === 'docker' && location.image) return `docker://${location.registry}`;
  if (location.transport === 'docker-daemon' && (location.image || location.id))
    return `docker-daemon:${location.engine ?? ''}`;
  return undefined;
}

async function openGroup(group: Group, options: Access & Watch): Promise<OpenedSource> {
  const [location] = group;
  switch (location.transport) {
    case 'path':
    case 'docker-archive':
    case 'oci':
    case 'oci-archive':
    case 'bundle':
      return openFileSource(location, options);
    case 'docker': {
      const images = group.flatMap(one => (one.transport === 'docker' && one.image ? one.image : []));
      const { openRegistrySource } = await import('./image-registries.ts');
      return openRegistrySource(location, images, options);
    }
    case 'docker-daemon': {
      const { openEngineSource } = await import('./image-engines.ts');
      return openEngineSource(
        location.engine,
        group.filter(one => one.transport === 'docker-daemon'),
        options,
      );
    }
  }
}

/** All of a file, or the one image that is named. */
async function openFileSource(
  { transport, path, name }: { transport: Location['transport']; path: string; name?: string },
  { meter, signal, from = {}, trust = { keys: [] } }: Access & Watch,
): Promise<OpenedSource> {
  const source = await (transport === 'bundle'
    ? openBundleImages(path, from, trust)
    : openTrustedImages(path, trust, { meter, ...from }));
  const close = (): Promise<void> => source.close();
  if (name === undefined) return { source, close };
  try {
    if (source.access === 'sequential') meter.expect(source.bytes);
    return { source: await selectSource(source, name, signal), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Open a target; the caller commits or discards it. Throws what opening throws. */
export async function openDestination(location: Location, options: Access & Watch): Promise<Destination> {
  switch (location.transport) {
    case 'docker': {
      const { openRegistryTarget } = await import('./image-registries.ts');
      return destination(openRegistryTarget(location.registry, options));
    }
    case 'bundle': {
      const { overwrite, concurrency, signal } = options;
      return destination(await openBundleTarget(location.path, { overwrite, concurrency, signal }));
    }
    case 'docker-archive':
    case 'oci':
    case 'oci-archive': {
      const { overwrite, concurrency, signal } = options;
      const { transport } = location;
      return destination(
        await openFileTarget({ ...location, transport }, { overwrite, concurrency, signal }),
      );
    }
    case 'docker-daemon': {
      const { openEngineDestination } = await import('./image-engines.ts');
      return openEngineDestination(location.engine, options);
    }
    case 'path':
      return openDestination({ transport: 'docker-archive', path: location.path }, options);
  }
}

function destination(opened: OpenedTarget): Destination {
  const { target } = opened;
  return {
    description: target.description,
    prepare: (source, options) => prepareCopy(source, target, options),
    commit: () => opened.commit(),
    discard: () => opened.discard(),
  };
}
