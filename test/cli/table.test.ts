import { stripVTControlCharacters } from 'node:util';
import * as assert from 'uvu/assert';
import { pairs, table } from '../../src/cli/table.ts';
import { suite } from '../support/suite.ts';
import { plainLook, widest } from './look.ts';

const test = suite('table');
const COLUMNS = [
  { title: 'NAME', folds: true },
  { title: 'SIZE', align: 'right' as const },
  { title: 'STATE' },
];

test('columns are aligned, numbers to the right, without spaces at the end', () => {
  assert.equal(
    table(
      COLUMNS,
      [
        ['nginx', '1 B', 'x'],
        ['a', '999 MB', ''],
      ],
      plainLook(),
    ),
    ['NAME     SIZE  STATE', 'nginx     1 B  x', 'a      999 MB'],
  );
});

test('without rows there is no table', () => {
  assert.equal(table(COLUMNS, [], plainLook()), []);
});

test('a name too long for the screen goes on below itself', () => {
  const name = `hub.company.com/${'long/'.repeat(20)}image:1.0`;
  const lines = table(COLUMNS, [[name, '1 B', 'ok']], plainLook(60));
  assert.ok(widest(lines) <= 60, lines.join('\n'));
  assert.is(
    lines
      .slice(1)
      .map(line => line.split('  ')[0]?.trim())
      .join(''),
    name,
  );
});

test('nothing folds where nobody sees it, so that grep finds whole rows', () => {
  const name = 'x'.repeat(200);
  assert.ok(
    table(COLUMNS, [[name, '1 B', 'ok']], { ...plainLook(), columns: Number.POSITIVE_INFINITY })[1]?.includes(
      name,
    ),
  );
});

test('a hostile name does not reach the terminal as it is', () => {
  const lines = table(COLUMNS, [['a\u001b[31m\nb', '1 B', 'ok']], plainLook());
  assert.is(lines.length, 2);
  assert.not.match(lines.join(''), /\p{Cc}/u);
});

test('colour does not shift a column', () => {
  const paint = (text: string): string => `\u001b[31m${text}\u001b[39m`;
  const [, first, second] = table(
    COLUMNS,
    [
      [{ text: 'a', paint }, '1 B', 'x'],
      ['bb', '1 B', 'x'],
    ],
    plainLook(),
  );
  assert.is(stripVTControlCharacters(first ?? '').indexOf('1 B'), second?.indexOf('1 B'));
});

test('values go on below themselves, and digests stay whole', () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  assert.equal(
    pairs(
      [
        ['units', 'one two three four'],
        ['digest', digest],
      ],
      plainLook(40),
      '  ',
    ).slice(-1),
    [`  digest  ${digest}`],
  );
  assert.equal(pairs([['units', 'a.service '.repeat(6).trim()]], plainLook(40)), [
    'units  a.service a.service a.service',
    '       a.service a.service a.service',
  ]);
});

test.run();
