import * as assert from 'uvu/assert';
import { DAEMON_KEYS } from '../../src/engine/daemon-keys.ts';
import { type DaemonContext, validateDaemonJson } from '../../src/engine/daemon-validate.ts';
import type { Finding } from '../../src/engine/finding.ts';
import { suite } from '../support/suite.ts';

const test = suite('engine/daemon-validate');

function findings(config: Record<string, unknown>, context: Partial<DaemonContext> = {}): Finding[] {
  return validateDaemonJson(config, { engine: '20.10.24', ...context });
}

/** The one finding that a config gives, as `severity key: message (suggestion)`. */
function only(config: Record<string, unknown>, context: Partial<DaemonContext> = {}): string {
  const all = findings(config, context);
  assert.is(all.length, 1, JSON.stringify(all));
  const { severity, key, message, suggestion = '' } = all[0] as Finding;
  return `${severity} ${key}: ${message} (${suggestion})`;
}

test('what is right is found right', () => {
  assert.equal(
    findings({
      'data-root': '/data/docker',
      'storage-driver': 'overlay2',
      'insecure-registries': ['hub.company.com', '10.0.0.0/8', '[::1]:5000'],
      'registry-mirrors': ['http://hub.company.com'],
      bip: '172.7.5.1/24',
      'exec-opts': ['native.cgroupdriver=systemd'],
      'live-restore': true,
      'log-driver': 'json-file',
      'log-opts': { 'max-size': '100m', 'max-file': '3' },
      'default-address-pools': [{ base: '172.80.0.0/16', size: 24 }],
      'default-ulimits': { nofile: { Name: 'nofile', Hard: 1024, Soft: 1024 } },
      features: { buildkit: true },
      hosts: ['unix:///run/docker.sock', 'tcp://127.0.0.1:2375'],
    }),
    [],
  );
  assert.equal(findings({}), []);
});

test('unknown keys get the nearest known one', () => {
  for (const [key, meant] of [
    ['date-root', 'data-root'],
    ['insecure-registry', 'insecure-registries'],
    ['registry-mirror', 'registry-mirrors'],
    ['log_driver', 'log-driver'],
    ['dataroot', 'data-root'],
    ['Debug', 'debug'],
    ['live-restroe', 'live-restore'],
  ])
    assert.is(
      only({ [key as string]: 'x' }),
      `error ${key}: "${key}" is no key of daemon.json (Did you mean "${meant}"?)`,
    );
  assert.match(only({ kubernetes: 1 }), 'Remove "kubernetes": dockerd does not start with it.');
});

test('keys of other engines are refused with the engine that has them', () => {
  for (const [key, value, engine, message] of [
    [
      'proxies',
      { 'http-proxy': 'x' },
      '20.10.24',
      /engine 20.10.24 does not know "proxies" yet: it came with 23/,
    ],
    ['features', { buildkit: true }, '18.06.3-ce', /it came with 18.09/],
    ['default-cgroupns-mode', 'host', '19.03.15', /it came with 20.10/],
    ['nri-opts', {}, '29.0.1', /it came with 29.7/],
    ['min-api-version', '1.24', '28.5.0', /it came with 29/],
    ['cluster-store', 'x', '24.0.9', /no longer knows "cluster-store": it is gone since 24/],
    ['oom-score-adjust', -500, '26.1.5', /gone since 26/],
    ['api-cors-header', '*', '29.0.1', /gone since 29/],
    ['graph', '/data', '24.0.9', /gone since 24 \(Rename it to "data-root".\)/],
  ] as const)
    assert.match(only({ [key]: value }, { engine }), message);
  assert.equal(findings({ graph: '/data' }, { engine: '23.0.6' }), []);
  assert.equal(findings({ proxies: { 'http-proxy': 'x' } }, { engine: '23.0.6' }), []);
  assert.equal(findings({ 'nri-opts': {} }, { engine: '29.7.0' }), []);
});

test('every key of 19.03 is known to 19.03', () => {
  const keys =
    'allow-nondistributable-artifacts api-cors-header authorization-plugins bip bridge builder cgroup-parent cluster-advertise cluster-store cluster-store-opts containerd containerd-namespace cpu-rt-period cpu-rt-runtime cri-containerd data-root debug default-address-pools default-gateway default-gateway-v6 default-ipc-mode default-runtime default-shm-size default-ulimits deprecated-key-path dns dns-opts dns-search exec-opts exec-root experimental features fixed-cidr fixed-cidr-v6 graph group hosts icc init init-path insecure-registries ip ip-forward ip-masq iptables ipv6 labels live-restore log-driver log-level log-opts max-concurrent-downloads max-concurrent-uploads metrics-addr mtu network-control-plane-mtu network-diagnostic-port no-new-privileges node-generic-resources oom-score-adjust pidfile raw-logs registry-mirrors runtimes seccomp-profile selinux-enabled shutdown-timeout storage-driver storage-opts swarm-default-advertise-addr tls tlscacert tlscert tlskey tlsverify userland-proxy userland-proxy-path userns-remap'.split(
      ' ',
    );
  const unknown = (engine: string): string[] =>
    findings(Object.fromEntries(keys.map(key => [key, null])), { engine })
      .filter(finding => /no key|does not know|no longer/.test(finding.message))
      .map(finding => finding.key);
  assert.equal(unknown('19.03.15'), []);
  assert.equal(unknown('20.10.24'), []);
  assert.equal(unknown('29.0.1').sort(), [
    'api-cors-header',
    'cluster-advertise',
    'cluster-store',
    'cluster-store-opts',
    'graph',
    'oom-score-adjust',
  ]);
  assert.is(DAEMON_KEYS.size, keys.length + 4 + 1 + 1 + 2 + 4 + 3 + 2);
});

test('each type is told from the others, with the value as it was meant', () => {
  for (const [key, value, message] of [
    [
      'insecure-registries',
      'hub.company.com',
      /must be a list of texts.*Write `"insecure-registries": \["hub.company.com"\]`/,
    ],
    ['insecure-registries', [1], /must be a list of texts/],
    ['debug', 'true', /must be true or false, without quotes \(Write `"debug": true`/],
    ['mtu', '1500', /must be a whole number, without quotes \(Write `"mtu": 1500`/],
    ['mtu', 1500.5, /must be a whole number/],
    ['bip', 1, /must be a text in quotes \(Write `"bip": "1"`/],
    ['data-root', ['/data'], /must be a text in quotes \(Write `"data-root": "\/data"`/],
    ['data-root', null, /must be a text/],
    ['log-opts', ['max-size=1m'], /must be an object whose values are texts/],
    ['features', { buildkit: 'true' }, /whose values are true or false/],
    ['runtimes', [], /must be an object/],
    ['default-address-pools', { base: '10.0.0.0/8', size: 24 }, /must be a list of objects/],
  ] as const)
    assert.match(only({ [key]: value }), message);
});

test('values of log-opts must be in quotes', () => {
  assert.is(
    only({ 'log-opts': { 'max-size': '100m', 'max-file': 3 } }),
    'error log-opts/max-file: the value of "max-file" in "log-opts" must be in quotes (Write `"max-file": "3"`.)',
  );
  assert.is(findings({ 'log-opts': { compress: true, labels: ['a'] } }).length, 2);
});

test('what the unit says already may not be said again', () => {
  assert.match(
    only({ hosts: ['unix:///run/docker.sock'] }, { flags: ['containerd', 'hosts'] }),
    /"hosts" is given in daemon.json and as a flag of the unit: dockerd refuses both together \(Remove "hosts", or do without docker.socket.\)/,
  );
  assert.match(only({ containerd: '/run/x.sock' }, { flags: ['containerd'] }), /Remove "containerd"/);
  assert.equal(findings({ hosts: ['unix:///run/docker.sock'] }, { flags: ['containerd'] }), []);
});

test('words with few values are checked', () => {
  assert.match(
    only({ 'log-level': 'warning' }),
    /"log-level" cannot be "warning" \(Did you mean "warn"\?\)|Choose one of/,
  );
  assert.match(only({ 'log-level': 'loud' }), /Choose one of debug, info/);
  assert.match(only({ 'log-driver': 'jsonfile' }), /Did you mean "json-file"/);
  assert.match(only({ 'storage-driver': 'overlay3' }), /Did you mean "overlay2?"/);
  assert.match(only({ 'storage-driver': 'my-plugin' }), /^warn /);
  assert.equal(findings({ 'log-driver': 'loki' }), []);
});

test('storage drivers are gone when they are gone', () => {
  assert.equal(findings({ 'storage-driver': 'devicemapper' }, { engine: '24.0.9' }), []);
  assert.match(only({ 'storage-driver': 'devicemapper' }, { engine: '25.0.0' }), /gone since 25/);
  assert.match(only({ 'storage-driver': 'aufs' }, { engine: '24.0.0' }), /gone since 24/);
  assert.match(only({ 'storage-driver': 'overlay' }, { engine: '24.0.0' }), /Use overlay2/);
});

test('bip is an address of a host with its mask', () => {
  for (const bip of ['172.7.5.1/24', '10.0.0.1/8', '192.168.1.129/25', '10.0.0.254/24'])
    assert.equal(findings({ bip }), []);
  for (const [bip, message] of [
    ['172.7.5.1', /lacks the length of its mask/],
    ['172.7.5.0/24', /address of the network/],
    ['172.7.5.255/24', /broadcast/],
    ['172.7.5.1/31', /mask that leaves no network/],
    ['172.7.5.1/4', /mask that leaves no network/],
    ['172.7.5.300/24', /no IPv4 address/],
    ['fd00::1/64', /no IPv4 address/],
    ['172.7.5.1/24 ', /no IPv4 address/],
  ] as const)
    assert.match(only({ bip }), message);
  assert.match(only({ bip: '172.7.5.1/24', bridge: 'br0' }), /exclude each other/);
});

test('mirrors need a scheme, and their host must be the one that was meant', () => {
  assert.is(
    only({ 'registry-mirrors': ['hub.company.com'], 'insecure-registries': ['hub.company.com'] }),
    'error registry-mirrors: the mirror "hub.company.com" has no scheme (Write "http://hub.company.com".)',
  );
  assert.match(
    only({ 'registry-mirrors': ['hub.company.com:5000'] }),
    /Write "https:\/\/hub.company.com:5000"/,
  );
  assert.match(only({ 'registry-mirrors': ['ftp://hub'] }), /has the scheme ftp/);
  assert.is(
    only({ 'registry-mirrors': ['http://hub.compnay.com'], 'insecure-registries': ['hub.company.com'] }),
    'warn registry-mirrors: the mirror\'s host hub.compnay.com is not among "insecure-registries", but hub.company.com is (Did you mean "http://hub.company.com"?)',
  );
  assert.equal(
    findings({
      'registry-mirrors': ['https://mirror.example.org/'],
      'insecure-registries': ['hub.company.com'],
    }),
    [],
  );
  const secret = only({ 'registry-mirrors': ['http://user:geheim@hub.company.com'] });
  assert.match(secret, /carries a user/);
  assert.not.match(secret, 'geheim');
  assert.match(only({ 'registry-mirrors': ['http://'] }), /is no URL/);
});

test('insecure registries are plain hosts', () => {
  assert.match(
    only({ 'insecure-registries': ['http://hub.company.com'] }),
    /^warn .*Write "hub.company.com"/,
  );
  assert.match(only({ 'insecure-registries': ['ftp://hub.company.com'] }), /^error/);
  assert.match(only({ 'insecure-registries': ['hub company'] }), /^error/);
  assert.match(only({ 'insecure-registries': [''] }), /^error/);
});

test('the API open to the network without certificates is said, and is an error where dockerd refuses it', () => {
  const open = { hosts: ['tcp://0.0.0.0:2375'] };
  assert.match(only(open), /^warn hosts: .*root on the host/);
  assert.match(only({ ...open, tlsverify: false }, { engine: '27.0.0' }), /^error hosts/);
  assert.match(only({ ...open, tls: false }, { engine: '26.1.5' }), /^warn hosts/);
  assert.equal(findings({ ...open, tlsverify: true }), []);
});

test('keys that are in the source of dockerd, but that it refuses, are refused', () => {
  for (const key of [
    'resolv-conf',
    'default-init',
    'containerd-plugin-namespace',
    'swarm-raft-election-tick',
  ])
    assert.match(only({ [key]: 'x' }), 'is no key of daemon.json');
});

test('addresses, networks, sizes and attributes have their form', () => {
  for (const [key, right, wrong] of [
    ['dns', ['10.0.0.1', 'fd00::1'], ['dns.company.com']],
    ['default-gateway', '10.0.0.1', '10.0.0'],
    ['fixed-cidr', '10.0.0.0/24', '10.0.0.0'],
    ['fixed-cidr-v6', 'fd00::/64', 'fd00::/129'],
    ['default-shm-size', '64M', 'much'],
    ['labels', ['site=plant-7'], ['plant-7']],
  ] as const) {
    assert.equal(findings({ [key]: right }), []);
    assert.match(only({ [key]: wrong }), new RegExp(`^error ${key}: .* in "${key}" is not `));
  }
});

test('the default runtime is one that there is', () => {
  assert.match(only({ 'default-runtime': 'nvidia' }), /names "nvidia", which "runtimes" does not have/);
  assert.equal(
    findings({
      'default-runtime': 'nvidia',
      runtimes: { nvidia: { path: '/usr/bin/nvidia-container-runtime' } },
    }),
    [],
  );
  assert.equal(findings({ 'default-runtime': 'io.containerd.runc.v2' }), []);
  assert.match(
    only({ runtimes: { nvidia: '/usr/bin/nvidia-container-runtime' } }),
    /whose values are objects/,
  );
});

test('proxies are three', () => {
  assert.match(
    only({ proxies: { http_proxy: 'http://proxy:3128' } }, { engine: '23.0.6' }),
    /Did you mean "http-proxy"/,
  );
});

test('paths, cgroup drivers and pools have their form', () => {
  assert.match(only({ 'data-root': 'data/docker' }), /is not an absolute path/);
  assert.match(only({ 'exec-opts': ['native.cgroupdriver=system'] }), /native.cgroupdriver=systemd/);
  assert.match(only({ 'exec-opts': ['native.cgroupdriver:systemd'] }), /native.cgroupdriver=systemd/);
  assert.match(only({ 'default-address-pools': [{ base: '172.80.0.0', size: 24 }] }), /pool 1/);
  assert.match(only({ 'default-address-pools': [{ base: '172.80.0.0/16', size: 8 }] }), /pool 1/);
});

test('on a fresh engine 29, data-root is not where images go', () => {
  assert.match(
    only({ 'data-root': '/data' }, { engine: '29.0.1' }),
    /^warn data-root: .*\/var\/lib\/containerd/,
  );
  assert.equal(findings({ 'data-root': '/data', 'storage-driver': 'overlay2' }, { engine: '29.0.1' }), []);
});

test('what a template leaves to the site must be given', () => {
  const needs = ['registry-mirrors'];
  assert.match(only({}, { needs }), /"registry-mirrors" is left to the site/);
  assert.match(only({ 'registry-mirrors': [] }, { needs }), /left to the site/);
  assert.equal(findings({ 'registry-mirrors': ['https://hub.company.com'] }, { needs }), []);
});

test('findings come in the order of the file, each at its place', () => {
  const places = new Map([
    ['log-opts', { line: 2, column: 3 }],
    ['log-opts/max-file', { line: 4, column: 5 }],
    ['nonsense', { line: 9, column: 3 }],
  ]);
  const all = findings({ 'log-opts': { 'max-file': 3 }, nonsense: 1, mtu: 'x' }, { places });
  assert.equal(
    all.map(({ key, line, column }) => [key, line, column]),
    [
      ['log-opts/max-file', 4, 5],
      ['nonsense', 9, 3],
      ['mtu', undefined, undefined],
    ],
  );
});

test('whatever value a key has, there are findings and no crash', () => {
  const values = [
    null,
    true,
    0,
    -1,
    1e308,
    '',
    'x',
    '\u0000',
    [],
    [null],
    [[]],
    ['x'],
    [{}],
    {},
    { x: null },
    { x: {} },
    { base: {}, size: 'x' },
  ];
  for (const engine of ['18.03.1-ce', '20.10.24', '29.7.0'])
    for (const key of [...DAEMON_KEYS.keys(), '__proto__', 'constructor', ''])
      for (const value of values)
        for (const finding of findings(Object.fromEntries([[key, value]]), { engine, flags: ['containerd'] }))
          assert.ok(finding.message.length > 10);
});

test.run();
