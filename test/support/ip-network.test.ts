import * as assert from 'uvu/assert';
import { overlaps, parseNetwork } from '../../src/support/ip-network.ts';
import { suite } from './suite.ts';

const test = suite('IP networks');

test('bits of the host do not matter, a single address is a network of one', () => {
  assert.equal(parseNetwork('10.77.0.200/24'), parseNetwork('10.77.0.0/24'));
  assert.equal(parseNetwork('0.0.0.0/0'), { version: 4, first: 0n, last: 2n ** 32n - 1n });
  assert.equal(parseNetwork('255.255.255.255'), { version: 4, first: 2n ** 32n - 1n, last: 2n ** 32n - 1n });
  assert.equal(parseNetwork('fd00:1::200/64'), parseNetwork('FD00:1:0:0::/64'));
  assert.equal(parseNetwork('::1'), { version: 6, first: 1n, last: 1n });
  assert.equal(parseNetwork('::/0')?.last, 2n ** 128n - 1n);
  assert.equal(parseNetwork('1:2:3:4:5:6:7:8'), parseNetwork('1:2:3:4:5:6:0.7.0.8'));
  assert.equal(parseNetwork('::ffff:10.0.0.1'), parseNetwork('::ffff:a00:1'));
});

test('what is no network is none', () => {
  const none = ['', '10.0.0', '256.0.0.1', '10.0.0.0/33', '10.0.0.0/24 ', '1.2.3.4/-1', '::/129', '1::2::3'];
  for (const text of [...none, ':', 'fe80::1%eth0', 'abc', '1:2:3:4:5:6:7:8:9'])
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
  assert.ok(meet('fd00::/8', 'fd12:3456::/64'));
  assert.not.ok(meet('172.17.0.0/16', '172.18.0.0/16'));
  assert.not.ok(meet('10.0.0.0/24', '10.0.1.0/24'));
  assert.not.ok(meet('fd00:1::/64', 'fd00:1:0:1::/64'));
  assert.not.ok(meet('0.0.0.0/0', '::/0'));
});

test.run();
