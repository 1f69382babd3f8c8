import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import { formatAddress, parseAddress } from '../../src/host/address.ts';
import { suite } from '../support/suite.ts';

const test = suite('host/address');

test('every form of an address is read', () => {
  const cases: [string, ReturnType<typeof parseAddress>][] = [
    ['h1', { address: 'h1', port: 22 }],
    ['10.77.0.11', { address: '10.77.0.11', port: 22 }],
    ['ops@10.77.0.11', { user: 'ops', address: '10.77.0.11', port: 22 }],
    ['ops@h1.site:2222', { user: 'ops', address: 'h1.site', port: 2222 }],
    ['[::1]:22', { address: '::1', port: 22 }],
    ['ops@[fd00::11]:2222', { user: 'ops', address: 'fd00::11', port: 2222 }],
    ['ops@fd00::11', { user: 'ops', address: 'fd00::11', port: 22 }],
    ['fe80::1%eth0', { address: 'fe80::1%eth0', port: 22 }],
    ['ssh://ops@h1:2022', { user: 'ops', address: 'h1', port: 2022 }],
    ['node_1.site', { address: 'node_1.site', port: 22 }],
  ];
  for (const [text, expected] of cases) assert.equal(parseAddress(text), expected, text);
});

test('what is formatted reads back the same', () => {
  for (const text of ['h1', 'ops@h1:2222', 'ops@[fd00::11]:2222', 'ops@fd00::11', '10.0.0.1']) {
    assert.is(formatAddress(parseAddress(text)), text);
  }
});

test('what is no address is refused with the code that the caller chose', () => {
  const bad = [
    '',
    'ops@',
    '@h1',
    'h1:',
    'h1:0',
    'h1:65536',
    'h1:ssh',
    'h 1',
    '-oProxyCommand=x',
    'ops@-h1',
    'o ps@h1',
    '[h1]:22',
    '[::1',
    'a@b@c',
    'h1/x',
    `${'h'.repeat(600)}`,
    'h1\n',
  ];
  for (const text of bad) {
    assert.throws(
      () => parseAddress(text),
      (error: unknown) => isAirferryError(error, 'USAGE') && error.suggestions.length > 0,
      JSON.stringify(text),
    );
  }
  assert.throws(
    () => parseAddress('h1:x', 'FLEET_INVALID'),
    (error: unknown) => isAirferryError(error, 'FLEET_INVALID'),
  );
});

test.run();
