import { execFileSync } from 'node:child_process';
import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { command, quote } from '../../src/host/quote.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/quote');

/** What sh makes of a command line that prints its arguments, each ended by a NUL. */
function throughSh(argv: string[]): string[] {
  const line = command(['printf', '%s\\0', ...argv]);
  const out = execFileSync('sh', ['-c', line], { encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 });
  return out.toString('utf8').split('\0').slice(0, argv.length);
}

/** Small deterministic generator, so that a failure can be repeated. */
function randomText(seed: number): string {
  let state = seed * 2_654_435_761 + 1;
  const next = (below: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
  const alphabet = [
    "'",
    '"',
    '\\',
    '$',
    '`',
    '!',
    '\n',
    '\t',
    ' ',
    '*',
    '?',
    '[',
    '~',
    '#',
    ';',
    '&',
    '|',
    '<',
    '(',
    '{',
    '=',
    '-',
    'a',
    'é',
    '→',
    '\x7f',
    '\x01',
    '%',
  ];
  return Array.from({ length: next(40) }, () => alphabet[next(alphabet.length)]).join('');
}

test('sh hands on exactly the characters that were quoted', () => {
  const argv = [
    '',
    ' ',
    "'",
    "''",
    "'\\''",
    '$HOME',
    '$(reboot)',
    '`reboot`',
    'a\nb',
    '-n',
    '--',
    '~',
    '*',
    '!!',
    '\\',
    'a;b',
    'é→',
    ...Array.from({ length: 2_000 }, (_, seed) => randomText(seed)),
  ];
  assert.equal(throughSh(argv), argv);
});

test('plain words stay readable', () => {
  assert.is(command(['cp', '-a', '/etc/docker/daemon.json', 'a b']), "cp -a /etc/docker/daemon.json 'a b'");
  assert.is(quote(''), "''");
  assert.is(quote('~/x'), "'~/x'");
});

test('a NUL is refused', () => {
  assert.throws(
    () => quote('a\0b'),
    (error: unknown) => isAirferryError(error, 'USAGE'),
  );
});

test.run();
