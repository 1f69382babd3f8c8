/** The head of a block with codes of its own: the code lengths, run-length encoded and Huffman coded themselves. */
import { putBits } from './bits';
import { canonicalCodes, codeLengths } from './huffman';
import {
  DISTANCE_LENGTHS,
  LITERAL_LENGTHS,
  ORDER_CODES,
  ORDER_COUNTS,
  ORDER_LENGTHS,
  PACKED_LENGTHS,
  RUNS,
} from './layout';
import { DISTANCES, FIRST_LENGTH, LITERALS } from './symbols';

const ORDER_SYMBOLS: u32 = 19;
const ORDER_LIMIT: u32 = 7;
/** The previous length 3 to 6 times more, a zero 3 to 10 times, a zero 11 to 138 times. */
const AGAIN: u32 = 16;
const ZEROS: u32 = 17;
const MANY_ZEROS: u32 = 18;

let literals: u32 = 0;
let distances: u32 = 0;
let runs: u32 = 0;
let orders: u32 = 0;

/** Decide how the code lengths of this block are written. */
export function planHeader(): void {
  literals = LITERALS;
  while (literals > FIRST_LENGTH && load<u8>(LITERAL_LENGTHS + literals - 1) == 0) literals--;
  distances = DISTANCES;
  while (distances > 1 && load<u8>(DISTANCE_LENGTHS + distances - 1) == 0) distances--;
  memory.copy(PACKED_LENGTHS, LITERAL_LENGTHS, literals);
  memory.copy(PACKED_LENGTHS + literals, DISTANCE_LENGTHS, distances);
  memory.fill(ORDER_COUNTS, 0, 4 * ORDER_SYMBOLS);
  runs = 0;
  const all = literals + distances;
  for (let at: u32 = 0; at < all; ) {
    const value: u32 = load<u8>(PACKED_LENGTHS + at);
    let run: u32 = 1;
    while (at + run < all && load<u8>(PACKED_LENGTHS + at + run) == value) run++;
    at += run;
    if (value > 0) {
      addRun(value, 0);
      run--;
    }
    while (run >= 3) {
      const most: u32 = value > 0 ? 6 : 138;
      const part = min(run, most);
      if (value > 0) addRun(AGAIN, part - 3);
      else if (part <= 10) addRun(ZEROS, part - 3);
      else addRun(MANY_ZEROS, part - 11);
      run -= part;
    }
    for (; run > 0; run--) addRun(value, 0);
  }
  codeLengths(ORDER_COUNTS, ORDER_SYMBOLS, ORDER_LIMIT, ORDER_LENGTHS);
  orders = ORDER_SYMBOLS;
  while (orders > 4 && load<u8>(ORDER_LENGTHS + orderOf(orders - 1)) == 0) orders--;
}

/** Length of the header in bits, without the three that every block begins with. */
export function headerBits(): u32 {
  let bits: u32 = 14 + 3 * orders;
  for (let symbol: u32 = 0; symbol < ORDER_SYMBOLS; symbol++)
    bits += load<u32>(ORDER_COUNTS + (symbol << 2)) * (load<u8>(ORDER_LENGTHS + symbol) + runExtra(symbol));
  return bits;
}

export function writeHeader(): void {
  putBits((literals - FIRST_LENGTH) | ((distances - 1) << 5) | ((orders - 4) << 10), 14);
  for (let i: u32 = 0; i < orders; i++) putBits(load<u8>(ORDER_LENGTHS + orderOf(i)), 3);
  canonicalCodes(ORDER_LENGTHS, ORDER_SYMBOLS, ORDER_CODES);
  for (let i: u32 = 0; i < runs; i++) {
    const run = load<u32>(RUNS + (i << 2));
    const symbol = run & 255;
    const code = load<u32>(ORDER_CODES + (symbol << 2));
    putBits(code & 0xffffff, code >> 24);
    putBits(run >> 8, runExtra(symbol));
  }
}

function addRun(symbol: u32, extra: u32): void {
  store<u32>(RUNS + (runs++ << 2), symbol | (extra << 8));
  store<u32>(ORDER_COUNTS + (symbol << 2), load<u32>(ORDER_COUNTS + (symbol << 2)) + 1);
}

function runExtra(symbol: u32): u32 {
  return symbol < AGAIN ? 0 : symbol == AGAIN ? 2 : symbol == ZEROS ? 3 : 7;
}

/** The order in which the lengths of these codes stand: 16, 17, 18, 0, then 8, 7, 9, 6, 10 and so on to 1, 15. */
function orderOf(index: u32): u32 {
  if (index < 3) return AGAIN + index;
  if (index == 3) return 0;
  const step = (index - 3) >> 1;
  return (index & 1) == 0 ? 8 + ((index - 4) >> 1) : 8 - step;
}
