/**
 * Finding what repeats: two hash tables, of 8 bytes and of 4, each with the last place only. Tables hold the low 16 bits
 * of a place: twice the window is told apart, and what is older is found out when the bytes are compared.
 */
import {
  DISTANCE_BASES,
  DISTANCE_COUNTS,
  INPUT,
  LENGTH_SYMBOLS,
  LITERAL_COUNTS,
  LONG_BITS,
  LONG_TABLE,
  SHORT_BITS,
  SHORT_TABLE,
  STRETCH,
  TOKENS,
} from './layout';
import { distanceSymbol, FIRST_LENGTH, LONGEST, WINDOW } from './symbols';

/** Bytes at the end that are literals in any case: whole words are read. */
const TAIL: usize = 16;
/** Literals in a row after which every second byte only is looked up, then every third, and so on: 2 to this. */
const PATIENCE: u32 = 6;

/** Tokens of the stretch that `findMatches` went through last. */
export let tokens: u32 = 0;

@inline
function longSlot(word: u64): usize {
  return LONG_TABLE + (usize((word * 0xcf1bbcdcb7a56463) >> (64 - LONG_BITS)) << 1);
}

@inline
function shortSlot(word: u64): usize {
  return SHORT_TABLE + (usize(((word << 32) * 0x9e3779b185ebca87) >> (64 - SHORT_BITS)) << 1);
}

/** The place an entry stands for, as seen from `at`; 0 (an address that is no input) when there is none. */
@inline
function place(at: usize, entry: u32): usize {
  const distance = (u32(at - INPUT) - entry) & 0xffff;
  const found = at - distance;
  return distance - 1 < WINDOW && found >= INPUT ? found : 0;
}

/** Bytes that are the same from `a` and from `b` on, up to `end`; `known` of them are known to be. */
@inline
function alike(a: usize, b: usize, known: usize, end: usize): usize {
  let at = b + known;
  a += known;
  while (at < end) {
    const differ = load<u64>(a) ^ load<u64>(at);
    if (differ != 0) {
      at += usize(ctz(differ) >> 3);
      break;
    }
    a += 8;
    at += 8;
  }
  return min(at, end) - b;
}

@inline
function count(counts: usize, symbol: u32): void {
  store<u32>(counts + (symbol << 2), load<u32>(counts + (symbol << 2)) + 1);
}

@inline
function countLiterals(from: usize, to: usize): void {
  for (; from < to; from++) count(LITERAL_COUNTS, load<u8>(from));
}

/** Forget what was seen: nothing of an earlier block may leave a trace in the next one. */
export function clearTables(): void {
  memory.fill(LONG_TABLE, 0, 2 << LONG_BITS);
  memory.fill(SHORT_TABLE, 0, 2 << SHORT_BITS);
}

/** Cut a stretch of the input from `from` on into tokens and count their symbols; where the stretch ends. */
export function findMatches(from: usize, end: usize): usize {
  memory.fill(LITERAL_COUNTS, 0, 4 * 288);
  memory.fill(DISTANCE_COUNTS, 0, 4 * 32);
  const last = end - from > TAIL ? end - TAIL : from;
  const stop = min(last, from + STRETCH);
  let token: usize = TOKENS;
  let anchor = from;
  let at = from;
  while (at < stop) {
    let word = load<u64>(at);
    let slot = longSlot(word);
    const brief = shortSlot(word);
    let found = place(at, load<u16>(slot));
    const near = place(at, load<u16>(brief));
    store<u16>(slot, u16(at - INPUT));
    store<u16>(brief, u16(at - INPUT));
    let length: usize;
    if (load<u64>(found) == word && found != 0) length = alike(found, at, 8, end);
    else if (load<u32>(near) == u32(word) && near != 0) {
      found = near;
      length = alike(near, at, 4, end);
      // A longer one a byte further on is worth a literal.
      word = load<u64>(at + 1);
      slot = longSlot(word);
      const later = place(at + 1, load<u16>(slot));
      store<u16>(slot, u16(at + 1 - INPUT));
      if (load<u64>(later) == word && later != 0) {
        const longer = alike(later, at + 1, 8, end);
        if (longer > length) {
          found = later;
          length = longer;
          at++;
        }
      }
    } else {
      at += 1 + ((at - anchor) >> PATIENCE);
      continue;
    }
    while (at > anchor && found > INPUT && load<u8>(at - 1) == load<u8>(found - 1)) {
      at--;
      found--;
      length++;
    }
    const distance = u32(at - found);
    const symbol = distanceSymbol(distance);
    const where =
      (u64(symbol) << 32) | (u64(distance - load<u16>(DISTANCE_BASES + (symbol << 1))) << 40);
    let literals = at - anchor;
    countLiterals(anchor, at);
    const next = at + length;
    while (length > 0) {
      // What is left must be long enough for a match of its own.
      const part: usize = length <= LONGEST ? length : length < LONGEST + 3 ? LONGEST - 3 : LONGEST;
      length -= part;
      store<u64>(token, where | (u64(part) << 21) | u64(literals));
      token += 8;
      literals = 0;
      count(LITERAL_COUNTS, FIRST_LENGTH + load<u8>(LENGTH_SYMBOLS + part));
      count(DISTANCE_COUNTS, symbol);
    }
    if (next < last) {
      word = load<u64>(at + 2);
      store<u16>(longSlot(word), u16(at + 2 - INPUT));
      store<u16>(shortSlot(word), u16(at + 2 - INPUT));
      word = load<u64>(next - 2);
      store<u16>(longSlot(word), u16(next - 2 - INPUT));
      word = load<u64>(next - 1);
      store<u16>(shortSlot(word), u16(next - 1 - INPUT));
    }
    at = next;
    anchor = next;
  }
  if (at >= last) at = end;
  countLiterals(anchor, at);
  if (at > anchor) {
    store<u64>(token, u64(at - anchor));
    token += 8;
  }
  tokens = u32((token - TOKENS) >> 3);
  return at;
}
