/** Writing a deflate block in the shortest of the three ways: stored, with the fixed codes, with codes of its own. */
import { alignBits, held, heldBits, place, putBits, setBits } from './bits';
import { headerBits, planHeader, writeHeader } from './header';
import { canonicalCodes, codeLengths } from './huffman';
import {
  DISTANCE_CODES,
  DISTANCE_COUNTS,
  DISTANCE_LENGTHS,
  LENGTH_BASES,
  LENGTH_SYMBOLS,
  LITERAL_CODES,
  LITERAL_COUNTS,
  LITERAL_LENGTHS,
  MATCH_CODES,
  TOKENS,
} from './layout';
import {
  ALL_LITERALS,
  DISTANCES,
  distanceExtra,
  END_OF_BLOCK,
  FIRST_LENGTH,
  LITERALS,
  LONGEST,
  lengthExtra,
  SHORTEST,
} from './symbols';

/** A bit less than allowed: four literals then fit into a word next to seven bits that are held. */
const LITERAL_LIMIT: u32 = 14;
const DISTANCE_LIMIT: u32 = 15;
const STORED: u32 = 0;
const FIXED: u32 = 1;
const DYNAMIC: u32 = 2;
const MOST_STORED: usize = 65535;

/** Write the input from `from` to `to`, which `tokens` tokens stand for. */
export function writeBlock(from: usize, to: usize, tokens: u32, final: bool): void {
  store<u32>(LITERAL_COUNTS + (END_OF_BLOCK << 2), 1);
  codeLengths(LITERAL_COUNTS, ALL_LITERALS, LITERAL_LIMIT, LITERAL_LENGTHS);
  codeLengths(DISTANCE_COUNTS, DISTANCES, DISTANCE_LIMIT, DISTANCE_LENGTHS);
  planHeader();
  const dynamic = headerBits() + codedBits();
  const fixed = fixedBits();
  const pieces = u32((to - from + MOST_STORED - 1) / MOST_STORED);
  // Headers with the most bits that alignment may cost.
  const stored = (u32(to - from) << 3) + max(pieces, 1) * (3 + 7 + 32);
  if (stored < min(dynamic, fixed)) return writeStored(from, to, final);
  putBits(u32(final) | ((fixed <= dynamic ? FIXED : DYNAMIC) << 1), 3);
  if (fixed <= dynamic) fixedLengths();
  else writeHeader();
  canonicalCodes(LITERAL_LENGTHS, ALL_LITERALS, LITERAL_CODES);
  canonicalCodes(DISTANCE_LENGTHS, DISTANCES, DISTANCE_CODES);
  matchCodes();
  writeTokens(from, tokens);
}

/** Bits of the symbols of this block in the codes made for it, extra bits included. */
function codedBits(): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 0; symbol < LITERALS; symbol++) {
    const extra = symbol < FIRST_LENGTH ? 0 : lengthExtra(symbol - FIRST_LENGTH);
    bits += load<u32>(LITERAL_COUNTS + (symbol << 2)) * (load<u8>(LITERAL_LENGTHS + symbol) + extra);
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++)
    bits +=
      load<u32>(DISTANCE_COUNTS + (symbol << 2)) * (load<u8>(DISTANCE_LENGTHS + symbol) + distanceExtra(symbol));
  return bits;
}

/** Bits of the symbols of this block in the fixed codes, extra bits included. */
function fixedBits(): u32 {
  let bits: u32 = 0;
  for (let symbol: u32 = 0; symbol < LITERALS; symbol++) {
    const extra = symbol < FIRST_LENGTH ? 0 : lengthExtra(symbol - FIRST_LENGTH);
    bits += load<u32>(LITERAL_COUNTS + (symbol << 2)) * (fixedLength(symbol) + extra);
  }
  for (let symbol: u32 = 0; symbol < DISTANCES; symbol++)
    bits += load<u32>(DISTANCE_COUNTS + (symbol << 2)) * (5 + distanceExtra(symbol));
  return bits;
}

function fixedLength(symbol: u32): u32 {
  return symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8;
}

function fixedLengths(): void {
  for (let symbol: u32 = 0; symbol < ALL_LITERALS; symbol++) store<u8>(LITERAL_LENGTHS + symbol, fixedLength(symbol));
  memory.fill(DISTANCE_LENGTHS, 5, DISTANCES);
}

function writeStored(from: usize, to: usize, final: bool): void {
  do {
    const length = min(to - from, MOST_STORED);
    const ends = final && from + length == to;
    putBits(u32(ends) | (STORED << 1), 3);
    const at = alignBits();
    store<u16>(at, u16(length));
    store<u16>(at + 2, u16(~length));
    memory.copy(at + 4, from, length);
    setBits(at + 4 + length, 0, 0);
    from += length;
  } while (from < to);
}

/** For every length of a match the code of its symbol with the extra bits behind it. */
function matchCodes(): void {
  for (let length = SHORTEST; length <= LONGEST; length++) {
    const symbol: u32 = load<u8>(LENGTH_SYMBOLS + length);
    const code = load<u32>(LITERAL_CODES + ((FIRST_LENGTH + symbol) << 2));
    const extra = length - load<u16>(LENGTH_BASES + (symbol << 1));
    store<u32>(MATCH_CODES + (length << 2), (code | (extra << (code >> 24))) + (lengthExtra(symbol) << 24));
  }
}

function writeTokens(from: usize, tokens: u32): void {
  let out = place;
  let bits = held;
  let count: u64 = heldBits;
  const end: usize = TOKENS + (tokens << 3);
  for (let token: usize = TOKENS; token < end; token += 8) {
    const value = load<u64>(token);
    let literals = u32(value) & 0x1fffff;
    while (literals >= 4) {
      const four = load<u32>(from);
      const a = load<u32>(LITERAL_CODES + ((four & 255) << 2));
      const b = load<u32>(LITERAL_CODES + (((four >> 8) & 255) << 2));
      const c = load<u32>(LITERAL_CODES + (((four >> 16) & 255) << 2));
      const d = load<u32>(LITERAL_CODES + ((four >> 24) << 2));
      bits |= u64(a & 0xffffff) << count;
      count += a >> 24;
      bits |= u64(b & 0xffffff) << count;
      count += b >> 24;
      bits |= u64(c & 0xffffff) << count;
      count += c >> 24;
      bits |= u64(d & 0xffffff) << count;
      count += d >> 24;
      store<u64>(out, bits);
      out += usize(count >> 3);
      bits >>= count & ~7;
      count &= 7;
      from += 4;
      literals -= 4;
    }
    if (literals > 0) {
      do {
        const a = load<u32>(LITERAL_CODES + (u32(load<u8>(from)) << 2));
        bits |= u64(a & 0xffffff) << count;
        count += a >> 24;
        from++;
      } while (--literals > 0);
      store<u64>(out, bits);
      out += usize(count >> 3);
      bits >>= count & ~7;
      count &= 7;
    }
    const length = u32(value >> 21) & 0x1ff;
    if (length == 0) break;
    from += length;
    const match = load<u32>(MATCH_CODES + (length << 2));
    bits |= u64(match & 0xffffff) << count;
    count += match >> 24;
    const symbol = u32(value >> 32) & 31;
    const code = load<u32>(DISTANCE_CODES + (symbol << 2));
    bits |= u64(code & 0xffffff) << count;
    count += code >> 24;
    bits |= (value >> 40) << count;
    count += distanceExtra(symbol);
    store<u64>(out, bits);
    out += usize(count >> 3);
    bits >>= count & ~7;
    count &= 7;
  }
  setBits(out, bits, u32(count));
  const code = load<u32>(LITERAL_CODES + (END_OF_BLOCK << 2));
  putBits(code & 0xffffff, code >> 24);
}
