/** Bytes of many shapes, the same ones at every run: what a deflate encoder may stumble over. */

/** Numbers that look random and follow from a seed alone (mulberry32). */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** A whole number from 0 up to, and without, `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * end);
  }
}

export const SHAPES = ['noise', 'zeros', 'text', 'words', 'period', 'skewed', 'two', 'copies'] as const;
export type Shape = (typeof SHAPES)[number];

const TEXT =
  'Every byte is hashed as it passes, against the digest that names it; nothing is taken on trust. ';

/** So many bytes of a shape. */
export function shaped(shape: Shape, length: number, numbers: Numbers): Uint8Array {
  const bytes = new Uint8Array(length);
  const fill = (next: (at: number) => number): Uint8Array => {
    for (let at = 0; at < length; at++) bytes[at] = next(at);
    return bytes;
  };
  const period = 1 + numbers.below(40_000);
  switch (shape) {
    case 'noise':
      return fill(() => numbers.below(256));
    case 'zeros':
      return bytes;
    case 'text':
      return fill(at => TEXT.charCodeAt(at % TEXT.length));
    case 'words':
      return fill(at => (at % 6 === 0 ? 32 : 97 + numbers.below(2 + (at % 6))));
    case 'period':
      return fill(at => (at < period ? numbers.below(256) : (bytes[at - period] as number)));
    case 'skewed':
      return fill(() => 31 - Math.clz32(1 + numbers.below(2 ** 31)));
    case 'two':
      return fill(() => numbers.below(2) * 255);
    case 'copies':
      return copies(bytes, numbers);
  }
}

/** Pieces of what is there already, from near and far, with fresh bytes in between. */
function copies(bytes: Uint8Array, numbers: Numbers): Uint8Array {
  for (let at = 0; at < bytes.length; ) {
    for (let fresh = numbers.below(12); fresh >= 0; fresh--) bytes[at++] = numbers.below(256);
    const distance = 1 + numbers.below(Math.min(at, 1 << (1 + numbers.below(17))));
    for (let left = 3 + numbers.below(400); left > 0 && at < bytes.length; left--, at++)
      bytes[at] = bytes[at - distance] as number;
  }
  return bytes;
}

/** Some shapes one behind the other, at most so many bytes. */
export function mixture(numbers: Numbers, most: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let left = most; left > 0; ) {
    const length = 1 + numbers.below(left);
    parts.push(shaped(SHAPES[numbers.below(SHAPES.length)] as Shape, length, numbers));
    left -= length;
  }
  return Buffer.concat(parts);
}
