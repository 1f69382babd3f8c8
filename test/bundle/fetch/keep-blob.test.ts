/** Blobs on their way through the cache: broken off, gone on with, damaged in between, fetched by two at once. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Cache } from '../../../src/bundle/fetch/cache.ts';
import { cacheEntries, pruneCache } from '../../../src/bundle/fetch/cache-entries.ts';
import { keepBlob } from '../../../src/bundle/fetch/keep-blob.ts';
import { digestOf } from '../../../src/content/digest.ts';
import { verified } from '../../../src/content/verified.ts';
import { AirferryError } from '../../../src/errors.ts';
import { noise } from '../../support/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/fetch/keep-blob');
const content = noise(1_000_000);
const blob = { digest: digestOf(content), size: content.length };
const CHUNK = 100_000;

/** A cache, and a server that gives the blob, which may break off, and tells where it was asked to begin. */
function rig() {
  const cache = new Cache(join(scratch(), 'cache'));
  const begins: number[] = [];
  const server = (breaksAfter = Infinity) =>
    async function* (begun: AsyncIterable<Uint8Array> = none()): AsyncGenerator<Uint8Array> {
      const bytes = async function* (): AsyncGenerator<Uint8Array> {
        let at = 0;
        for await (const chunk of begun) {
          at += chunk.length;
          yield chunk;
        }
        begins.push(at);
        for (; at < content.length; at += CHUNK) {
          if (at >= breaksAfter) throw new AirferryError('REGISTRY_UNREACHABLE', 'the connection broke');
          yield content.subarray(at, at + CHUNK);
        }
      };
      yield* verified(bytes(), blob);
    };
  const fetched = async (breaksAfter?: number): Promise<Buffer> =>
    Buffer.concat(await Array.fromAsync(keepBlob(cache, blob, server(breaksAfter))));
  const part = join(cache.folder, 'downloads', `${blob.digest.replace(':', '-')}.part`);
  return { cache, begins, fetched, part };
}

async function* none(): AsyncGenerator<Uint8Array> {}

async function failure(work: Promise<unknown>): Promise<AirferryError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, AirferryError);
  return error as AirferryError;
}

test('what breaks off stays, and the rest alone is asked for', async () => {
  const { cache, begins, fetched, part } = rig();
  await failure(fetched(300_000));
  assert.is(readFileSync(part).length, 300_000);
  await failure(fetched(700_000));
  assert.ok((await fetched()).equals(content));
  assert.equal(begins, [0, 300_000, 700_000]);
  assert.ok(readFileSync(cache.blobPath(blob.digest)).equals(content));
  assert.equal(readdirSync(join(cache.folder, 'downloads')), []);
});

test('what was taken of a stream that the taker ended stays, too', async () => {
  const { cache, begins, fetched, part } = rig();
  const taken: Uint8Array[] = [];
  for await (const chunk of keepBlob(cache, blob, () => verified(chunks(), blob))) {
    taken.push(chunk);
    if (taken.length === 4) break;
  }
  // The chunk with which it ended was still on its way.
  assert.is(readFileSync(part).length, 3 * CHUNK);
  assert.ok((await fetched()).equals(content));
  assert.equal(begins, [3 * CHUNK]);
});

test('a beginning that was damaged is found at the end, removed, and fetched anew by the next run', async () => {
  const { begins, fetched, part } = rig();
  await failure(fetched(300_000));
  const there = readFileSync(part);
  there.writeUInt8((there[5] ?? 0) ^ 1, 5);
  writeFileSync(part, there);
  const { code, message, suggestions } = await failure(fetched());
  assert.is(code, 'DIGEST_MISMATCH');
  assert.match(message, /an earlier run had fetched/);
  assert.match(suggestions.join(), /run the command again/);
  assert.not(existsSync(part));
  assert.ok((await fetched()).equals(content));
  assert.equal(begins, [0, 300_000, 0]);
});

test('more than the blob has is no beginning of it; all of it is one', async () => {
  const { cache, begins, fetched, part } = rig();
  mkdirSync(join(cache.folder, 'downloads'), { recursive: true });
  writeFileSync(part, Buffer.concat([content, content]));
  assert.ok((await fetched()).equals(content));
  await cache.remove(blob.digest);
  writeFileSync(part, content);
  assert.ok((await fetched()).equals(content));
  assert.equal(begins, [0, content.length]);
  assert.ok(readFileSync(cache.blobPath(blob.digest)).equals(content));
});

test('of two that fetch a blob at once, one keeps it, and the other takes it past the cache', async () => {
  const { cache, begins, fetched } = rig();
  const both = await Promise.all([fetched(), fetched()]);
  for (const bytes of both) assert.ok(bytes.equals(content));
  assert.equal(begins, [0, 0]);
  assert.ok(readFileSync(cache.blobPath(blob.digest)).equals(content));
  assert.equal(cache.warnings, []);
});

test('a lock that a killed run left is void; one of another machine is respected', async () => {
  const { cache, fetched, part } = rig();
  mkdirSync(join(cache.folder, 'downloads'), { recursive: true });
  const lock = part.replace(/part$/, 'lock');
  writeFileSync(lock, JSON.stringify({ machine: `${hostname()}-elsewhere`, pid: 1, token: 'x' }));
  assert.ok((await fetched()).equals(content));
  assert.not(existsSync(cache.blobPath(blob.digest)));
  assert.ok(existsSync(lock));
});

test('a cache that cannot be written to is no hindrance, and is told', async () => {
  const { cache, fetched } = rig();
  writeFileSync(cache.folder, 'no folder');
  assert.ok((await fetched()).equals(content));
  assert.match(cache.warnings.join(), /could be kept for the next run/);
});

test('a beginning is told of by its digest, and pruned', async () => {
  const { cache, fetched, part } = rig();
  await failure(fetched(300_000));
  const [entry] = await cacheEntries(cache);
  assert.equal(
    { kind: entry?.kind, digest: entry?.digest, size: entry?.size },
    { kind: 'part', digest: blob.digest, size: 300_000 },
  );
  await pruneCache(cache, {});
  assert.not(existsSync(part));
});

async function* chunks(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < content.length; at += CHUNK) yield content.subarray(at, at + CHUNK);
}

test.run();
