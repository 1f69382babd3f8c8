/** What the tests of the embedded registry share: a server over a folder of its own, and requests to it. */
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import * as assert from 'uvu/assert';
import type { Descriptor } from '../../../src/content/descriptor.ts';
import { type Digest, digestOf } from '../../../src/content/digest.ts';
import { OCI_CONFIG, OCI_LAYER, OCI_MANIFEST } from '../../../src/content/media-types.ts';
import type { RegistryContent } from '../../../src/registry/server/content.ts';
import {
  type RegistryServer,
  type ServedRequest,
  type ServeOptions,
  serveRegistry,
} from '../../../src/registry/server/server.ts';
import { openStorage, type Storage } from '../../../src/registry/server/storage/storage.ts';
import { scratch } from '../../support/scratch.ts';

export interface Served {
  server: RegistryServer;
  origin: string;
  requests: ServedRequest[];
  problems: unknown[];
  /** A request to a path below /v2/, or to an absolute one. */
  ask(method: string, path: string, options?: Asked): Promise<Told>;
}

export interface Asked {
  headers?: Record<string, string>;
  body?: Uint8Array | string;
}

export interface Told {
  status: number;
  headers: Headers;
  bytes: Buffer;
  /** The code of the first error. */
  code: string | undefined;
}

export interface Stored extends Served {
  root: string;
  storage: Storage;
}

const LOOPBACK = { host: '127.0.0.1', port: 0 };

/** Serve content for the time of a test. */
export async function serving<T>(
  content: RegistryContent,
  options: ServeOptions,
  body: (served: Served) => Promise<T>,
): Promise<T> {
  const requests: ServedRequest[] = [];
  const problems: unknown[] = [];
  const server = await serveRegistry(content, {
    listen: LOOPBACK,
    onRequest: request => requests.push(request),
    onProblem: problem => problems.push(problem),
    ...options,
  });
  const origin = `http://${server.address}`;
  try {
    return await body({ server, origin, requests, problems, ask: (...asked) => ask(origin, ...asked) });
  } finally {
    await server.close(100);
  }
}

/** Serve a storage, new unless `root` is given, for the time of a test. */
export function storing<T>(body: (stored: Stored) => Promise<T>, root = scratch()): Promise<T> {
  return storingWith({}, body, root);
}

export async function storingWith<T>(
  options: ServeOptions,
  body: (stored: Stored) => Promise<T>,
  root = scratch(),
): Promise<T> {
  const storage = await openStorage(root);
  try {
    return await serving(storage, options, served => body({ ...served, root, storage }));
  } finally {
    await storage.close();
  }
}

async function ask(
  origin: string,
  method: string,
  path: string,
  { headers = {}, body }: Asked = {},
): Promise<Told> {
  const url = path.startsWith('/') ? `${origin}${path}` : `${origin}/v2/${path}`;
  const answer = await fetch(url, {
    method,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : new Uint8Array(body) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  let code: string | undefined;
  if (answer.status >= 400 && bytes.length > 0) code = JSON.parse(bytes.toString()).errors[0].code;
  return { status: answer.status, headers: answer.headers, bytes, code };
}

/** Put a blob into a repository in one go. */
export async function pushBlob({ ask }: Served, repository: string, bytes: Uint8Array): Promise<Digest> {
  const digest = digestOf(bytes);
  const { status } = await ask('POST', `${repository}/blobs/uploads/?digest=${digest}`, { body: bytes });
  assert.is(status === 202 && bytes.length === 0 ? 201 : status, 201);
  return digest;
}

export interface TestManifest {
  bytes: Buffer;
  digest: Digest;
  config: Buffer;
  layer: Buffer;
}

/** A manifest over a config and a layer of random bytes, with more fields if wanted. */
export function manifestOf(fields: Record<string, unknown> = {}): TestManifest {
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', mark: random() }));
  const layer = randomBytes(1000);
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(OCI_CONFIG, config),
      layers: [describe(`${OCI_LAYER}+gzip`, layer)],
      ...fields,
    }),
  );
  return { bytes, digest: digestOf(bytes), config, layer };
}

export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(bytes), size: bytes.length };
}

function random(): string {
  return randomBytes(8).toString('hex');
}

/** Push a manifest with its blobs. */
export async function pushImage(
  served: Served,
  repository: string,
  reference: string,
  manifest: TestManifest = manifestOf(),
): Promise<TestManifest> {
  await pushBlob(served, repository, manifest.config);
  await pushBlob(served, repository, manifest.layer);
  const answer = await putManifest(served, repository, reference, manifest.bytes);
  assert.is(answer.status, 201, answer.bytes.toString());
  return manifest;
}

export function putManifest(
  { ask }: Served,
  repository: string,
  reference: string,
  body: Uint8Array,
  type = OCI_MANIFEST,
): Promise<Told> {
  return ask('PUT', `${repository}/manifests/${reference}`, { headers: { 'content-type': type }, body });
}

/** Send bytes as they are, and get all that comes back until the server ends it or `ms` have passed. */
export async function raw(
  { server }: Served,
  text: string,
  { end = false, ms = 1500 } = {},
): Promise<string> {
  const [host, port] = (server.address ?? '').split(':');
  const socket = connect(Number(port), host);
  let got = '';
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.setTimeout(ms, resolve);
  socket.on('data', chunk => {
    got += chunk.toString('latin1');
  });
  socket.on('close', () => resolve());
  socket.on('error', () => resolve());
  if (end) socket.end(text);
  else socket.write(text);
  await promise;
  socket.destroy();
  return got;
}
