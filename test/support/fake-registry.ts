/**
 * A registry in memory behind a real socket: distribution-spec v2 as far as clients meet it, with quirks that are
 * switched on and faults that strike on demand. Every request is written down.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type Answer, Brain } from './fake-registry-answers.ts';

/** A request as it arrived. */
export interface Seen {
  method: string;
  path: string;
  query: string;
  headers: IncomingHttpHeaders;
  /** Bytes of its body that were read. */
  bytes: number;
  at: number;
}

export interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  seen: Seen;
}

/** Deals with a request instead of the registry, or calls `proceed` for it. */
export type Fault = (exchange: Exchange, proceed: () => Promise<void>) => void | Promise<void>;

/** How this registry differs from a plain one. May be changed while it runs. */
export interface Quirks {
  auth?: 'bearer' | 'basic';
  /** Without it anonymous tokens are good for everything. */
  login?: { username: string; password: string };
  identityToken?: string;
  /** Where the challenge sends clients for a token, instead of here. */
  realm?: string;
  tokenSeconds?: number;
  /** The field of a token answer. */
  tokenField?: 'token' | 'access_token';
  /** Projects (first part of a repository) that tokens give rights to; all when absent. */
  projects?: string[];
  /** `Location` of uploads: whole, a path with an opaque query, or one made by this. */
  location?: 'absolute' | 'relative' | ((path: string) => string);
  patchStatus?: number;
  putStatus?: number;
  /** What becomes of mounts; 'take' when absent. A number is a refusal. */
  mount?: 'take' | 'decline' | number;
  chunkMin?: number;
  /** As distribution before 3.0: Content-Range is ignored, and an upload that broke off is cancelled by any request. */
  doubtsOffsets?: boolean;
  /** Refuse bodies without Content-Length, as old proxies do. */
  needsLength?: boolean;
  noDigestHeader?: boolean;
  headStatus?: number;
  /** HEAD says that every blob is here. */
  claimsAllBlobs?: boolean;
  /** Origin that blob downloads are redirected to. */
  blobsAt?: string;
  /** Break blob downloads off after so many bytes; one entry for each. */
  cutDownloads?: number[];
  ignoresRange?: boolean;
  /** Entries of one page of tags or repositories. */
  tagPage?: number;
  nullTags?: boolean;
  /** Lists referrers itself, and says so when a manifest with a subject is stored. */
  referrers?: boolean;
  /** What a registry without referrers answers to that request, instead of 404. */
  unknownRequest?: Answer;
  /** Nobody gets the list of repositories; with auth 'bearer'. */
  catalogForbidden?: boolean;
}

export interface FakeRegistry {
  /** `127.0.0.1:PORT`. */
  address: string;
  origin: string;
  quirks: Quirks;
  seen: Seen[];
  /** Contents by repository. */
  blobs: Map<string, Map<string, Buffer>>;
  manifests: Map<string, Map<string, { mediaType: string; bytes: Buffer }>>;
  uploads: Map<string, { repository: string; parts: Buffer[] }>;
  /** Let a fault strike the next `times` requests of that method whose path and query match. */
  fault(method: string, pattern: RegExp, fault: Fault, times?: number): void;
  /** `METHOD path` of all requests but those for tokens. */
  requests(): string[];
  close(): Promise<void>;
}

export { errorBody } from './fake-registry-answers.ts';

/** Answer with a status, and read the body first. */
export function status(code: number, body: unknown = '', headers: Record<string, string> = {}): Fault {
  return async ({ req, res, seen }) => {
    await readBody(req, seen);
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    res.writeHead(code, { 'content-type': 'application/json', ...headers }).end(text);
  };
}

export function webPage(code: number): Fault {
  return status(code, '<!DOCTYPE html><html><body>Please log in</body></html>', {
    'content-type': 'text/html',
  });
}

/** Cut the connection once so many bytes of the body have arrived. */
export function drop(afterBytes = 0): Fault {
  return async ({ req, seen }) => {
    for await (const chunk of req) {
      seen.bytes += chunk.length;
      if (seen.bytes >= afterBytes) break;
    }
    req.socket.destroy();
  };
}

/** Cut the connection once so many bytes of an upload have arrived, and keep those, as distribution does. */
export function dropKeeping(registry: FakeRegistry, afterBytes: number): Fault {
  return async ({ req, seen }) => {
    const parts = registry.uploads.get(seen.path.split('/').at(-1) ?? '')?.parts;
    for await (const chunk of req) {
      parts?.push(chunk);
      seen.bytes += chunk.length;
      if (seen.bytes >= afterBytes) break;
    }
    req.socket.destroy();
  };
}

/** Do what was asked, then cut the connection in place of the answer. */
export function dropAnswer(): Fault {
  return async ({ req, res }, proceed) => {
    res.end = () => res;
    res.writeHead = () => res;
    await proceed();
    req.socket.destroy();
  };
}

/** Let the answer wait. */
export function delay(ms: number): Fault {
  return async (_, proceed) => {
    await new Promise(resolve => setTimeout(resolve, ms));
    await proceed();
  };
}

export async function startFakeRegistry(quirks: Quirks = {}, tls?: ServerOptions): Promise<FakeRegistry> {
  const faults: { method: string; pattern: RegExp; fault: Fault; left: number }[] = [];
  const registry: FakeRegistry = {
    address: '',
    origin: '',
    quirks,
    seen: [],
    blobs: new Map(),
    manifests: new Map(),
    uploads: new Map(),
    fault: (method, pattern, fault, times = 1) => faults.push({ method, pattern, fault, left: times }),
    requests: () =>
      registry.seen.filter(({ path }) => path !== '/token').map(({ method, path }) => `${method} ${path}`),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const brain = new Brain(registry);
  const answer = async ({ req, res, seen }: Exchange): Promise<void> => {
    const { code, headers, bytes, cutAfter } = brain.answer(seen, await readBody(req, seen));
    res.writeHead(code, {
      ...(headers['transfer-encoding'] ? {} : { 'content-length': bytes.length }),
      ...headers,
    });
    if (cutAfter === undefined) res.end(seen.method === 'HEAD' ? undefined : bytes);
    else res.write(bytes.subarray(0, cutAfter), () => setTimeout(() => res.destroy(), 20));
  };
  const onRequest = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const url = new URL(req.url ?? '/', registry.origin);
    const method = req.method ?? '';
    const { pathname: path, search: query } = url;
    const seen: Seen = { method, path, query, headers: req.headers, bytes: 0, at: performance.now() };
    registry.seen.push(seen);
    const exchange = { req, res, seen };
    const proceed = (): Promise<void> => answer(exchange);
    const found = faults.find(f => f.left > 0 && f.method === method && f.pattern.test(path + query));
    if (found) found.left--;
    try {
      await (found ? found.fault(exchange, proceed) : proceed());
    } catch {
      // The client has gone away in the middle of its request.
      res.destroy();
    }
  };
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  registry.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  registry.origin = `${tls ? 'https' : 'http'}://${registry.address}`;
  return registry;
}

async function readBody(req: IncomingMessage, seen: Seen): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) {
    chunks.push(chunk);
    seen.bytes += chunk.length;
  }
  return Buffer.concat(chunks);
}
