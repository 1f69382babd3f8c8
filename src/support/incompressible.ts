/**
 * Telling quickly that a block will not compress: it is compressed already, or encrypted. Deflate needs as long for such
 * bytes as for any, to no avail; stored as they are they cost next to nothing. Same input, same answer.
 */
import { deflateRawSync } from 'node:zlib';

/** Pieces of a block that are looked at, and bytes of each. */
const PIECES = 8;
const PIECE = 4096;
/** Bits of order-0 entropy of a byte, of which random bytes have 7.994 in so large a sample, and text 4 to 6. */
const RANDOM_BITS = 7.95;
/** Bytes of which deflate is asked for its own opinion, and the share that it has to leave. */
const TRIAL = 64 * 1024;
const WORTH_IT = 0.98;

/** Whether deflate would leave a block (64 KiB or more) nearly as long as it is. */
export function isIncompressible(block: Uint8Array): boolean {
  if (block.length < TRIAL || entropy(block) < RANDOM_BITS) return false;
  // What repeats has the entropy of random bytes, too, and yet shrinks.
  const start = Math.floor((block.length - TRIAL) / 2);
  return deflateRawSync(block.subarray(start, start + TRIAL), { level: 1 }).length > TRIAL * WORTH_IT;
}

/** Bits for each byte, out of a sample. */
function entropy(block: Uint8Array): number {
  const counts = new Uint32Array(256);
  const step = Math.floor((block.length - PIECE) / (PIECES - 1));
  for (let piece = 0; piece < PIECES; piece++) {
    const start = piece * step;
    for (let at = start; at < start + PIECE; at++) {
      const byte = block[at] as number;
      counts[byte] = (counts[byte] as number) + 1;
    }
  }
  const total = PIECES * PIECE;
  let bits = 0;
  for (const count of counts) if (count > 0) bits -= (count / total) * Math.log2(count / total);
  return bits;
}
