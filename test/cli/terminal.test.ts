import * as assert from 'uvu/assert';
import { lookOf, proseColumns } from '../../src/cli/terminal.ts';
import { suite } from '../support/suite.ts';

const test = suite('terminal');
const TTY = { isTTY: true, columns: 120 };

test('a terminal gets colour, its own width, and prose of 80 columns', () => {
  const look = lookOf(TTY, { TERM: 'xterm' });
  assert.is(look.paint.red('x'), '\u001b[31mx\u001b[39m');
  assert.is(look.columns, 120);
  assert.is(proseColumns(look), 80);
});

test('NO_COLOR takes the colour away, even where FORCE_COLOR is set', () => {
  assert.is(lookOf(TTY, { NO_COLOR: '1', FORCE_COLOR: '1' }).paint.red('x'), 'x');
  assert.is(lookOf(TTY, { NO_COLOR: '' }).paint.red('x'), '\u001b[31mx\u001b[39m');
});

test('a pipe gets no colour and rows of any length, unless colour is forced', () => {
  const look = lookOf({}, {});
  assert.is(look.paint.red('x'), 'x');
  assert.is(look.columns, Number.POSITIVE_INFINITY);
  assert.is(proseColumns(look), 80);
  assert.is(lookOf({}, { FORCE_COLOR: '1' }).paint.red('x'), '\u001b[31mx\u001b[39m');
});

test('a dumb terminal gets no colour', () => {
  assert.is(lookOf(TTY, { TERM: 'dumb' }).paint.bold('x'), 'x');
});

test('consoles and locales without UTF-8 get ASCII', () => {
  assert.is(lookOf(TTY, { LANG: 'C' }).glyphs.arrow, '->');
  assert.is(lookOf(TTY, { TERM: 'linux', LANG: 'de_DE.UTF-8' }).glyphs.arrow, '->');
  assert.is(lookOf(TTY, { LC_ALL: 'C.UTF-8', LANG: 'C' }).glyphs.arrow, '→');
  assert.is(lookOf(TTY, {}).glyphs.arrow, '→');
});

test.run();
