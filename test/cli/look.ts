/** Looks for tests: no colour, with characters beyond ASCII, of a given width. */
import { type Look, lookOf } from '../../src/cli/terminal.ts';

export function plainLook(columns = 80, verbose = false): Look {
  return lookOf({ isTTY: true, columns }, { NO_COLOR: '1', LANG: 'en_US.UTF-8' }, verbose);
}

/** The longest of some lines, in columns. */
export function widest(lines: readonly string[]): number {
  return Math.max(0, ...lines.flatMap(line => line.split('\n')).map(line => [...line].length));
}
