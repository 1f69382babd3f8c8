/**
 * Where everything lies in the memory of the encoder. There is no heap and nothing is allocated: what a block needs has
 * its place, so memory does not grow and nothing is left to chance.
 */

/** Most bytes of a block; one more and the caller has to cut. */
export const BLOCK: usize = 1 << 20;

/** Entries of the two tables of the match finder, as powers of two; each entry is the low half of a position. */
export const LONG_BITS: u32 = 15;
export const SHORT_BITS: u32 = 15;
export const LONG_TABLE: usize = 0x1000;
export const SHORT_TABLE: usize = LONG_TABLE + (2 << LONG_BITS);

/** How often each symbol occurs in a deflate block: u32 each. 286 literals and lengths, 30 distances, 19 code lengths. */
export const LITERAL_COUNTS: usize = SHORT_TABLE + (2 << SHORT_BITS);
export const DISTANCE_COUNTS: usize = LITERAL_COUNTS + 4 * 288;
export const ORDER_COUNTS: usize = DISTANCE_COUNTS + 4 * 32;

/** Code lengths in bits, u8 each: those of the distances follow those of the literals without a gap once packed. */
export const LITERAL_LENGTHS: usize = ORDER_COUNTS + 4 * 32;
export const DISTANCE_LENGTHS: usize = LITERAL_LENGTHS + 288;
export const ORDER_LENGTHS: usize = DISTANCE_LENGTHS + 32;
export const PACKED_LENGTHS: usize = ORDER_LENGTHS + 32;

/** Codes as they go into the stream, u32 each: the bits from the lowest up, their number in the highest byte. */
export const LITERAL_CODES: usize = PACKED_LENGTHS + 320;
export const DISTANCE_CODES: usize = LITERAL_CODES + 4 * 288;
export const ORDER_CODES: usize = DISTANCE_CODES + 4 * 32;
/** By the length of a match, 0 to 258: the code of its symbol with the extra bits behind it, in the same form. */
export const MATCH_CODES: usize = ORDER_CODES + 4 * 32;

/** Never changing tables. By length, 0 to 258: its symbol less 257, u8. */
export const LENGTH_SYMBOLS: usize = MATCH_CODES + 4 * 260;
/** By distance less 1 up to 255, and behind these by distance less 1 in units of 128: its symbol, u8. */
export const DISTANCE_SYMBOLS: usize = LENGTH_SYMBOLS + 260;
/** By symbol: the lowest length, u16; the lowest distance, u16. */
export const LENGTH_BASES: usize = DISTANCE_SYMBOLS + 512;
export const DISTANCE_BASES: usize = LENGTH_BASES + 2 * 32;

/** Room for the making of Huffman codes. */
export const KEYS: usize = DISTANCE_BASES + 2 * 32 + 4;
export const SPARE_KEYS: usize = KEYS + 4 * 288;
export const NODES: usize = SPARE_KEYS + 4 * 288;
export const DIGITS: usize = NODES + 4 * 288;
/** The header of a dynamic block: code lengths run-length encoded, u32 each: symbol, extra bits in the second byte. */
export const RUNS: usize = DIGITS + 4 * 256;

/** Input that goes into one deflate block, in bytes, unless a match reaches beyond: codes follow what changes. */
export const STRETCH: usize = 32 * 1024;

/** What the match finder found, u64 each: matches of 4 bytes and more, and a match of a whole block in pieces. */
export const TOKENS: usize = 0x30000;

export const INPUT: usize = 0x50000;
/** Behind the input: whole words are read up to 8 bytes beyond its end, and not heeded. */
export const OUTPUT: usize = INPUT + BLOCK + 0x1000;
/** Stored blocks add 5 bytes to each 65,535, and a word is written whole. */
export const PAGES: i32 = i32((OUTPUT + BLOCK + 0x1000 + 0xffff) >> 16);
