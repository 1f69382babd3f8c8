import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { parseFleet } from '../../src/config/fleet.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/rubbish');
/**
 * Milliseconds of processor time. Even these grow when other work shares the core; what the tests are about, time that
 * grows with the square of the input, is far beyond.
 */
const MOST_MS = 5000;

/** The error that a text gives: an AirferryError with a place, within the time. */
function rubbish(text: string, parse: typeof parseRecipe | typeof parseFleet): AirferryError {
  const before = process.cpuUsage();
  try {
    parse(text, { file: 'rubbish.yaml' });
  } catch (error) {
    const { user, system } = process.cpuUsage(before);
    if (!(error instanceof AirferryError)) throw error;
    assert.ok(user + system < MOST_MS * 1000, `took ${Math.round((user + system) / 1000)} ms`);
    assert.ok((error.where.line ?? 0) >= 1 && (error.where.column ?? 0) >= 1, 'it has a place');
    assert.ok(error.message.length < 5000, 'it is of a length that can be read');
    return error;
  }
  throw new Error('rubbish was accepted');
}

const parserOf = (text: string) => (text.includes('hosts:') ? parseFleet : parseRecipe);

const times = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('');

const FILL = 300_000;
const head = 'name: a\nversion: "1"\nengine: { version: 20.10.24 }\n';

const CASES: Record<string, string> = {
  'nothing but opening brackets': '['.repeat(FILL),
  'deep maps': '{a: '.repeat(FILL / 4),
  'deep lists': `${'- '.repeat(FILL / 2 - 1)}x`,
  'deep explicit keys': `${'? '.repeat(FILL / 2 - 1)}x`,
  'closed brackets, five thousand deep': '['.repeat(5000) + ']'.repeat(5000),
  'ever deeper indentation': times(1300, index => `${' '.repeat(index)}a:\n`),
  'a hundred thousand keys': times(100_000, index => `k${index}: 1\n`).slice(0, 1 << 20),
  'thirty thousand keys': times(30_000, index => `k${index}: 1\n`),
  'thirty thousand daemon values of the wrong kind': `${head}images: 5\ndaemon:\n  values:\n${times(30_000, index => `    k${index}: 1\n`)}`,
  'thirty thousand platforms': `${head}platforms: [${times(30_000, () => 'linux/amd64,')}]`,
  'thirty thousand archives by platform': `name: a\nversion: "1"\nengine:\n  version: 1.2.3\n  archive:\n${times(30_000, index => `    p${index}: x\n`)}`,
  'thirty thousand wrong images': `${head}images:\n${times(30_000, index => `- ./f${index}\n`)}`,
  'twenty thousand wrong files': `${head}files:\n${times(20_000, index => `- {from: a, to: b${index}}\n`)}`,
  'twenty thousand hosts of one name': `hosts:\n${times(20_000, () => '- {name: h}\n')}`,
  'twenty thousand groups that are not there': `hosts: [{name: h, groups: [${times(20_000, index => `g${index},`)}]}]\n`,
  'ranges that multiply': `hosts: [{name: "${'[1:999999999]'.repeat(50)}"}]`,
  'hundreds of ranges of thousands': `hosts:\n${times(500, index => `- {name: "a${index}-[1:4999]"}\n`)}`,
  'an alias bomb': `a: &a [${'x,'.repeat(9)}]\n${times(9, index => `${'bcdefghij'[index]}: &${'bcdefghij'[index]} [${`*${'abcdefghi'[index]},`.repeat(9)}]\n`)}`,
  'a hundred thousand aliases': `- &a 1\n${'- *a\n'.repeat(100_000)}`,
  'aliases in aliases, deep': `k0: &k0 [x]\n${times(5000, index => `k${index + 1}: &k${index + 1} [*k${index}]\n`)}`,
  'thirty thousand anchors': times(30_000, index => `- &a${index} 1\n`),
  'nothing but anchors': '&a '.repeat(FILL / 3),
  'nothing but quotes': '"'.repeat(FILL),
  'nothing but closing brackets': ']\n'.repeat(FILL / 2),
  'nothing but bad escapes': `"${'\\q'.repeat(FILL / 2 - 1)}"`,
  'nothing but commas': `[${','.repeat(FILL - 2)}]`,
  'nothing but documents': '---\n'.repeat(FILL / 4),
  'nothing but directives': '%a\n'.repeat(FILL / 3),
  'nothing but comments': '#\n'.repeat(FILL / 2),
  'nothing but line ends': '\n'.repeat(FILL),
  'nothing but colons': ':'.repeat(FILL),
  'one long word': 'x'.repeat(FILL),
  'one long key': `${'x'.repeat(1000)}: 1\n? ${'y'.repeat(FILL)}\n: 1\n`,
  'a mistake in every line': 'a: b: c\n'.repeat(FILL / 8),
  'reserved characters in every line': '- @\n'.repeat(FILL / 4),
  'more than a mebibyte': `${head}images: [a]\n${'#'.repeat(1 << 20)}`,
  'a null byte': '\u0000',
  'keys of Object.prototype':
    'constructor: 1\ntoString: 2\nhosts: [{ name: h, valueOf: 3 }]\nhasOwnProperty: 4\n',
};

for (const [what, text] of Object.entries(CASES)) {
  test(`${what}: an error with a place, in time`, () => {
    rubbish(text, parserOf(text));
  });
}

test('size, alias bombs and deep nesting are named as what they are', () => {
  const message = (what: string): string => rubbish(CASES[what] ?? '', parseRecipe).message;
  assert.match(message('an alias bomb'), 'aliases repeat more than 100000 values');
  for (const deep of ['nothing but opening brackets', 'deep maps', 'deep lists', 'aliases in aliases, deep'])
    assert.match(message(deep), 'lists and maps are nested too deeply');
  assert.is(message('more than a mebibyte'), 'the file is larger than 1 MiB');
  assert.is(message('a hundred thousand keys'), 'the file has more than 250000 words and signs');
});

/** Bytes that look random and are the same in every run. */
function noise(seed: number, length: number): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, index) =>
    createHash('sha256').update(`${seed}:${index}`).digest(),
  );
  return Buffer.concat(blocks).subarray(0, length);
}

test('random bytes are refused', () => {
  for (let seed = 0; seed < 100; seed++) {
    const text = noise(seed, 20 + seed * 10).toString('latin1');
    for (const parse of [parseRecipe, parseFleet]) rubbish(text, parse);
  }
  rubbish(noise(1, FILL).toString('latin1'), parseRecipe);
});

test('random arrangements of YAML signs never get further than an AirferryError', () => {
  const words = 'name|: |version|\n|  |- |{|}|[|]|,|"|\'|&a |*a|!t |>|#|%|\t|hosts|1|? |@|<<'.split('|');
  for (let seed = 0; seed < 1000; seed++) {
    const text = [...noise(seed, 60)].map(byte => words[byte % words.length]).join('');
    for (const parse of [parseRecipe, parseFleet]) rubbish(text, parse);
  }
});

test('a good file with one character changed is read or refused, and nothing else', () => {
  const good = `${head}images: [a, { archive: ./b.tar, only: [c] }]\nfiles:\n  - { from: ./motd, to: /etc/motd, mode: "0644" }\n`;
  parseRecipe(good, { file: 'bundle.yaml' });
  let refused = 0;
  for (let index = 0; index < good.length; index++) {
    for (const sign of ['"', ':', '\n', '[', '\u0000', '*']) {
      try {
        parseRecipe(good.slice(0, index) + sign + good.slice(index + 1), { file: 'bundle.yaml' });
      } catch (error) {
        if (!(error instanceof AirferryError)) throw error;
        refused++;
      }
    }
  }
  assert.ok(refused > 300, `${refused} of ${good.length * 6} were refused`);
});

test.run();
