/** Opening the places that images come from and go to: files, registries, engines. */
import { AirferryError } from '../errors.ts';
import { RegistryClient } from '../registry/client.ts';
import type { Meter } from '../support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../transports/copy.ts';
import { formatLocation, type Location } from '../transports/location.ts';
import { openImageSource } from '../transports/open.ts';
import { registryTarget } from '../transports/registry.ts';
import type { ImageSource } from '../transports/source.ts';

/** How places are spoken to. */
export interface Access {
  sourcePlainHttp?: boolean;
  targetPlainHttp?: boolean;
  /** A CA certificate in PEM, beside those of the system and of certs.d. */
  caFile?: string;
  /** Blobs under way at once. */
  concurrency?: number;
  requestsPerSecond?: number;
  /** Harbor's projects are created where they are missing. */
  createProjects?: boolean;
  /** Files that are there are replaced. */
  overwrite?: boolean;
}

/** Somewhere that images go: copies into it one after the other, then an end. */
export interface Destination {
  /** For messages: `docker://hub.company.com`. */
  readonly description: string;
  copy(source: ImageSource, options: CopyOptions): Promise<CopyReport>;
  commit(): Promise<void>;
  /** Does nothing after `commit` but close. */
  discard(): Promise<void>;
}

interface Watch {
  meter: Meter;
  signal?: AbortSignal;
}

/** Open a source; the caller closes it. Throws what opening throws. */
export async function openSource(location: Location, options: Access & Watch): Promise<ImageSource> {
  switch (location.transport) {
    case 'path':
      return openImageSource(location.path, { meter: options.meter });
    default:
      throw new AirferryError('USAGE', `${formatLocation(location)} cannot be read`);
  }
}

/** Open a target; the caller commits or discards it. Throws what opening throws. */
export async function openDestination(location: Location, options: Access & Watch): Promise<Destination> {
  switch (location.transport) {
    case 'docker': {
      const { caFile, concurrency, signal, targetPlainHttp } = options;
      const client = new RegistryClient({
        registry: location.registry,
        plainHttp: targetPlainHttp,
        caFile,
        concurrency,
        signal,
        access: 'push',
      });
      const target = registryTarget(client);
      return {
        description: target.description,
        copy: (source, copy) => copyImages(source, target, copy),
        commit: async () => undefined,
        discard: () => client.close(),
      };
    }
    default:
      throw new AirferryError('USAGE', `${formatLocation(location)} cannot be written`);
  }
}
