import * as assert from 'uvu/assert';
import { overlaps, parseNetwork } from '../../src/support/ipv4.ts';
import { suite } from './suite.ts';

const test = suite('IPv4 networks');

test('bits of the host do not matter, a single address is a network of one', () => {
  assert.equal(parseNetwork('10.77.0.200/24'), parseNetwork('10.77.0.0/24'));
  assert.equal(parseNetwork('0.0.0.0/0'), { first: 0, last: 2 ** 32 - 1 });
  assert.equal(parseNetwork('255.255.255.255'), { first: 2 ** 32 - 1, last: 2 ** 32 - 1 });
});

test('what is no network is none', () => {
  for (const text of ['', '10.0.0', '256.0.0.1', '10.0.0.0/33', 'fe80::1', '10.0.0.0/24 ', '1.2.3.4/-1'])
    assert.is(parseNetwork(text), undefined, text);
});

test('networks meet when one holds the other, or they are the same', () => {
  const meet = (a: string, b: string): boolean => {
    const [one, other] = [parseNetwork(a), parseNetwork(b)];
    if (!one || !other) throw new Error('no network');
    assert.is(overlaps(one, other), overlaps(other, one));
    return overlaps(one, other);
  };
  assert.ok(meet('10.0.0.0/8', '10.77.3.0/24'));
  assert.ok(meet('172.17.0.1/16', '172.17.255.255'));
  assert.not.ok(meet('172.17.0.0/16', '172.18.0.0/16'));
  assert.not.ok(meet('10.0.0.0/24', '10.0.1.0/24'));
});

test.run();
