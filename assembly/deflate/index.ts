/**
 * A deflate encoder (RFC 1951) for blocks of up to 1 MiB that know nothing of one another. What it writes depends on
 * the bytes of the block and on nothing else: not on the processor, not on blocks before.
 */
import { alignBits, startBits } from './bits';
import { writeBlock } from './block';
import { INPUT, OUTPUT, PAGES } from './layout';
import { clearTables, findMatches, tokens } from './matches';
import { fillSymbols } from './symbols';

memory.grow(PAGES - memory.size());
fillSymbols();

/** Where the caller puts the bytes of a block. */
export function input(): usize {
  return INPUT;
}

/** Where the caller finds the output. */
export function output(): usize {
  return OUTPUT;
}

/** Compress the first `length` bytes of the input; how many bytes of output these became. */
export function deflate(length: usize): usize {
  clearTables();
  startBits(OUTPUT);
  const end = INPUT + length;
  let at = INPUT;
  do {
    const from = at;
    at = findMatches(from, end);
    writeBlock(from, at, tokens, at == end);
  } while (at < end);
  return alignBits() - OUTPUT;
}
