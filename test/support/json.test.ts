import * as assert from 'uvu/assert';
import { jsonIn } from '../../src/support/json.ts';
import { suite } from './suite.ts';

const test = suite('json');

test('a text that is JSON gives its value, and any other nothing', () => {
  assert.equal(jsonIn('{"a":[1,null]}'), { a: [1, null] });
  assert.is(jsonIn('null'), null);
  for (const text of ['', '{', '<html>', '{"a":1} x', "{'a':1}"]) assert.is(jsonIn(text), undefined, text);
});

test.run();
