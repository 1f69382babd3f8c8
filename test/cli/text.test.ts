import * as assert from 'uvu/assert';
import { clean, fold, sentence, truncate, wrap } from '../../src/cli/text.ts';
import { suite } from '../support/suite.ts';

const test = suite('text');

test('what could steer the terminal is made visible', () => {
  assert.is(clean('evil\u001b[2J\u0007\r'), 'evil\\u{1b}[2J\\u{7}\\u{d}');
  assert.is(clean('right\u202eto left'), 'right\\u{202e}to left');
  assert.is(clean('a\nb'), 'a\\u{a}b');
  assert.is(clean('a\nb', 'keep'), 'a\nb');
});

test('lines break at spaces, and long words stay whole', () => {
  assert.equal(wrap('one two three', 8), ['one two', 'three']);
  assert.equal(wrap('see /a/very/long/path/indeed now', 10), ['see', '/a/very/long/path/indeed', 'now']);
});

test('lines of the text stay lines, and what is indented stays so', () => {
  assert.equal(wrap('a list:\n  one two three', 10), ['a list:', '  one two', '    three']);
});

test('a first word that is no name gets a capital', () => {
  assert.is(sentence('carry it over again'), 'Carry it over again');
  assert.is(sentence("don't"), "Don't");
  assert.is(sentence('docker.service is not enabled'), 'docker.service is not enabled');
  assert.is(sentence('--plain-http'), '--plain-http');
  assert.is(sentence('h1 is down'), 'h1 is down');
});

test('a name folds after a separator', () => {
  assert.equal(fold('hub.company.com/library/nginx:1.25', 20), ['hub.company.com/', 'library/nginx:1.25']);
  assert.equal(fold('plant-7 2026.11', 13), ['plant-7', '2026.11']);
  assert.equal(fold('abcdefghij', 4), ['abcd', 'efgh', 'ij']);
  assert.is(fold('hub.company.com/library/nginx:1.25', 20).join(''), 'hub.company.com/library/nginx:1.25');
});

test('what is cut says so', () => {
  assert.is(truncate('abcdef', 4), 'abc…');
  assert.is(truncate('abcd', 4), 'abcd');
});

test.run();
