/**
 * A blob on its way through the cache. When it breaks off, what came of it stays in `downloads/ALGORITHM-HEX.part`, and the
 * next run asks for the rest alone; its digest tells whether the two belong together.
 */
import { join } from 'node:path';
import type { Descriptor } from '../../content/descriptor.ts';
import type { Digest } from '../../content/digest.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { tryFileLock } from '../../support/file-lock.ts';
import { PendingFile } from '../../support/write-file.ts';
import type { Cache } from './cache.ts';
import { downloadsFolder } from './keep-file.ts';

type Bytes = AsyncIterable<Uint8Array>;
type Named = Pick<Descriptor, 'digest' | 'size'>;

/** A blob that this process alone writes. */
interface Begun {
  file: PendingFile;
  /** Bytes that were there already. */
  there: number;
  release(): void;
}

/** Bytes that are read at once of what is there. */
const PIECE = 256 * 1024;
const PART = /^(sha256|sha512)-([0-9a-f]+)\.part$/;

/** The blob that a file among the downloads is the beginning of; undefined for a download by its address. */
export function blobOfPart(name: string): string | undefined {
  const [, algorithm, hex] = PART.exec(name) ?? [];
  return algorithm && `${algorithm}:${hex}`;
}

/**
 * The bytes of a blob, which come to lie in the cache as they pass. `fetch` gives all of them, verified; it is given the
 * first ones, where they are there. What cannot be kept is not, and what another process keeps is left to it: the bytes
 * pass all the same. Throws what `fetch` does; a beginning that did not belong to the blob is removed.
 */
export async function* keepBlob(
  cache: Cache,
  blob: Named,
  fetch: (begun?: Bytes) => Bytes,
): AsyncGenerator<Uint8Array> {
  const begun = await begin(cache, blob).catch(error => cache.excuse(error));
  if (!begun) return yield* fetch();
  const { file, there, release } = begun;
  let kept = true;
  const drop = async (): Promise<void> => {
    kept = false;
    await file.discard();
  };
  try {
    let passed = 0;
    for await (const chunk of fetch(there > 0 ? beginning(file, there) : undefined)) {
      yield chunk;
      if (kept && passed >= there)
        await file.append(chunk).catch(async error => {
          await drop();
          cache.excuse(error);
        });
      passed += chunk.length;
    }
    if (kept) await file.commit(0o600).catch(error => cache.excuse(error));
  } catch (error) {
    if (!isAirferryError(error, 'DIGEST_MISMATCH')) throw error;
    await drop();
    throw there > 0 ? wrongBeginning(cache, blob.digest, error) : error;
  } finally {
    if (kept) await (file.position > 0 ? file.leave() : file.discard());
    release();
  }
}

async function begin(cache: Cache, { digest, size }: Named): Promise<Begun | undefined> {
  const folder = downloadsFolder(cache);
  const target = await cache.placeFor(digest);
  await cache.makeFolder(folder);
  const name = join(folder, digest.replace(':', '-'));
  const release = tryFileLock(`${name}.lock`);
  if (!release) return undefined;
  try {
    const file = await PendingFile.resume(target, `${name}.part`);
    if (file.position > size) await file.rewind(0);
    return { file, there: file.position, release };
  } catch (error) {
    release();
    throw error;
  }
}

async function* beginning(file: PendingFile, there: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < there; ) {
    const piece = await file.readAt(at, Math.min(PIECE, there - at));
    if (piece.length === 0) return;
    at += piece.length;
    yield piece;
  }
}

function wrongBeginning(cache: Cache, digest: Digest, cause: unknown): AirferryError {
  return new AirferryError(
    'DIGEST_MISMATCH',
    `what an earlier run had fetched of ${digest} was damaged, or is of something else`,
    {
      where: { file: downloadsFolder(cache), blob: digest },
      cause,
      suggestions: ['It was removed: run the command again, and it is fetched anew.'],
    },
  );
}
