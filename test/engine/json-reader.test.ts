import * as assert from 'uvu/assert';
import { readJson } from '../../src/engine/json-reader.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { refusal, rubbish } from './expect.ts';

const test = suite('engine/json-reader');
const read = (text: string): unknown => readJson(text, 'daemon.json').value;

test('what JSON.parse reads is read alike', () => {
  for (const text of [
    '{}',
    ' {"a":1,"b":[true,false,null],"c":{"d":"x\\n\\u00e9\\\\"},"e":-1.5e-3}\r\n',
    '[]',
    '"text"',
    '0',
    '{"":{"":[]}}',
    '{"\\u0061":"\\uD83D"}',
    '\t[ 1 ,\n2 ]',
  ])
    assert.equal(read(text), JSON.parse(text));
  const odd = read('{"__proto__":{"polluted":true},"constructor":1}') as object;
  assert.is(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(Object.keys(odd), ['__proto__', 'constructor']);
});

test('a byte-order mark before the text is left out', () => {
  assert.equal(read('\ufeff{"a":1}'), { a: 1 });
});

test('each key is found where it stands', () => {
  const { places } = readJson('{\n  "bip": "x",\n  "log-opts": {\n    "max-size": 1 }\n}', 'daemon.json');
  assert.equal(Object.fromEntries(places), {
    bip: { line: 2, column: 3 },
    'log-opts': { line: 3, column: 3 },
    'log-opts/max-size': { line: 4, column: 5 },
  });
});

test('every common slip is named, with line, column and remedy', async () => {
  for (const [text, message, line, column, remedy] of [
    ['{\n  "a": 1\n  "b": 2\n}', /the comma after the value of "a" is missing/, 2, 9, /put a comma here/i],
    ['{\n  "a": ["x" "y"]\n}', /the comma after item 1 of the list is missing/, 2, 12, /comma/],
    ['{\n  "a": 1, // why\n  "b": 2\n}', /there is a comment/, 2, 11, /Remove the comment/],
    ['{\n  # why\n  "b": 2\n}', /there is a comment/, 2, 3, /Remove the comment/],
    ['/* mine */ {}', /there is a comment/, 1, 1, /Remove the comment/],
    ['{}\n// end', /there is a comment/, 2, 1, /Remove/],
    ['{\n  "a": 1,\n}', /a comma before the closing }/, 2, 9, /Remove this comma/],
    ['{"a": [1, ]}', /a comma before the closing \]/, 1, 9, /Remove this comma/],
    ['{"a": 1, "b": 2, "a": 3}', /"a" is given twice/, 1, 18, /line 1/],
    ['{a: 1}', /the key a is not in quotes/, 1, 2, /Write "a"/],
    ['{"a" 1}', /the colon after "a" is missing/, 1, 6, /Write "a":/],
    ['{"a" = 1}', /the colon after "a" is missing/, 1, 6, /Write "a":/],
    ['{"a": True}', /True is not JSON/, 1, 7, /Write true/],
    ['{"a": no}', /no is not JSON/, 1, 7, /Write false/],
    ['{"a": overlay2}', /overlay2 is not in quotes/, 1, 7, /Write "overlay2"/],
    ["{'a': 1}", /' is no quote of JSON/, 1, 2, /straight double quotes/],
    ['{“a”: 1}', /“ is no quote of JSON/, 1, 2, /straight double quotes/],
    ['{"a": "x\n"}', /the quotes opened here are not closed/, 1, 7, undefined],
    ['{"a": "C:\\data"}', /backslash that JSON does not know/, 1, 7, /\\\\/],
    ['{"a": 1', /the file ends where a comma or } should follow/, 1, 8, /Close every/],
    ['{"a":', /the file ends where a value should follow/, 1, 6, /Close every/],
    ['{"a": ,}', /"," stands where a value should/, 1, 7, undefined],
    ['{} {}', /text after the end/, 1, 4, /last brace/],
    ['', /the file is empty/, 1, 1, /\{\}/],
    ['  \n ', /the file is empty/, 2, 2, /\{\}/],
    ['{"a": 01}', /the comma|stands where/, 1, 8, undefined],
  ] as [string, RegExp, number, number, RegExp | undefined][]) {
    const error = await refusal(() => read(text), 'DAEMON_JSON_INVALID', message);
    assert.equal(error.where, { file: 'daemon.json', line, column }, text);
    if (remedy) assert.match(error.suggestions.join(), remedy);
  }
});

test('depth and length have limits', async () => {
  await refusal(() => read('['.repeat(100_000)), 'DAEMON_JSON_INVALID', /nested deeper than 32/);
  await refusal(() => read(`"${'a'.repeat(300_000)}"`), 'DAEMON_JSON_INVALID', /more than 262144 characters/);
  assert.is((read(`"${'a'.repeat(200_000)}"`) as string).length, 200_000);
});

test('words of the file cannot paint the terminal', async () => {
  const error = await refusal(() => read('{"\\u001b[31m": 1 "b": 2}'), 'DAEMON_JSON_INVALID');
  assert.not.match(error.message, '\u001b');
});

test('changed at random, a text is refused where JSON.parse refuses it, and read alike elsewhere', () => {
  const sample = '{"a": [1, -2.5e3, "x\\n"], "log-opts": {"max-file": "3"}, "t": true, "n": null}';
  const spice = '{}[],:"\\ \n#/\'truenull0123456789-+eE.\u0001“';
  for (let seed = 1; seed <= 4000; seed++) {
    const [at = 0, how = 0, what = 0, more = 0] = rubbish(seed, 4);
    const place = at % sample.length;
    const char = spice[what % spice.length] ?? '';
    const text =
      sample.slice(0, place) +
      (how % 3 === 0 ? '' : char) +
      sample.slice(place + (how % 3 === 1 ? 0 : 1 + (more % 2)));
    let expected: unknown;
    let valid = true;
    try {
      expected = JSON.parse(text);
    } catch {
      valid = false;
    }
    try {
      assert.equal(read(text), expected, text);
      assert.ok(valid, text);
    } catch (error) {
      if (!(error instanceof AirferryError)) throw error;
      assert.ok(!valid || /given twice/.test(error.message), `${error.message}: ${text}`);
    }
  }
});

test('rubbish is refused, never a crash', async () => {
  for (let seed = 0; seed < 500; seed++) {
    const text = rubbish(seed, seed % 200).toString('latin1');
    try {
      read(text);
    } catch (error) {
      assert.instance(error, AirferryError);
    }
  }
});

test.run();
