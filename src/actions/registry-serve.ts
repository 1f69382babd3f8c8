/** `registry serve`: open what is to be served, listen, and stay until told to stop. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type TrustOptions, trustOf } from '../bundle/sign/trust.ts';
import { openTrustedImages } from '../bundle/sign/trusted.ts';
import { AirferryError } from '../errors.ts';
import type { RegistryContent } from '../registry/server/content.ts';
import { htpasswdGate } from '../registry/server/htpasswd.ts';
import { isLoopback, parseListen } from '../registry/server/listen.ts';
import { mergeContents } from '../registry/server/merge.ts';
import { type ServedRequest, serveRegistry } from '../registry/server/server.ts';
import { openStorage } from '../registry/server/storage/storage.ts';
import { unreadable } from '../support/file.ts';
import { refuseAbsent } from '../transports/absent.ts';
import type { BundleFrom } from '../transports/oci/bundle-store.ts';
import { contentOf, servable } from '../transports/serve.ts';

export interface RegistryServeOptions extends TrustOptions {
  /** Paths of bundles, archives and layouts to read from; or none, with a storage. */
  sources: readonly string[];
  /** Folders of more parts of bundles, and files with blobs that they leave out. */
  from?: BundleFrom;
  /** A folder to read from and write to. */
  storage?: string | undefined;
  /** `HOST:PORT`. */
  listen: string;
  plainHttp: boolean;
  /** PEM files. */
  tls?: { cert: string; key: string } | undefined;
  htpasswd?: string | undefined;
  /** Bodies of uploads that are taken at once. */
  uploads: number;
  /** Ends it. */
  signal: AbortSignal;
  /** Called once, when it listens. */
  onReady: (serving: RegistryServing) => void;
  onRequest?: ((request: ServedRequest) => void) | undefined;
  onProblem: (error: unknown) => void;
}

/** What is being served, and where. */
export interface RegistryServing {
  /** Where it listens: `127.0.0.1:5000`. */
  address: string;
  /** What goes in front of the names of its images: the address, or for all addresses the name of this machine. */
  registry: string;
  url: string;
  /** `bundle:site.tar`; a storage by its path. */
  content: string;
  writable: boolean;
  /** Whether only this machine can reach it. */
  loopback: boolean;
  tls: boolean;
  /** Whether it asks for a name and a password. */
  login: boolean;
  /** Sorted, with their tags. */
  repositories: { name: string; tags: string[] }[];
}

const ALL_ADDRESSES = ['0.0.0.0', '::'];

/**
 * Serve until the signal comes; what is under way then is given a moment to end. Throws what opening the sources or the
 * storage throws, BUNDLE_BASE_MISSING for what is left out and in no base, USAGE, SERVE_FAILED, CREDENTIALS_INVALID.
 */
export async function serveImages(options: RegistryServeOptions): Promise<void> {
  const listen = parseListen(options.listen);
  const tls = options.tls && readTls(options.tls);
  const authorize = options.htpasswd === undefined ? undefined : htpasswdGate(options.htpasswd);
  const { content, close } = await openContent(options);
  try {
    options.signal.throwIfAborted();
    const server = await serveRegistry(content, {
      listen,
      plainHttp: options.plainHttp,
      uploads: options.uploads,
      onProblem: options.onProblem,
      ...(tls && { tls }),
      ...(authorize && { authorize }),
      ...(options.onRequest && { onRequest: options.onRequest }),
    });
    try {
      const address = server.address ?? options.listen;
      const registry = ALL_ADDRESSES.includes(listen.host)
        ? `${hostname()}:${parseListen(address).port}`
        : address;
      options.onReady({
        address,
        registry,
        url: `${tls ? 'https' : 'http'}://${registry}`,
        content: content.description,
        writable: options.storage !== undefined,
        loopback: isLoopback(listen.host),
        tls: tls !== undefined,
        login: authorize !== undefined,
        repositories: await listRepositories(content),
      });
      await stopped(options.signal);
    } finally {
      await server.close();
    }
  } finally {
    await close();
  }
}

/** What there is to serve: one storage, or any number of sources. Throws USAGE. */
async function openContent(
  options: RegistryServeOptions,
): Promise<{ content: RegistryContent; close: () => Promise<void> }> {
  const { sources, storage, from } = options;
  if (sources.length > 0 === (storage !== undefined)) {
    throw new AirferryError('USAGE', 'say what to serve: bundles, archives and layouts, or --storage DIR', {
      suggestions: [
        'To read from a bundle: airferry registry serve site.tar',
        'To push to it as well: airferry registry serve --storage DIR',
      ],
    });
  }
  if (storage !== undefined) {
    const content = await openStorage(storage);
    return { content, close: () => content.close() };
  }
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const end of closers) await end();
  };
  try {
    const trust = await trustOf(options);
    const contents: RegistryContent[] = [];
    for (const path of sources) {
      const source = await openTrustedImages(path, trust, from);
      closers.push(() => source.close());
      const served = servable(source);
      refuseAbsent(source.description, await Array.fromAsync(served.layers()), 'no base has them');
      contents.push(await contentOf(served));
    }
    return { content: mergeContents(contents), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listRepositories(content: RegistryContent): Promise<RegistryServing['repositories']> {
  const names = (await content.repositories()).toSorted();
  const found: RegistryServing['repositories'] = [];
  for (const name of names) found.push({ name, tags: ((await content.tags(name)) ?? []).toSorted() });
  return found;
}

function readTls({ cert, key }: { cert: string; key: string }): { cert: Buffer; key: Buffer } {
  const read = (path: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  };
  return { cert: read(cert), key: read(key) };
}

async function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve(), { once: true }));
}
