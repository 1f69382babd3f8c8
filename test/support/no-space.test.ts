import * as assert from 'uvu/assert';
import { saysNoSpace } from '../../src/support/no-space.ts';
import { suite } from './suite.ts';

const test = suite('no space');

test('a full disk and a used-up quota are known by their words, anywhere in a text', () => {
  assert.ok(saysNoSpace('write /var/lib/docker/tmp/x: no space left on device'));
  assert.ok(saysNoSpace('tar: x: Cannot write: No space left on device\nexiting'));
  assert.ok(saysNoSpace('mkdir /data: disk quota exceeded'));
  for (const other of ['', 'read-only file system', 'no space', 'input/output error'])
    assert.not(saysNoSpace(other), other);
});

test.run();
