/** IPv4 networks: read, and asked whether they meet. */

export interface Network {
  /** The first address, as a number. */
  first: number;
  /** The last one. */
  last: number;
}

/** `10.0.0.1/8` (bits of the host do not matter) or a single address; undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [, a, b, c, d, mask = '32'] =
    /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  const bytes = [a, b, c, d].map(Number);
  const length = Number(mask);
  if (a === undefined || bytes.some(byte => byte > 255) || length > 32) return undefined;
  const size = 2 ** (32 - length);
  const address = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const first = Math.floor(address / size) * size;
  return { first, last: first + size - 1 };
}

export function overlaps(a: Network, b: Network): boolean {
  return a.first <= b.last && b.first <= a.last;
}
