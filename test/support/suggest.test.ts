import * as assert from 'uvu/assert';
import { closest } from '../../src/support/suggest.ts';
import { processorTime } from './processor-time.ts';
import { suite } from './suite.ts';

const test = suite('suggest');
const KEYS = ['data-root', 'insecure-registries', 'registry-mirrors', 'bip', 'nginx:1.25', 'images'];

const TABLE: [word: string, guess: string | undefined][] = [
  ['date-root', 'data-root'],
  ['data-rooot', 'data-root'],
  ['DATA-ROOT', 'data-root'],
  ['dtaa-root', 'data-root'],
  ['insecure-registry', 'insecure-registries'],
  ['nginx:1.52', 'nginx:1.25'],
  ['image', 'images'],
  ['bop', 'bip'],
  ['bpi', 'bip'],
  ['pib', undefined],
  ['completely-other', undefined],
  ['', undefined],
];
for (const [word, guess] of TABLE) {
  test(`"${word}" ${guess ? `stands for ${guess}` : 'stands for nothing known'}`, () => {
    assert.is(closest(word, KEYS), guess);
  });
}

test('of two that are near, the nearest wins, then the first', () => {
  assert.is(closest('abcdef', ['abcdxx', 'abcdex']), 'abcdex');
  assert.is(closest('abcdef', ['abcdex', 'abcdey']), 'abcdex');
});

test('endless words take no time', () => {
  const elapsed = processorTime();
  assert.is(closest('x'.repeat(1e6), KEYS), undefined);
  assert.ok(elapsed() < 100);
});

test.run();
