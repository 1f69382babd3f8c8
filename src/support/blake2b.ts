/**
 * BLAKE2b with a digest of any length up to 64 bytes, for short inputs (RFC 7693, without a key). OpenSSL has it with 64
 * alone, and shorter digests are not the beginnings of longer ones.
 */

const BLOCK = 128;
const MASK = (1n << 64n) - 1n;

const IV: readonly bigint[] = [
  0x6a09e667f3bcc908n,
  0xbb67ae8584caa73bn,
  0x3c6ef372fe94f82bn,
  0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n,
  0x9b05688c2b3e6c1fn,
  0x1f83d9abfb41bd6bn,
  0x5be0cd19137e2179n,
];

/** The order in which each round takes the words of a block; rounds 11 and 12 are as 1 and 2. */
const ORDER: readonly (readonly number[])[] = [
  '0123456789abcdef',
  'ea489fd61c02b753',
  'b8c052fdae367194',
  '7931dcbe265a40f8',
  '905724afe1bc683d',
  '2c6a0b834d75fe19',
  'c51fed4a0763928b',
  'db7ec13950f4862a',
  '6fe9b308c2d714a5',
  'a2847615fb9e3cd0',
  '0123456789abcdef',
  'ea489fd61c02b753',
].map(row => [...row].map(digit => Number.parseInt(digit, 16)));

/** Which four words of the state each of the eight steps of a round mixes: columns, then diagonals. */
const QUARTERS: readonly (readonly [number, number, number, number])[] = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
];

/** The digest of `input`, `length` bytes long. */
export function blake2b(input: Uint8Array, length: number): Uint8Array {
  const state = [...IV];
  state[0] = (state[0] ?? 0n) ^ 0x01010000n ^ BigInt(length);
  const blocks = Math.max(1, Math.ceil(input.length / BLOCK));
  for (let index = 0; index < blocks; index++) {
    const last = index === blocks - 1;
    const block = Buffer.alloc(BLOCK);
    block.set(input.subarray(index * BLOCK, (index + 1) * BLOCK));
    compress(state, block, last ? input.length : (index + 1) * BLOCK, last);
  }
  const digest = Buffer.alloc(64);
  for (const [index, word] of state.entries()) digest.writeBigUInt64LE(word, index * 8);
  return digest.subarray(0, length);
}

/** Take one block into the state; `count` is the bytes of the input up to its end. */
function compress(state: bigint[], block: Buffer, count: number, last: boolean): void {
  const words = Array.from({ length: 16 }, (_, index) => block.readBigUInt64LE(index * 8));
  const v = [...state, ...IV];
  const at = (index: number): bigint => v[index] ?? 0n;
  v[12] = at(12) ^ BigInt(count);
  if (last) v[14] = at(14) ^ MASK;
  for (const order of ORDER) {
    for (const [step, [a, b, c, d]] of QUARTERS.entries()) {
      const word = (which: number): bigint => words[order[2 * step + which] ?? 0] ?? 0n;
      v[a] = (at(a) + at(b) + word(0)) & MASK;
      v[d] = rotated(at(d) ^ at(a), 32n);
      v[c] = (at(c) + at(d)) & MASK;
      v[b] = rotated(at(b) ^ at(c), 24n);
      v[a] = (at(a) + at(b) + word(1)) & MASK;
      v[d] = rotated(at(d) ^ at(a), 16n);
      v[c] = (at(c) + at(d)) & MASK;
      v[b] = rotated(at(b) ^ at(c), 63n);
    }
  }
  for (const [index, word] of state.entries()) state[index] = word ^ at(index) ^ at(index + 8);
}

function rotated(word: bigint, by: bigint): bigint {
  return (word >> by) | ((word << (64n - by)) & MASK);
}
