import * as assert from 'uvu/assert';
import { isInImageSet, unmatched } from '../../src/config/fleet-images.ts';
import { parseReference } from '../../src/content/reference.ts';
import { suite } from '../support/suite.ts';

const test = suite('config/fleet-images');

const has = (name: string, ...set: string[]): boolean => isInImageSet([parseReference(name)], set);

test('a name is that tag, a name without a tag is all of them, a glob is what it matches', () => {
  assert.ok(has('nginx:1.25', 'nginx:1.25'));
  assert.ok(has('nginx:1.25', 'nginx'));
  assert.ok(has('nginx:1.25', 'docker.io/library/nginx:1.25'));
  assert.ok(has('nginx:1.25', 'docker.io/library/nginx'));
  assert.ok(has('hub.company.com:5000/web/app:2', 'hub.company.com:5000/web/app'));
  assert.ok(has('hub.company.com/web/app:2', 'hub.company.com/web/*'));
  assert.ok(has('redis:7', '*:7'));
  assert.not.ok(has('nginx:1.26', 'nginx:1.25'));
  assert.not.ok(has('nginx-exporter:1', 'nginx'));
  assert.not.ok(has('hub.company.com/nginx:1.25', 'nginx'));
});

test('no set is every image, an empty one none; any of an image’s names will do', () => {
  assert.ok(isInImageSet([], undefined));
  assert.not.ok(has('nginx:1.25'));
  assert.ok(isInImageSet([parseReference('a:1'), parseReference('b:1')], ['b']));
});

test('patterns that no image has are told', () => {
  assert.equal(unmatched(['nginx', 'ngnix', 'x*', '%'], [[parseReference('nginx:1')]]), ['ngnix', 'x*', '%']);
});

test.run();
