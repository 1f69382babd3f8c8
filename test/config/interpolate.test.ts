// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of compose files look like that.
import * as assert from 'uvu/assert';
import { interpolate, type Lookup } from '../../src/config/interpolate.ts';
import { processorTime } from '../support/processor-time.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/interpolate');

const VARIABLES: Record<string, string> = { A: '1', E: '', LONG_name2: 'long' };
const lookup: Lookup = name => (Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined);

/** What docker compose 2.26 makes of the same texts. */
const GOOD: [text: string, result: string][] = [
  ['plain', 'plain'],
  ['x:$A', 'x:1'],
  ['x:${A}', 'x:1'],
  ['$LONG_name2-$A', 'long-1'],
  ['x:${A}}', 'x:1}'],
  ['x:${E-d}', 'x:'],
  ['x:${E:-d}', 'x:d'],
  ['x:${U-d}', 'x:d'],
  ['x:${U-${A}}', 'x:1'],
  ['x:${U:-${V:-deep}}', 'x:deep'],
  ['x:${U:-a}b}', 'x:ab}'],
  ['x:$${A}', 'x:${A}'],
  ['x:$$A', 'x:$A'],
  ['x:${A:+alt}', 'x:alt'],
  ['x:${U:+alt}x', 'x:x'],
  ['x:${E:+alt}', 'x:'],
  ['x:${E+alt}', 'x:alt'],
  ['x:${E?gone}', 'x:'],
  ['x:${A:?gone}', 'x:1'],
  ['x:${U:-}y', 'x:y'],
  ['x:${U:-{a}}', 'x:{a}'],
  ['x:${U:-$${q}}', 'x:${q}'],
  ['x:${U:-$A}$A', 'x:11'],
  ['x:${U:-a:b/c}', 'x:a:b/c'],
];

for (const [text, result] of GOOD) {
  test(`${text} becomes ${result}`, () => {
    assert.equal(interpolate(text, lookup), { text: result, unset: [] });
  });
}

test('variables that are not set are nothing, and named once', () => {
  assert.equal(interpolate('$U${V}$U', lookup), { text: '', unset: ['U', 'V'] });
});

const BAD: [text: string, problem: string | RegExp][] = [
  ['x:${A', 'has a `${` that is never closed'],
  ['x:${U:-${A}', 'has a `${` that is never closed'],
  ['x$', 'has a `$` that begins no variable'],
  ['x$1', 'has a `$` that begins no variable'],
  ['x:${}', 'has `${}`, which is no variable'],
  ['x:${1}', 'has `${1}`, which is no variable'],
  ['x:${A:}', 'has `${A:}`, which is no variable'],
  ['x:${A B}', 'has `${A B}`, which is no variable'],
  ['x:${A:=3}', 'has `${A:=3}`, which is no variable'],
  ['x:${U:?gone $A}', 'needs the variable U, which is not set: gone 1'],
  ['x:${E:?}', 'needs the variable E, which is not set'],
  [`${'${U:-'.repeat(50)}x${'}'.repeat(50)}`, 'has defaults within defaults, too deep'],
];

for (const [text, problem] of BAD) {
  test(`${text.slice(0, 30)} is refused: it ${problem}`, () => {
    const result = interpolate(text, lookup);
    assert.ok('problem' in result);
    assert.is(result.problem, problem);
  });
}

test('names out of Object.prototype are not set', () => {
  assert.equal(interpolate('${constructor-x}$toString', lookup), { text: 'x', unset: ['toString'] });
});

test('long and hostile texts take no time', () => {
  const spent = processorTime();
  for (const text of [
    '${'.repeat(100_000),
    '$'.repeat(300_000),
    '${A}'.repeat(200_000),
    `$${'a'.repeat(300_000)}`,
    '${U:-'.repeat(60_000) + '}'.repeat(60_000),
    `\${U:?${'x'.repeat(300_000)}}`,
    '${A:+${A:+'.repeat(1000),
  ])
    interpolate(text, lookup);
  const big: Lookup = () => 'x'.repeat(500_000);
  const result = interpolate('$A'.repeat(1000), big);
  assert.ok('problem' in result, 'a result has a limit');
  assert.ok(spent() < 1000, `${spent()} ms`);
});

test.run();
