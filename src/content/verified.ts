/** Streams that check themselves: the bytes pass through, and the end is an error if they were not what they should be. */
import { AirferryError, type Where } from '../errors.ts';
import type { Descriptor } from './descriptor.ts';
import { Digester } from './digest.ts';

type Bytes = AsyncIterable<Uint8Array>;
type Promised = Pick<Descriptor, 'digest' | 'size'>;

/**
 * The bytes, followed by DIGEST_MISMATCH when their size or digest is not the descriptor's. No byte beyond the promised
 * size is passed on.
 */
export async function* verified(
  bytes: Bytes,
  expected: Promised,
  where: Where = {},
): AsyncGenerator<Uint8Array> {
  const digester = new Digester(expected.digest);
  for await (const chunk of bytes) {
    digester.update(chunk);
    if (digester.size > expected.size) break;
    yield chunk;
  }
  if (digester.size !== expected.size) {
    throw mismatch(
      expected,
      `has ${digester.size > expected.size ? 'more than' : `${digester.size} instead of`} ${expected.size} bytes`,
      where,
    );
  }
  const actual = digester.digest();
  if (actual !== expected.digest) throw mismatch(expected, `has the content of ${actual}`, where);
}

/** Read a stream of at most `limit` bytes into memory; undefined when it is longer. */
export async function readAll(bytes: Bytes, limit: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

function mismatch(expected: Promised, found: string, where: Where): AirferryError {
  return new AirferryError('DIGEST_MISMATCH', `blob ${expected.digest} ${found}; it is damaged`, {
    where: { ...where, blob: expected.digest },
    suggestions: [
      'Copy the file again from where it came; `sha256sum` on both sides tells which copy is bad.',
    ],
  });
}
