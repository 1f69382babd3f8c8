import * as assert from 'uvu/assert';
import {
  type Digest,
  Digester,
  digestOf,
  hexOf,
  isDigest,
  parseDigest,
  shortDigest,
} from '../../src/content/digest.ts';
import { refusal } from '../engine/expect.ts';
import { suite } from '../support/suite.ts';

const test = suite('digest');
const EMPTY = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

test('the digest of nothing is the known one', () => {
  assert.is(digestOf(''), EMPTY);
  assert.is(new Digester().digest(), EMPTY);
});

test('a running digest is the digest of the whole, however it was cut', () => {
  const bytes = Buffer.from('one bundle crosses the gap');
  for (const size of [1, 3, 100]) {
    const digester = new Digester();
    for (let at = 0; at < bytes.length; at += size) digester.update(bytes.subarray(at, at + size));
    assert.is(digester.size, bytes.length);
    assert.is(digester.digest(), digestOf(bytes));
  }
});

test('sha512 is used where the name asks for it', () => {
  const like = `sha512:${'0'.repeat(128)}` as Digest;
  const digester = new Digester(like);
  digester.update(Buffer.from('x'));
  assert.match(digester.digest(), /^sha512:[0-9a-f]{128}$/);
  assert.match(
    digestOf('x', like),
    /^sha512:a4abd4448c49562d828115d13a1fccea927f52b4d5459297f8b43e42da89238b/,
  );
});

test('only sha256 and sha512 in lower case are digests', async () => {
  assert.ok(isDigest(EMPTY));
  assert.is(parseDigest(EMPTY), EMPTY);
  const bad = [
    '',
    'sha256:',
    EMPTY.toUpperCase(),
    `${EMPTY}0`,
    EMPTY.slice(0, -1),
    ` ${EMPTY}`,
    `${EMPTY}\n`,
  ];
  for (const text of [
    ...bad,
    `md5:${'0'.repeat(32)}`,
    `sha512:${'0'.repeat(64)}`,
    `sha256:${'g'.repeat(64)}`,
  ]) {
    assert.not(isDigest(text), text);
    await refusal(() => parseDigest(text), 'DIGEST_INVALID');
  }
  for (const value of [undefined, null, 7, {}, [EMPTY]]) assert.not(isDigest(value));
});

test('a long mistake is shortened in the message', async () => {
  const error = await refusal(() => parseDigest('x'.repeat(10_000)), 'DIGEST_INVALID');
  assert.ok(error.message.length < 120);
});

test('the parts of a digest', () => {
  assert.is(hexOf(EMPTY), EMPTY.slice(7));
  assert.is(shortDigest(EMPTY), 'sha256:e3b0c44298fc');
});

test.run();
