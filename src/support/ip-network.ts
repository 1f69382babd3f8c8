/** Networks of IPv4 and IPv6: read, and asked whether they meet. */
import { isIP } from 'node:net';

export interface Network {
  version: 4 | 6;
  /** The first address, as a number. */
  first: bigint;
  /** The last one. */
  last: bigint;
}

/** `10.0.0.1/8` or `fd00:1::/64` (bits of the host do not matter), or a single address; undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [, address = '', mask] = /^([\da-f:.]{2,45})(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const version = isIP(address);
  if (version !== 4 && version !== 6) return undefined;
  const bits = version === 4 ? 32 : 128;
  const length = mask === undefined ? bits : Number(mask);
  if (length > bits) return undefined;
  const size = 1n << BigInt(bits - length);
  const value = version === 4 ? numberOf(address.split('.').map(Number), 8) : numberOf(groupsOf(address), 16);
  const first = (value / size) * size;
  return { version, first, last: first + size - 1n };
}

export function overlaps(a: Network, b: Network): boolean {
  return a.version === b.version && a.first <= b.last && b.first <= a.last;
}

/** The eight groups of an address that `isIP` took for one of IPv6. */
function groupsOf(address: string): number[] {
  const [left = '', right] = address.split('::');
  const [head, tail] = [left, right ?? ''].map(half =>
    half.split(':').flatMap(group => {
      if (group === '') return [];
      if (!group.includes('.')) return [Number.parseInt(group, 16)];
      const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
      return [a * 256 + b, c * 256 + d];
    }),
  ) as [number[], number[]];
  return [...head, ...Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function numberOf(parts: readonly number[], bits: number): bigint {
  return parts.reduce((sum, part) => (sum << BigInt(bits)) + BigInt(part), 0n);
}
