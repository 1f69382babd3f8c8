import * as assert from 'uvu/assert';
import { parseYaml } from '../../src/config/document.ts';
import { suite } from '../support/suite.ts';
import { refusedRecipe } from './refused.ts';

const test = suite('config/document');

const parse = (text: string) => parseYaml(text, { file: 'f.yaml', code: 'RECIPE_INVALID' });

test('values, keys and list items are located, through aliases too', () => {
  const document = parse('a: 1\nb:\n  - x\n  - { c: 2 }\nd: &d\n  e: f\ng: *d\nh:\n');
  assert.equal(document.value, { a: 1, b: ['x', { c: 2 }], d: { e: 'f' }, g: { e: 'f' }, h: null });
  assert.equal(document.locate(['a']), { line: 1, column: 4 });
  assert.equal(document.locate(['a'], 'key'), { line: 1, column: 1 });
  assert.equal(document.locate(['b', 1, 'c']), { line: 4, column: 10 });
  assert.equal(document.locate(['b', 1, 'c'], 'key'), { line: 4, column: 7 });
  assert.equal(document.locate(['g']), { line: 7, column: 4 });
  assert.equal(document.locate(['g', 'e']), { line: 6, column: 6 });
  assert.equal(document.locate(['h']), { line: 8, column: 1 }, 'an empty value is at its key');
});

test('what is not there is located at what is around it', () => {
  const document = parse('# comment\n\na:\n  - { b: 1 }\n');
  assert.equal(document.locate(['z']), { line: 3, column: 1 });
  assert.equal(document.locate(['a', 0, 'z', 'y']), { line: 4, column: 5 });
  assert.equal(document.locate(['a', 7]), { line: 4, column: 3 });
  assert.equal(parse('').locate(['z']), { line: 1, column: 1 });
});

test('a number is kept as it is written', () => {
  const document = parse('version: 2026.10\nmode: 0644\nq: "x"\n');
  assert.is(document.written(['version']), '2026.10');
  assert.is(document.written(['mode']), '0644');
  assert.is(document.written(['nothing', 'here']), undefined);
});

test('Windows line ends and a missing last line end change no position', () => {
  assert.equal(parse('a: 1\r\nb: 2').locate(['b']), { line: 2, column: 4 });
});

const MISTAKES: [what: string, text: string, where: string, message: string, hint: string][] = [
  [
    'a tab',
    'a: 1\nb:\n\tc: 1\n',
    '3:1',
    'a tab is used as indentation',
    'Indent with spaces: YAML does not allow tabs there.',
  ],
  ['an open quote', 'a: 1\nb: "x\nc: 2\n', '2:4', 'the quote that opens here is never closed', ''],
  [
    'an open bracket',
    'a: [1,\n  2\n',
    '3:1',
    'a closing ] or } is missing, or a line inside of [ ] or { } is not indented further than its key',
    '',
  ],
  [
    'two keys in one line',
    'a: b: c\n',
    '1:4',
    'the value of a key holds a second `key:`',
    'Put the text in quotes if the colon belongs to it, or put the second key on a line of its own, in the column of the first.',
  ],
  [
    'a key without a colon',
    'a: 1\nbcd\n',
    '2:1',
    'a key must end with a colon on its own line',
    'Write `key: value`, with a space after the colon; inside [ ] or { }, put commas between the items.',
  ],
  [
    'a list item too far left',
    'a:\n  - x\n - y\n',
    '3:1',
    'the indentation does not fit the lines above it',
    'Begin keys of the same map, and items of the same list, in the same column.',
  ],
  [
    'a reserved character',
    'a: @x\n',
    '1:4',
    'text cannot begin with this character unless it is in quotes',
    'Put the whole text in quotes.',
  ],
  [
    'an unknown escape',
    'a: "C:\\data"\n',
    '1:7',
    'a backslash inside double quotes begins an escape that YAML does not know',
    "Use single quotes, in which a backslash is only a backslash: 'C:\\data'.",
  ],
  [
    'a missing comma',
    'a: ["x" "y"]\n',
    '1:9',
    'a comma is missing between two items',
    'Separate the items inside [ ] or { } with commas.',
  ],
  [
    'a key that stands twice',
    'a: 1\nb: 2\na: 3\n',
    '3:1',
    'the key `a` stands here a second time; the first is on line 1',
    'Keep one of the two.',
  ],
  [
    'a tag',
    'a: !vault x\n',
    '1:4',
    'YAML tags (`!name`) are not read here',
    'If it is plain text, put it in quotes.',
  ],
  [
    'a known tag',
    'a: !!binary aGk=\n',
    '1:4',
    'YAML tags (`!name`) are not read here',
    'If it is plain text, put it in quotes.',
  ],
  [
    'a directive',
    '%YAML 1.1\n---\na: no\n',
    '1:1',
    'lines that begin with % are YAML directives, which are not read here',
    '',
  ],
  [
    'a second document',
    'a: 1\n---\nb: 2\n',
    '2:1',
    'a second document begins here; the file may hold only one',
    '',
  ],
  [
    'a template placeholder',
    'a: {{ x }}\n',
    '1:5',
    'a list, map or alias cannot be a key',
    'Text that begins with { or [ or * must be in quotes.',
  ],
  ['an empty key', ': 1\n', '1:1', 'a key is missing before the colon', ''],
  [
    'a merge key',
    'a: &a { b: 1 }\nc:\n  <<: *a\n',
    '3:3',
    'merge keys (`<<`) are not read',
    'Write the keys out where they are needed.',
  ],
  ['__proto__', 'a:\n  __proto__: { b: 1 }\n', '2:3', '`__proto__` cannot be used as a key', ''],
  [
    'an alias to nothing',
    'a: *x\n',
    '1:4',
    'nothing above is called `&x`',
    'Text that begins with * must be in quotes.',
  ],
  ['an alias into itself', 'a: &a [1, *a]\n', '1:11', '`*a` repeats the very value that it stands in', ''],
  ['an anchor defined twice', 'a: &x 1\nb: &x 2\n', '2:7', 'the anchor `&x` is defined twice', ''],
  [
    'a number beyond exactness',
    'a: 12345678901234567890\n',
    '1:4',
    'the number `12345678901234567890` is too large to be kept exactly',
    'Put it in quotes to keep it as text.',
  ],
  [
    'infinity',
    'a: .inf\n',
    '1:4',
    'the number `.inf` is too large to be kept exactly',
    'Put it in quotes to keep it as text.',
  ],
];

for (const [what, text, where, message, hint] of MISTAKES) {
  test(`${what} is refused at its place, with what to do`, async () => {
    assert.equal(await refusedRecipe(text), {
      code: 'RECIPE_INVALID',
      where: `bundle.yaml:${where}`,
      message,
      hint,
    });
  });
}

test('several mistakes are told together, in the order of the file, with their hints', async () => {
  const { where, message, hint } = await refusedRecipe('a: @x\nb: 1\nc: `y\nd: !t z\n');
  assert.is(where, 'bundle.yaml:1:4');
  assert.is(
    message,
    [
      'text cannot begin with this character unless it is in quotes; also:',
      'bundle.yaml:3:4: text cannot begin with this character unless it is in quotes (Put the whole text in quotes.)',
      'bundle.yaml:4:4: YAML tags (`!name`) are not read here (If it is plain text, put it in quotes.)',
    ].join('\n  '),
  );
  assert.is(hint, 'Put the whole text in quotes.');
});

test('at most ten mistakes are listed, and the others counted', async () => {
  const { message } = await refusedRecipe('- @\n'.repeat(25));
  assert.is(message.split('\n').length, 11);
  assert.match(message, /\n {2}and 15 more$/);
});

test('what a file says is printed cut short and without control characters', async () => {
  const { message } = await refusedRecipe(`"\\e]0;title\\a${'x'.repeat(500)}": 1\nname: a\nversion: "1"\n`);
  assert.match(message, '`\\u{1b}]0;title\\u{7}xxx');
  assert.ok(message.length < 200, message);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is asserted
  assert.not.match(message, /[\u0000-\u001f\u007f]/);
});

test.run();
