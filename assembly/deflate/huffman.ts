/** Huffman codes: from how often symbols occur to code lengths within a limit, and from these to canonical codes. */
import { DIGITS, KEYS, NODES, SPARE_KEYS } from './layout';

/** Bits of a key in which the symbol stands, below its count. */
const SYMBOL_BITS: u32 = 9;
const SYMBOL_MASK: u32 = (1 << SYMBOL_BITS) - 1;

/**
 * Code lengths (u8 each) for `symbols` counts (u32 each), none longer than `limit` bits. At least two symbols get a
 * code, whether they occur or not: not every decoder takes a tree of one leaf.
 */
export function codeLengths(counts: usize, symbols: u32, limit: u32, lengths: usize): void {
  memory.fill(lengths, 0, symbols);
  let used: u32 = 0;
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = load<u32>(counts + (symbol << 2));
    if (count > 0) store<u32>(KEYS + (used++ << 2), (count << SYMBOL_BITS) | symbol);
  }
  if (used < 2) {
    const only = used == 0 ? 0 : load<u32>(KEYS) & SYMBOL_MASK;
    store<u8>(lengths + only, 1);
    store<u8>(lengths + (only == 0 ? 1 : 0), 1);
    return;
  }
  sortKeys(used);
  depths(used);
  countDepths(used, limit);
  // The rarest symbols, which stand first, get the longest codes.
  let at: u32 = 0;
  for (let bits = limit; bits > 0; bits--)
    for (let left = load<u32>(DIGITS + (bits << 2)); left > 0; left--)
      store<u8>(lengths + (load<u32>(KEYS + (at++ << 2)) & SYMBOL_MASK), bits);
}

/** Sort KEYS by count, rarest first, a byte of it at a time; symbols of one count stay in their order. */
function sortKeys(used: u32): void {
  let from = KEYS;
  let to = SPARE_KEYS;
  let most: u32 = 0;
  for (let i: u32 = 0; i < used; i++) most |= load<u32>(from + (i << 2));
  for (let shift = SYMBOL_BITS; most >> shift > 0; shift += 8) {
    memory.fill(DIGITS, 0, 4 * 256);
    for (let i: u32 = 0; i < used; i++) {
      const digit = DIGITS + (((load<u32>(from + (i << 2)) >> shift) & 255) << 2);
      store<u32>(digit, load<u32>(digit) + 1);
    }
    let place: u32 = 0;
    for (let i: u32 = 0; i < 256; i++) {
      const count = load<u32>(DIGITS + (i << 2));
      store<u32>(DIGITS + (i << 2), place);
      place += count;
    }
    for (let i: u32 = 0; i < used; i++) {
      const key = load<u32>(from + (i << 2));
      const digit = DIGITS + (((key >> shift) & 255) << 2);
      const slot = load<u32>(digit);
      store<u32>(digit, slot + 1);
      store<u32>(to + (slot << 2), key);
    }
    const other = from;
    from = to;
    to = other;
    if (shift + 8 >= 32) break;
  }
  if (from != KEYS) memory.copy(KEYS, from, used << 2);
}

/** Depth of each leaf of the Huffman tree over the sorted KEYS, into NODES: Moffat and Katajainen, in place. */
function depths(used: u32): void {
  for (let i: u32 = 0; i < used; i++) store<u32>(NODES + (i << 2), load<u32>(KEYS + (i << 2)) >> SYMBOL_BITS);
  // Join the two rarest trees again and again; a joined node's place then has its parent's.
  let leaf: u32 = 0;
  let root: u32 = 0;
  for (let next: u32 = 0; next < used - 1; next++) {
    let weight: u32 = 0;
    for (let two = 0; two < 2; two++) {
      if (leaf >= used || (root < next && load<u32>(NODES + (root << 2)) < load<u32>(NODES + (leaf << 2)))) {
        weight += load<u32>(NODES + (root << 2));
        store<u32>(NODES + (root++ << 2), next);
      } else weight += load<u32>(NODES + (leaf++ << 2));
    }
    store<u32>(NODES + (next << 2), weight);
  }
  // From the root down: parents become depths.
  store<u32>(NODES + ((used - 2) << 2), 0);
  for (let i: i32 = i32(used) - 3; i >= 0; i--)
    store<u32>(NODES + (i << 2), load<u32>(NODES + (load<u32>(NODES + (i << 2)) << 2)) + 1);
  // Depths of inner nodes become depths of leaves.
  let free: i32 = 1;
  let inner: i32 = 0;
  let depth: u32 = 0;
  let node: i32 = i32(used) - 2;
  let place: i32 = i32(used) - 1;
  while (free > 0) {
    while (node >= 0 && load<u32>(NODES + (node << 2)) == depth) {
      inner++;
      node--;
    }
    while (free > inner) {
      store<u32>(NODES + (place-- << 2), depth);
      free--;
    }
    free = inner << 1;
    inner = 0;
    depth++;
  }
}

/** Leaves of each depth, into DIGITS; those deeper than `limit` are taken up to it, and others down to make room. */
function countDepths(used: u32, limit: u32): void {
  memory.fill(DIGITS, 0, 4 * 256);
  let room: u32 = 1 << limit;
  let taken: u32 = 0;
  for (let i: u32 = 0; i < used; i++) {
    const depth = min(load<u32>(NODES + (i << 2)), limit);
    const count = DIGITS + (depth << 2);
    store<u32>(count, load<u32>(count) + 1);
    taken += room >> depth;
  }
  while (taken > room) {
    // One leaf of the limit joins another one that stands higher, both a step below where that was.
    let depth = limit - 1;
    while (load<u32>(DIGITS + (depth << 2)) == 0) depth--;
    store<u32>(DIGITS + (depth << 2), load<u32>(DIGITS + (depth << 2)) - 1);
    store<u32>(DIGITS + ((depth + 1) << 2), load<u32>(DIGITS + ((depth + 1) << 2)) + 2);
    store<u32>(DIGITS + (limit << 2), load<u32>(DIGITS + (limit << 2)) - 1);
    taken--;
  }
}

/** Canonical codes (RFC 1951 section 3.2.2) of code lengths, their bits turned round as deflate sends them. */
export function canonicalCodes(lengths: usize, symbols: u32, codes: usize): void {
  memory.fill(DIGITS, 0, 4 * 17);
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const count = DIGITS + (u32(load<u8>(lengths + symbol)) << 2);
    store<u32>(count, load<u32>(count) + 1);
  }
  store<u32>(DIGITS, 0);
  let code: u32 = 0;
  for (let bits: u32 = 1; bits < 16; bits++) {
    const count = load<u32>(DIGITS + (bits << 2));
    store<u32>(DIGITS + (bits << 2), code);
    code = (code + count) << 1;
  }
  for (let symbol: u32 = 0; symbol < symbols; symbol++) {
    const bits: u32 = load<u8>(lengths + symbol);
    const next = DIGITS + (bits << 2);
    const value = load<u32>(next);
    store<u32>(next, value + 1);
    store<u32>(codes + (symbol << 2), bits == 0 ? 0 : (reverse(value) >> (16 - bits)) | (bits << 24));
  }
}

/** The lowest 16 bits the other way round. */
@inline
function reverse(value: u32): u32 {
  value = ((value & 0x5555) << 1) | ((value >> 1) & 0x5555);
  value = ((value & 0x3333) << 2) | ((value >> 2) & 0x3333);
  value = ((value & 0x0f0f) << 4) | ((value >> 4) & 0x0f0f);
  return ((value & 0x00ff) << 8) | (value >> 8);
}
