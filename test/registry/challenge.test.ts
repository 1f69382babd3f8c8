import * as assert from 'uvu/assert';
import { parseChallenges } from '../../src/registry/challenge.ts';
import { suite } from '../support/suite.ts';

const test = suite('challenge');

const plain = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => ({ scheme, ...parameters }));

test('a bearer challenge with quoted strings is read', () => {
  assert.equal(
    plain(
      'Bearer realm="https://auth.example.com/token",service="registry, inc",scope="repository:a/b:pull,push"',
    ),
    [
      {
        scheme: 'bearer',
        realm: 'https://auth.example.com/token',
        service: 'registry, inc',
        scope: 'repository:a/b:pull,push',
      },
    ],
  );
});

test('several challenges in one header are told apart', () => {
  assert.equal(plain('Basic realm="harbor", Bearer realm=token,error="x" , Negotiate'), [
    { scheme: 'basic', realm: 'harbor' },
    { scheme: 'bearer', realm: 'token', error: 'x' },
    { scheme: 'negotiate' },
  ]);
});

test('escapes within quotes are undone and names are taken without regard to case', () => {
  assert.equal(plain('BASIC Realm = "a \\"b\\" \\\\ c"'), [{ scheme: 'basic', realm: 'a "b" \\ c' }]);
});

test('the first value of a name counts', () => {
  assert.equal(plain('Bearer realm="first", realm="second"'), [{ scheme: 'bearer', realm: 'first' }]);
});

test('names of the prototype are ordinary names', () => {
  const [challenge] = parseChallenges('Bearer __proto__="x", constructor="y", realm="z"');
  assert.is(challenge?.parameters.realm, 'z');
  assert.is(({} as Record<string, unknown>).x, undefined);
});

test('damaged and hostile headers give what can be read and end quickly', () => {
  const started = performance.now();
  for (const header of [
    '',
    ',,, ,',
    '"',
    'Bearer realm="never ends',
    'Bearer =,==,"',
    'Negotiate YWJj==',
    '\u0000\u0001Bearer \u0002',
    `Bearer realm="${'\\"'.repeat(100_000)}`,
    'a '.repeat(100_000),
    'a="'.repeat(100_000),
    `Bearer ${' '.repeat(100_000)}=x`,
  ]) {
    assert.ok(parseChallenges(header).length <= 10);
  }
  assert.ok(performance.now() - started < 1000, 'it took more than a second');
});

test.run();
