/**
 * The embedded registry's HTTP side: it listens on a port, or is handed streams that are there already, such as the
 * channels of an SSH forward, and has them answered.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AirferryError, isAirferryError, systemCode } from '../../errors.ts';
import { AttachedStreams } from './attached.ts';
import type { RegistryContent } from './content.ts';
import { Exchange } from './exchange.ts';
import { handle, type Service } from './handle.ts';
import { cannotListen, formatAddress, type ListenAddress, refusePlain } from './listen.ts';
import { Refusal } from './refusal.ts';
import { Sending } from './sending.ts';
import { Uploading } from './uploading.ts';

export interface ServeOptions {
  /** Absent: no port at all, only streams that are attached. */
  listen?: ListenAddress;
  /** PEM. Absent: plain HTTP. Attached streams are plain in either case. */
  tls?: { cert: Buffer; key: Buffer };
  /** Speak plain HTTP on an address that other machines can reach. */
  plainHttp?: boolean;
  /** Who may come in; absent: everyone. Given the `Authorization` header of a request. */
  authorize?: (header: string | undefined) => Promise<boolean>;
  /** Bodies of uploads that are taken at once. Default 32. */
  uploads?: number;
  /** Told of every request when it has ended. */
  onRequest?: (request: ServedRequest) => void;
  /** Told of what went wrong here, not at a client: a disk that is full, a file that is damaged. */
  onProblem?: (error: unknown) => void;
}

/** A request that was answered, or broke off. */
export interface ServedRequest {
  method: string;
  /** Percent-encoded as it came, without the query. */
  path: string;
  /** Absent when the client was gone before an answer. */
  status: number | undefined;
  /** Of the bodies, in bytes. */
  sent: number;
  received: number;
  ms: number;
}

export interface RegistryServer {
  /** `127.0.0.1:5000`; undefined where there is no port. */
  readonly address: string | undefined;
  /** Serve one stream that stands already, as if it were an accepted connection. It is closed by `close`. */
  attach(stream: Duplex): void;
  /** Take nothing new; end when what is under way is done, or cut it after `graceMs` (5 s). */
  close(graceMs?: number): Promise<void>;
}

const UPLOADS = 32;
const GRACE_MS = 5_000;
/** A client may be slow, but not without end: to say what it wants, and between two signs of life. Milliseconds. */
const HEADERS_MS = 20_000;
const IDLE_MS = 120_000;
const KEEP_ALIVE_MS = 65_000;
const CONNECTIONS = 2_000;
const HTTP: ServerOptions = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: HEADERS_MS,
  // A body may well take hours; one that stands still is ended by the idle time.
  requestTimeout: 0,
  keepAliveTimeout: KEEP_ALIVE_MS,
  connectionsCheckingInterval: 5_000,
  noDelay: true,
  // What a slow client leaves in memory, beside the chunk that waits.
  highWaterMark: 128 * 1024,
};

/**
 * Serve content by the OCI distribution-spec, until `close`. Throws USAGE for a public address without TLS or
 * `plainHttp`, SERVE_FAILED when the address cannot be had.
 */
export async function serveRegistry(
  content: RegistryContent,
  options: ServeOptions = {},
): Promise<RegistryServer> {
  const { listen, tls } = options;
  if (listen && !tls && !options.plainHttp) refusePlain(listen);
  const service = { content, sending: new Sending(), uploading: new Uploading(options.uploads ?? UPLOADS) };
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    response.once('close', attached.work(request.socket));
    void respond(service, options, request, response);
  };
  const attached = new AttachedStreams(prepared(createServer(HTTP, answer)));
  const listening = listen && prepared(tls ? createSecure(tls, answer) : createServer(HTTP, answer));
  const address = listening && (await startListening(listening, listen));
  return {
    address,
    attach: stream => attached.attach(stream),
    async close(graceMs = GRACE_MS) {
      await Promise.all([listening && stopListening(listening, graceMs), attached.close(graceMs)]);
    },
  };
}

function createSecure(tls: Required<ServeOptions>['tls'], answer: RequestListener): Server {
  try {
    return createTlsServer({ ...HTTP, ...tls }, answer);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AirferryError('SERVE_FAILED', `the certificate and its key are of no use: ${why}`, {
      cause,
      suggestions: [
        'Give both in PEM format, the key without a passphrase, and one that belongs to the other.',
      ],
    });
  }
}

function prepared(server: Server): Server {
  server.setTimeout(IDLE_MS);
  server.maxConnections = CONNECTIONS;
  return server;
}

async function startListening(server: Server, listen: ListenAddress): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen({ host: listen.host, port: listen.port }, resolve);
  await promise.catch(cause => {
    throw cannotListen(listen, cause);
  });
  const { port } = server.address() as AddressInfo;
  return formatAddress({ host: listen.host, port });
}

async function stopListening(server: Server, graceMs: number): Promise<void> {
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await new Promise<void>(resolve => server.close(() => resolve()));
  clearTimeout(cut);
}

async function respond(
  service: Service,
  { authorize, onRequest, onProblem }: ServeOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const started = performance.now();
  const exchange = new Exchange(request, response);
  response.once('close', () => {
    const { method, path, bytes } = exchange;
    const status = response.headersSent ? response.statusCode : undefined;
    onRequest?.({ method, path, status, ...bytes, ms: performance.now() - started });
  });
  response.setHeader('docker-distribution-api-version', 'registry/2.0');
  response.setHeader('x-content-type-options', 'nosniff');
  try {
    if (authorize && !(await authorize(request.headers.authorization))) throw unauthorized();
    await handle(service, exchange);
  } catch (error) {
    if (error instanceof Refusal) return exchange.refuse(error);
    if (isGone(error)) return exchange.cut();
    onProblem?.(error);
    if (exchange.answered) exchange.cut();
    else exchange.refuse(failed(error));
  }
}

function unauthorized(): Refusal {
  const headers = { 'www-authenticate': 'Basic realm="airferry", charset="UTF-8"' };
  return new Refusal('UNAUTHORIZED', 'authentication required', { headers });
}

/** Whether an error only says that the client has left. */
function isGone(error: unknown): boolean {
  const code = systemCode(error);
  return code === 'ECONNRESET' || code === 'EPIPE' || (code?.startsWith('ERR_STREAM_') ?? false);
}

/** Paths of the server are its operator's matter. */
function failed(error: unknown): Refusal {
  if (isAirferryError(error, 'DISK_FULL'))
    return new Refusal('UNKNOWN', 'no space left on the disk of the registry', { status: 507 });
  return new Refusal('UNKNOWN', 'the registry failed; its operator is told why');
}
