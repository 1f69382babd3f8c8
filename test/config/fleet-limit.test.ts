import * as assert from 'uvu/assert';
import { limitHosts } from '../../src/config/fleet-limit.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/fleet-limit');

const host = (name: string, groups: string[] = [], roles: string[] = []) => ({ name, groups, roles });
const FLEET = [
  host('h1', ['web']),
  host('h2', ['web'], ['edge']),
  host('db1', ['db']),
  ...Array.from({ length: 9 }, (_, i) => host(`node0${i + 1}`, ['workers'])),
];

const limited = (...limit: string[]): string =>
  limitHosts(FLEET, limit, ['web', 'db', 'workers', 'empty'])
    .map(({ name }) => name)
    .join(' ');

function refusal(...limit: string[]): AirferryError {
  try {
    limited(...limit);
  } catch (error) {
    if (error instanceof AirferryError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

test('names, groups, roles, ranges and globs are joined, in the order of the fleet', () => {
  assert.is(limited('db1,h1'), 'h1 db1');
  assert.is(limited('web'), 'h1 h2');
  assert.is(limited('edge'), 'h2');
  assert.is(limited('node[01:03]'), 'node01 node02 node03');
  assert.is(limited('~h*', 'db'), 'h1 h2 db1');
  assert.is(limited('d?1'), 'db1');
  assert.is(limited('we*'), 'h1 h2', 'a glob may mean groups');
  assert.is(limited('all').split(' ').length, 12);
  assert.is(limited('h1,,  db1'), 'h1 db1');
});

test('what stands behind a ! is taken away at the end, from all where nothing else is said', () => {
  assert.is(limited('web,!h1'), 'h2');
  assert.is(limited('!h1,web'), 'h2', 'wherever it stands');
  assert.is(limited('!workers'), 'h1 h2 db1');
  assert.is(limited('!workers,!~h*'), 'db1');
  assert.is(limited('all,!node[02:09],!web'), 'db1 node01');
});

test('a word that means nothing is refused with the nearest that does', () => {
  assert.match(refusal('node1O').message, 'no host, group or role of the fleet is called node1O');
  assert.is(refusal('zzz').suggestions[0], 'See which there are: airferry fleet list.');
  assert.is(refusal('worker').suggestions[0], 'Did you mean workers?');
  assert.match(refusal('~x*').message, 'x*');
  assert.is(refusal('!nod01').suggestions[0], 'Did you mean node01?');
  assert.match(refusal('node[1-3]').suggestions[0] ?? '', 'node[1:3]');
  assert.match(refusal('node[01:99]').message, 'node10');
  for (const code of [refusal('!'), refusal('~'), refusal('empty'), refusal('web,!web')])
    assert.is(code.code, 'USAGE');
  assert.match(refusal('web,!web').message, 'leaves no host');
});

test('rubbish is refused in no time', () => {
  const started = performance.now();
  for (const text of ['a,'.repeat(5_000), '['.repeat(9_999), `${'*a'.repeat(2_000)}b`, '!~![1:2]'])
    assert.is(refusal(text).code, 'USAGE');
  assert.ok(performance.now() - started < 2_000);
});

test.run();
