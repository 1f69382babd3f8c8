/** Lengths and distances as RFC 1951 section 3.2.5 writes them: a symbol, then so many extra bits. */
import { DISTANCE_BASES, DISTANCE_SYMBOLS, LENGTH_BASES, LENGTH_SYMBOLS } from './layout';

export const END_OF_BLOCK: u32 = 256;
export const FIRST_LENGTH: u32 = 257;
export const LITERALS: u32 = 286;
/** The fixed codes have two more, which never occur. */
export const ALL_LITERALS: u32 = 288;
export const DISTANCES: u32 = 30;
export const SHORTEST: u32 = 3;
export const LONGEST: u32 = 258;
export const WINDOW: u32 = 32768;

/** Extra bits of a length symbol (0 to 28). */
@inline
export function lengthExtra(symbol: u32): u32 {
  return symbol < 8 || symbol == 28 ? 0 : (symbol >> 2) - 1;
}

/** Extra bits of a distance symbol (0 to 29). */
@inline
export function distanceExtra(symbol: u32): u32 {
  return symbol < 4 ? 0 : (symbol >> 1) - 1;
}

@inline
function distanceIndex(less: u32): u32 {
  if (less < 256) return less;
  return 256 + (less >> 7);
}

/** The symbol of a distance. */
@inline
export function distanceSymbol(distance: u32): u32 {
  return load<u8>(DISTANCE_SYMBOLS + distanceIndex(distance - 1));
}

/** Fill the tables that never change. */
export function fillSymbols(): void {
  let length = SHORTEST;
  for (let symbol: u32 = 0; symbol < 28; symbol++) {
    store<u16>(LENGTH_BASES + (symbol << 1), length);
    for (let i: u32 = 0; i < 1 << lengthExtra(symbol); i++) store<u8>(LENGTH_SYMBOLS + length++, symbol);
  }
  store<u16>(LENGTH_BASES + (28 << 1), LONGEST);
  store<u8>(LENGTH_SYMBOLS + LONGEST, 28);
  let less: u32 = 0;
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++) {
    store<u16>(DISTANCE_BASES + (symbol << 1), less + 1);
    for (let i: u32 = 0; i < 1 << distanceExtra(symbol); i++, less++)
      store<u8>(DISTANCE_SYMBOLS + distanceIndex(less), symbol);
  }
}
