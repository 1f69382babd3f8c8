/** Every place that images can be written to and read back from. A new transport is one line in `PLACES`. */
import { join } from 'node:path';
import { openBundleTarget } from '../../src/bundle/target.ts';
import type { Reference } from '../../src/content/reference.ts';
import { RegistryClient } from '../../src/registry/client.ts';
import { serveRegistry } from '../../src/registry/server/server.ts';
import { openStorage } from '../../src/registry/server/storage/storage.ts';
import { Meter } from '../../src/support/meter.ts';
import { type CopyOptions, type CopyReport, copyImages } from '../../src/transports/copy.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { openFileTarget } from '../../src/transports/open-target.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import { registrySource } from '../../src/transports/registry-source.ts';
import type { ImageSource } from '../../src/transports/source.ts';
import type { OpenedTarget } from '../../src/transports/target.ts';

/** The registry in the names of random images. */
const SITE = 'hub.company.com';

export interface Place {
  target(): Promise<OpenedTarget>;
  source(): Promise<ImageSource>;
}

/** Each makes a new place in an empty folder. */
export const PLACES: Record<string, (folder: string) => Place> = {
  'docker-archive': folder => file(join(folder, 'docker.tar'), 'docker-archive'),
  oci: folder => file(join(folder, 'layout'), 'oci'),
  'oci-archive': folder => file(join(folder, 'oci.tar'), 'oci-archive'),
  bundle: folder => file(join(folder, 'bundle.tar'), 'bundle'),
  docker: folder => registry(join(folder, 'storage')),
};

function file(path: string, transport: 'docker-archive' | 'oci' | 'oci-archive' | 'bundle'): Place {
  const overwrite = true;
  return {
    target: () =>
      transport === 'bundle'
        ? openBundleTarget(path, { overwrite })
        : openFileTarget({ transport, path }, { overwrite }),
    source: () => openImageSource(path),
  };
}

/** The embedded registry over a folder. While images are in it their names have its address; outside they are the site's. */
function registry(storage: string): Place {
  const serve = async () => {
    const content = await openStorage(storage);
    const server = await serveRegistry(content, { listen: { host: '127.0.0.1', port: 0 } });
    const client = new RegistryClient({
      registry: server.address ?? '',
      plainHttp: true,
      configFile: join(storage, 'none.json'),
      uploadsDir: false,
      access: 'push',
    });
    const close = async (): Promise<void> => {
      await client.close();
      await server.close();
      await content.close();
    };
    return { client, close };
  };
  return {
    async target() {
      const { client, close } = await serve();
      const target = registryTarget(client);
      const there = (name: Reference): Reference => ({ ...name, registry: client.registry });
      return {
        target: {
          description: target.description,
          scope: target.scope,
          concurrency: target.concurrency,
          holds: (name, manifest) => target.holds(there(name), manifest),
          putBlob: (blob, name) => target.putBlob(blob, there(name)),
          putManifest: (document, name) => target.putManifest(document, there(name)),
        },
        commit: close,
        discard: close,
      };
    },
    async source() {
      const { client, close } = await serve();
      const repositories = await Array.fromAsync(client.listRepositories());
      const source = await registrySource(client, { repositories });
      const { images, indexes } = await source.inventory();
      const home = <T extends { names: Reference[] }>(item: T): T => ({
        ...item,
        names: item.names.map(name => ({ ...name, registry: SITE })),
      });
      const inventory = { images: images.map(home), indexes: indexes.map(home) };
      return {
        description: source.description,
        access: 'random',
        inventory: async () => inventory,
        layers: () => source.layers(),
        close,
      };
    },
  };
}

/** Copy all that a source has, names as they are. */
export async function copyAll(
  source: ImageSource,
  place: Place,
  options: Partial<CopyOptions> = {},
): Promise<CopyReport> {
  const opened = await place.target();
  try {
    const report = await copyImages(source, opened.target, {
      names: from => from,
      unnamed: true,
      compression: 'gzip',
      meter: new Meter(),
      ...options,
    });
    await opened.commit();
    return report;
  } catch (error) {
    await opened.discard();
    throw error;
  }
}
