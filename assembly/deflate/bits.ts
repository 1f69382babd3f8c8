/** The end of the output, to the bit: bits fill bytes from the lowest up (RFC 1951 section 3.1.1). */

/** Where the next whole byte goes. */
export let place: usize = 0;
/** Bits that do not fill a byte yet, and how many these are: less than 8 between calls. */
export let held: u64 = 0;
export let heldBits: u32 = 0;

export function startBits(at: usize): void {
  setBits(at, 0, 0);
}

/** For loops that keep the end in variables of their own. */
export function setBits(at: usize, bits: u64, count: u32): void {
  place = at;
  held = bits;
  heldBits = count;
}

/** Append up to 32 bits. */
export function putBits(bits: u32, count: u32): void {
  held |= u64(bits) << heldBits;
  heldBits += count;
  store<u64>(place, held);
  place += heldBits >> 3;
  held >>= u64(heldBits & ~7);
  heldBits &= 7;
}

/** Fill the last byte with zeros; where the output ends. */
export function alignBits(): usize {
  if (heldBits > 0) putBits(0, 8 - heldBits);
  return place;
}
