/** What the tests of the registry client share: a fake registry with a client in front of it, and blobs to move. */
import { randomBytes } from 'node:crypto';
import * as assert from 'uvu/assert';
import type { Descriptor } from '../../src/content/descriptor.ts';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { AirferryError, type ErrorCode } from '../../src/errors.ts';
import { RegistryClient, type RegistryClientOptions } from '../../src/registry/client.ts';
import type { FakeRegistry } from '../support/fake-registry.ts';
import { type Quirks, startFakeRegistry } from '../support/fake-registry.ts';

export interface Rig {
  registry: FakeRegistry;
  client: RegistryClient;
}

export const NOWHERE = '/nonexistent/airferry';

/** A client that reads no file of this machine and makes short pauses. */
export function clientFor(
  registry: FakeRegistry,
  options: Partial<RegistryClientOptions> = {},
): RegistryClient {
  return new RegistryClient({
    registry: registry.address,
    plainHttp: registry.origin.startsWith('http:'),
    configFile: `${NOWHERE}/config.json`,
    certsDir: NOWHERE,
    uploadsDir: false,
    access: 'push',
    retry: { attempts: 4, baseMs: 1, maxMs: 5 },
    ...options,
  });
}

/** Run a test body with a fake registry and a client, and close both. */
export function withRegistry(
  quirks: Quirks,
  body: (rig: Rig) => Promise<void>,
  options: Partial<RegistryClientOptions> = {},
): () => Promise<void> {
  return async () => {
    const registry = await startFakeRegistry({ ...quirks });
    const client = clientFor(registry, options);
    try {
      await body({ registry, client });
    } finally {
      await client.close();
      await registry.close();
    }
  };
}

export interface Sample {
  descriptor: Descriptor;
  bytes: Buffer;
  /** How often it was opened. */
  opened: number;
  open(): AsyncGenerator<Uint8Array>;
}

/** A blob of random bytes that comes in chunks. */
export function sample(size: number, chunk = 64 * 1024): Sample {
  const bytes = randomBytes(size);
  const blob: Sample = {
    bytes,
    descriptor: { mediaType: 'application/octet-stream', digest: digestOf(bytes), size },
    opened: 0,
    async *open() {
      blob.opened++;
      for (let at = 0; at < size; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
  return blob;
}

/** A manifest over blobs, the first of which stands for the config. */
export function manifestOver(
  [config, ...layers]: Sample[],
  note = '',
): { descriptor: Descriptor; bytes: Buffer } {
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: config?.descriptor,
      layers: layers.map(({ descriptor }) => descriptor),
      annotations: { note },
    }),
  );
  return { bytes, descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length } };
}

/** Await the error of that code. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<AirferryError> {
  try {
    await promise;
  } catch (error) {
    if (!(error instanceof AirferryError)) throw error;
    assert.is(error.code, code, `${error.code}: ${error.message}`);
    assert.ok(error.message.length > 10 && !/undefined|\[object/.test(error.message), error.message);
    return error;
  }
  throw new Error(`nothing was thrown, ${code} was expected`);
}

export async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(bytes));
}

/** Wait until something holds, for a second at most. */
export async function eventually(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !holds(); i++) await new Promise(resolve => setTimeout(resolve, 10));
  assert.ok(holds(), 'it did not come to hold within a second');
}
