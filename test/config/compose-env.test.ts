// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of compose files look like that.
import * as assert from 'uvu/assert';
import { parseEnv } from '../../src/config/compose-env.ts';
import { suite } from '../support/suite.ts';
import { refusal } from './refused.ts';

const test = suite('config/compose-env');
const ENVIRONMENT: Record<string, string> = { OUTSIDE: 'out', A: 'environment' };
const parse = (text: string) => Object.fromEntries(parseEnv(text, '.env', name => ENVIRONMENT[name]));

test('values plain, quoted, with comments and with variables are what docker compose makes of them', () => {
  const text = [
    '# comment',
    'export ONE=1',
    'B="two # ${ONE}"',
    "C='three ${ONE}'   # c",
    'D=four # comment',
    'E=five#notcomment',
    'F=${NOTHING:-no}six',
    'G: seven',
    'H=',
    'I="a\\nb\\$x"',
    'J=$OUTSIDE-ja=b',
    '  K = spaced  ',
    'L= # only a comment',
  ].join('\n');
  assert.equal(parse(text), {
    ONE: '1',
    B: 'two # 1',
    C: 'three ${ONE}',
    D: 'four',
    E: 'five#notcomment',
    F: 'nosix',
    G: 'seven',
    H: '',
    I: 'a\nb$x',
    J: 'out-ja=b',
    K: 'spaced',
    L: '',
  });
});

test('a name alone is taken from the environment, and Windows line ends change nothing', () => {
  assert.equal(parse('OUTSIDE\r\nMISSING\r\nX=1\r\n'), { OUTSIDE: 'out', X: '1' });
});

test('a value may go over several lines in quotes, and the environment wins inside of values', () => {
  assert.equal(parse('KEY="-----BEGIN\nx\n-----END"\nA=file\nB=${A}\n'), {
    KEY: '-----BEGIN\nx\n-----END',
    A: 'file',
    B: 'environment',
  });
});

test('what is no assignment, and quotes that stay open, are refused at their place', async () => {
  assert.equal(await refusal(() => parse('A=1\n  nonsense here\n')), {
    code: 'ENV_FILE_INVALID',
    where: '.env:2:3',
    message: 'this line is not NAME=value: it has no `=`',
    hint: 'Begin a comment with #.',
  });
  const open = await refusal(() => parse('A=1\nB="x\ny\n'));
  assert.is(open.where, '.env:2:3');
  assert.is(open.message, 'the quote that opens here is never closed');
  assert.is((await refusal(() => parse('A=${B'))).message, 'the value of A has a `${` that is never closed');
});

test('values that double from line to line have a limit', async () => {
  const lines = Array.from({ length: 60 }, (_, index) => `V${index + 1}=\${V${index}}\${V${index}}`);
  const { message } = await refusal(() => parse(`V0=xxxxxxxx\n${lines.join('\n')}`));
  assert.match(message, /grow beyond 4 MiB|grows beyond 1 MiB/);
});

test.run();
