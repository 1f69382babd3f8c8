import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { hostsOf, loadFleet, parseFleet } from '../../src/config/fleet.ts';
import { suite } from '../support/suite.ts';
import { refusal, refusedFleet } from './refused.ts';

const test = suite('config/fleet');

const parse = (text: string, environment: Record<string, string> = {}) =>
  parseFleet(text, { file: '/site/fleet.yaml', home: '/home/ops', environment });

const WHOLE = `defaults: { user: ops, identity: ~/.ssh/id_ed25519, sudo: true }
registry: { address: hub.company.com, ip: 172.11.1.107, ca: ./ca.crt }
hosts:
  - { name: h1, address: 10.77.0.11 }
  - { name: "node[01:40]", address: "node[01:40].site", bastion: ops@gate, groups: [workers] }
groups:
  workers: { daemon: { values: { bip: 172.7.5.1/24 } } }
`;

test('a whole fleet: ranges written out, defaults, groups and host laid over each other', () => {
  const fleet = parse(WHOLE);
  assert.equal(fleet.registry, {
    address: 'hub.company.com',
    ip: '172.11.1.107',
    ca: '/site/ca.crt',
    insecure: false,
    at: { line: 2, column: 1 },
  });
  const hosts = hostsOf(fleet);
  assert.is(hosts.length, 41);
  const [h1] = hosts;
  assert.is(h1?.name, 'h1');
  assert.is(h1?.address, '10.77.0.11');
  assert.is(h1?.user, 'ops');
  assert.is(h1?.sudo, true);
  assert.is(h1?.identity, '/home/ops/.ssh/id_ed25519');
  assert.is(h1?.bastion, undefined);
  assert.is(h1?.port, undefined);
  assert.is(h1?.daemon, undefined);
  const last = hosts.at(-1);
  assert.is(last?.name, 'node40');
  assert.is(last?.address, 'node40.site');
  assert.equal(last?.bastion, ['ops@gate']);
  assert.equal(last?.groups, ['workers']);
  assert.equal(last?.at, { line: 5, column: 5 });
  assert.equal(last?.daemon, {
    template: undefined,
    values: { bip: '172.7.5.1/24' },
    keys: { bip: { line: 7, column: 34 } },
    at: { line: 7, column: 14 },
  });
});

test('later groups win over earlier ones, and the host over all; daemon values are merged in depth', () => {
  const [host] = hostsOf(
    parse(`defaults:
  port: 2222
  daemon: { template: default, values: { log-opts: { max-size: 1m, max-file: "3" }, dns: [10.0.0.1] } }
groups:
  a: { user: a, port: 1, daemon: { template: production, values: { log-opts: { max-size: 2m } } } }
  b: { user: b, daemon: { values: { log-opts: { max-size: 3m }, mtu: 1400, bip: 172.7.5.1/24 } } }
  c:
hosts:
  - name: h
    groups: [b, a, c]
    sudo: false
    bastion: [x@one, y@two:2200]
    daemon: { values: { dns: [10.0.0.2], bip: null } }
`),
  );
  assert.is(host?.user, 'a');
  assert.is(host?.port, 1);
  assert.is(host?.sudo, false);
  assert.is(host?.address, 'h');
  assert.equal(host?.bastion, ['x@one', 'y@two:2200']);
  assert.is(host?.daemon?.template, 'production');
  assert.equal(host?.daemon?.values, {
    'log-opts': { 'max-size': '2m', 'max-file': '3' },
    dns: ['10.0.0.2'],
    mtu: 1400,
    bip: null,
  });
  assert.equal(host?.daemon?.keys.dns, { line: 13, column: 25 });
});

test('an empty bastion list takes the default jump away', () => {
  const [one, two] = hostsOf(
    parse('defaults: { bastion: ops@gate }\nhosts: [{ name: a, bastion: [] }, { name: b }]'),
  );
  assert.equal(one?.bastion, []);
  assert.equal(two?.bastion, ['ops@gate']);
});

test('ranges keep the width of their beginning, multiply, and are named in order', () => {
  const names = (pattern: string) => parse(`hosts: [{ name: "${pattern}" }]`).hosts.map(host => host.name);
  assert.equal(names('n[8:11]'), ['n8', 'n9', 'n10', 'n11']);
  assert.equal(names('n[08:11].x'), ['n08.x', 'n09.x', 'n10.x', 'n11.x']);
  assert.equal(names('n[099:101]'), ['n099', 'n100', 'n101']);
  assert.equal(names('r[1:2]-n[01:02]'), ['r1-n01', 'r1-n02', 'r2-n01', 'r2-n02']);
  assert.equal(names('n[5:5]'), ['n5']);
  assert.is(names('n[1:5000]').length, 5000);
});

test('IPv6 addresses are addresses', () => {
  assert.is(parse('hosts: [{ name: h, address: "fd00::11" }]').hosts[0]?.address, 'fd00::11');
});

const MISTAKES: [what: string, text: string, where: string, message: string, hint: string][] = [
  [
    'an unknown key',
    'hosts: [{ name: h, adress: x }]',
    '1:20',
    '`hosts[0].adress` is not a key that airferry knows',
    'Did you mean `address`?',
  ],
  [
    'a mistyped key in a group',
    'hosts: [{ name: h }]\ngroups: { w: { deamon: {} } }',
    '2:16',
    '`groups.w.deamon` is not a key that airferry knows',
    'Did you mean `daemon`?',
  ],
  [
    'no hosts',
    'defaults: { user: a }',
    '1:1',
    '`hosts` is missing: it must be a list, e.g. [{ name: h1, address: 10.77.0.11 }]',
    '',
  ],
  ['an empty list of hosts', 'hosts: []', '1:8', '`hosts` must list at least one host', ''],
  [
    'a map of hosts',
    'hosts:\n  h1: { address: x }',
    '2:3',
    '`hosts` must be a list, e.g. [{ name: h1, address: 10.77.0.11 }]',
    'Begin each of its items with `- `.',
  ],
  [
    'a host that is a word',
    'hosts: [h1]',
    '1:9',
    '`hosts[0]` must be a map, e.g. { name: h1, address: 10.77.0.11 }',
    '',
  ],
  [
    'no instead of false',
    'hosts: [{ name: h, sudo: no }]',
    '1:26',
    '`hosts[0].sudo` must be true or false',
    'Write `sudo: false`: to YAML, `no` is text.',
  ],
  [
    'on instead of true',
    'defaults: { agent: On }\nhosts: [{ name: h }]',
    '1:20',
    '`defaults.agent` must be true or false',
    'Write `agent: true`: to YAML, `On` is text.',
  ],
  [
    'a port in quotes',
    'hosts: [{ name: h, port: "22" }]',
    '1:26',
    '`hosts[0].port` must be a whole number from 1 to 65535',
    'Write it without quotes, `port: 22`.',
  ],
  [
    'a port out of range',
    'hosts: [{ name: h, port: 70000 }]',
    '1:26',
    '`hosts[0].port` must be a whole number from 1 to 65535',
    '',
  ],
  [
    'a password',
    'defaults: { password: hunter2 }\nhosts: [{ name: h }]',
    '1:13',
    '`defaults.password` would keep a secret in a file that is copied, mailed and versioned',
    'Take `password` out. For logging in, use a key or an SSH agent, or set AIRFERRY_SSH_PASSWORD. For sudo, give --ask-sudo-password or set AIRFERRY_SUDO_PASSWORD.',
  ],
  [
    'a sudo password',
    'hosts: [{ name: h, sudo-password: hunter2 }]',
    '1:35',
    '`hosts[0].sudo-password` must be { env: NAME } or { file: PATH }, never the password itself',
    '',
  ],
  [
    'a registry password',
    'hosts: [{ name: h }]\nregistry: { address: hub, password: hunter2 }',
    '2:27',
    '`registry.password` would keep a secret in a file that is copied, mailed and versioned',
    'Take it out and run `docker login`: airferry reads what that writes.',
  ],
  [
    'two hosts of one name',
    'hosts:\n  - { name: a }\n  - { name: b }\n  - { name: a }',
    '4:13',
    'a second host is called a; the first is at 2:13',
    'Give each host a name of its own.',
  ],
  [
    'a range that meets a name',
    'hosts: [{ name: n2 }, { name: "n[1:3]" }]',
    '1:31',
    'a second host is called n2; the first is at 1:17',
    'Give each host a name of its own.',
  ],
  [
    'ranges of two lengths',
    'hosts: [{ name: "n[1:3]", address: "a[1:2]" }]',
    '1:36',
    '`hosts[0].name` stands for 3 and `address` for 2 of them',
    'Use the same ranges in both.',
  ],
  [
    'a range in the name alone',
    'hosts: [{ name: "n[1:3]", address: 10.0.0.1 }]',
    '1:36',
    '`hosts[0].name` stands for 3 and `address` for 1 of them',
    'Use the same ranges in both.',
  ],
  [
    'a range with a dash',
    'hosts: [{ name: "n[01-40]" }]',
    '1:17',
    '`hosts[0].name` has brackets that are not a range of numbers',
    'Write `n[01:40]`.',
  ],
  [
    'a range of letters',
    'hosts: [{ name: "n[a:f]" }]',
    '1:17',
    '`hosts[0].name` has brackets that are not a range of numbers',
    'A range is written [01:40].',
  ],
  [
    'a range backwards',
    'hosts: [{ name: "n[9:1]" }]',
    '1:17',
    '`hosts[0].name` has the range [9:1], which ends before it begins',
    '',
  ],
  [
    'a range too wide',
    'hosts: [{ name: "n[1:5001]" }]',
    '1:17',
    '`hosts[0].name` stands for more than 5000 hosts',
    '',
  ],
  [
    'too many hosts in all',
    'hosts: [{ name: "a[1:3000]" }, { name: "b[1:3000]" }]',
    '1:32',
    'the fleet has more than 5000 hosts',
    'Divide it into several files.',
  ],
  [
    'a name with a slash',
    'hosts: [{ name: a/b }]',
    '1:17',
    '`hosts[0].name` must be letters, digits and . _ -, e.g. h1, not a/b',
    '',
  ],
  [
    'a name with a dash in front',
    'hosts: [{ name: -oProxyCommand=x }]',
    '1:17',
    '`hosts[0].name` must be a name, e.g. h1 or node[01:40]',
    '',
  ],
  [
    'user and port in the address',
    'hosts: [{ name: h, address: "ops@10.0.0.1:2222" }]',
    '1:29',
    '`hosts[0].address` must be a host name or an IP address alone',
    'Write `address: 10.0.0.1, user: ops, port: 2222`.',
  ],
  [
    'IPv6 in brackets',
    'hosts: [{ name: h, address: "[fd00::1]" }]',
    '1:29',
    '`hosts[0].address` must be an IPv6 address without brackets',
    'Write "fd00::1".',
  ],
  [
    'an unknown group',
    'hosts: [{ name: h, groups: [wokers] }]\ngroups: { workers: }',
    '1:29',
    'there is no group called wokers',
    'Did you mean workers?',
  ],
  [
    'a group that is not defined',
    'hosts: [{ name: h, groups: [db] }]',
    '1:29',
    'there is no group called db',
    'Define it: `groups: { db: {} }`.',
  ],
  [
    'a group named twice',
    'hosts: [{ name: h, groups: [a, a] }]\ngroups: { a: }',
    '1:32',
    'the group a is named twice',
    '',
  ],
  [
    'a group with a strange name',
    'hosts: [{ name: h }]\ngroups: { "a,b": {} }',
    '2:11',
    'a,b cannot be the name of a group: it must be letters, digits and . _ + -',
    '',
  ],
  [
    "another user's home",
    'defaults: { identity: ~root/.ssh/id }\nhosts: [{ name: h }]',
    '1:23',
    "`defaults.identity` names another user's home folder",
    'Write the whole path.',
  ],
  [
    'a registry with a scheme',
    'hosts: [{ name: h }]\nregistry: { address: "http://hub:5000/v2" }',
    '2:22',
    '`registry.address` must be host or host:port, without http:// and without a path',
    'Write `address: hub:5000`. For plain HTTP, add `insecure: true`.',
  ],
  [
    'a registry port out of range',
    'hosts: [{ name: h }]\nregistry: { address: "hub:99999" }',
    '2:22',
    '`registry.address` must be host or host:port, without http:// and without a path',
    '',
  ],
  [
    'a registry ip that is none',
    'hosts: [{ name: h }]\nregistry: { address: hub, ip: 172.11.1.1077 }',
    '2:31',
    '`registry.ip` must be an IP address, e.g. 172.11.1.107, not 172.11.1.1077',
    '',
  ],
  [
    'an insecure registry with a CA',
    'hosts: [{ name: h }]\nregistry: { address: hub, ca: a, insecure: true }',
    '2:34',
    '`registry.insecure` and `registry.ca` exclude each other: plain HTTP has no certificates',
    'Take one of them out.',
  ],
  [
    'a bastion that is an option',
    'hosts: [{ name: h, bastion: -oProxyCommand=x }]',
    '1:29',
    '`hosts[0].bastion` must be user@host or user@host:port',
    '',
  ],
  [
    'a bastion of the wrong kind',
    'hosts: [{ name: h, bastion: { user: x } }]',
    '1:29',
    '`hosts[0].bastion` must be user@host[:port], or a list of them in the order of the jumps',
    '',
  ],
];

for (const [what, text, where, message, hint] of MISTAKES) {
  test(`${what} is refused at its place, with what to do`, async () => {
    assert.equal(await refusedFleet(text), {
      code: 'FLEET_INVALID',
      where: `fleet.yaml:${where}`,
      message,
      hint,
    });
  });
}

test('the value of a secret is never repeated', async () => {
  const { message, hint } = await refusedFleet(
    'hosts: [{ name: h, passphrase: hunter2, password: hunter2 }]',
  );
  assert.not.match(message + hint, 'hunter2');
});

test('a fleet is loaded from its file, and a missing one is said', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'airferry-fleet-'));
  try {
    await writeFile(join(folder, 'fleet.yaml'), WHOLE);
    const fleet = await loadFleet(join(folder, 'fleet.yaml'));
    assert.is(fleet.registry?.ca, join(folder, 'ca.crt'));
    const { code, hint } = await refusal(() => loadFleet(join(folder, 'flete.yaml')));
    assert.is(code, 'FILE_NOT_FOUND');
    assert.is(hint, 'Did you mean fleet.yaml? Hosts can also be named without one: --host user@address.');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test.run();
