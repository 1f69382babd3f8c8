/** The exclusive or of parts: with it, any one of them is made anew from the others. */
import { LEAF } from './leaves.ts';

/** Bytes at an offset; fewer, or none, behind the end. */
export type ReadAt = (at: number, length: number) => Promise<Uint8Array>;

/** The exclusive or of `sources`, each filled up with zeros to `size` bytes, in chunks of a MiB. */
export async function* exclusiveOr(sources: readonly ReadAt[], size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < size; at += LEAF) {
    const sum = new Uint8Array(Math.min(LEAF, size - at));
    // While one is added the next is read.
    let ahead = sources[0]?.(at, sum.length);
    for (let i = 0; i < sources.length; i++) {
      const bytes = await ahead;
      ahead = sources[i + 1]?.(at, sum.length);
      ahead?.catch(() => undefined);
      if (bytes) add(sum, bytes);
    }
    yield sum;
  }
}

function add(sum: Uint8Array, bytes: Uint8Array): void {
  const whole = bytes.length >> 2;
  if (bytes.byteOffset % 4 === 0) {
    const to = new Uint32Array(sum.buffer, 0, whole);
    const from = new Uint32Array(bytes.buffer, bytes.byteOffset, whole);
    for (let i = 0; i < whole; i++) to[i] = (to[i] as number) ^ (from[i] as number);
  }
  for (let i = bytes.byteOffset % 4 === 0 ? whole * 4 : 0; i < bytes.length; i++)
    sum[i] = (sum[i] as number) ^ (bytes[i] as number);
}
