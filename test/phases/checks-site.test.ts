/** The part of the preflight that looks at the site around a host: networks, names, packages, how the kernel was built. */
import * as assert from 'uvu/assert';
import type { GatheredFacts } from '../../src/host/facts.ts';
import { parseFacts } from '../../src/host/facts-parse.ts';
import { ASKED_KERNEL_OPTIONS } from '../../src/host/kernel-options.ts';
import { checkHost } from '../../src/phases/checks/check.ts';
import { checkFleet, tellTwins } from '../../src/phases/checks/fleet.ts';
import type { CheckInput } from '../../src/phases/checks/input.ts';
import type { Finding } from '../../src/phases/finding.ts';
import { suite } from '../support/suite.ts';
import { FACTS, survey, wanted, wantedEngine } from './context.ts';

const test = suite('preflight of a site');

function check(facts: Partial<GatheredFacts> = {}, input: Partial<CheckInput> = {}): Finding[] {
  return checkHost({
    facts: { ...FACTS, ...facts },
    dataRoot: '/var/lib/docker',
    wanted: wanted(),
    ...input,
  });
}

/** `level id` of what is not ok and was not there on a host as it should be. */
function problems(...args: Parameters<typeof check>): string[] {
  const usual = new Set(check().map(({ level, id }) => `${level} ${id}`));
  return check(...args)
    .map(({ level, id }) => `${level} ${id}`)
    .filter(line => !line.startsWith('ok ') && !usual.has(line));
}

/** A bundle whose daemon.json says this. */
function configured(daemon: Record<string, unknown>): Partial<CheckInput> {
  const json = { text: JSON.stringify(daemon), warnings: [] };
  return { wanted: wanted({ daemonJson: () => json }), survey: survey() };
}

const without = (...names: string[]): Partial<GatheredFacts> => ({
  kernelConfig: { file: '/x', enabled: ASKED_KERNEL_OPTIONS.filter(name => !names.includes(name)) },
});

const CASES: [name: string, facts: Partial<GatheredFacts>, input: Partial<CheckInput>, expected: string[]][] =
  [
    ['a kernel without bridges', without('BRIDGE', 'VETH'), {}, ['error kernel-config-vital']],
    ['a kernel without POSIX queues', without('POSIX_MQUEUE'), {}, ['warn kernel-config-needed']],
    ['a kernel without IPVS and macvlan', without('IP_VS', 'MACVLAN'), {}, ['info kernel-config-optional']],
    [
      'what only older kernels have',
      without('NF_NAT_IPV4', 'MEMCG_KMEM', 'DEVPTS_MULTIPLE_INSTANCES'),
      {},
      [],
    ],
    ['what only cgroup v1 needs', without('CGROUP_DEVICE'), {}, []],
    [
      'the same on v1',
      {
        ...without('CGROUP_DEVICE'),
        cgroup: { version: 1, controllers: ['cpu', 'memory', 'devices', 'freezer', 'cpuset', 'pids'] },
      },
      {},
      ['warn kernel-config-needed'],
    ],
    ['a kernel that does not tell', { kernelConfig: undefined }, {}, ['info kernel-config']],
    [
      'modules that are not loaded',
      { modules: [{ name: 'br_netfilter', loaded: false }] },
      {},
      ['info modules'],
    ],
    [
      'bip on a network that the host is in',
      { routes: [{ network: '10.200.0.0/16', device: 'eth1' }] },
      configured({ bip: '10.200.3.1/24' }),
      ['error bridge-address'],
    ],
    ['bip on the name server', {}, configured({ bip: '10.77.0.200/24' }), ['error bridge-address']],
    [
      'the default bridge on a name server behind the default route',
      { dns: { servers: ['172.17.0.53'], upstream: false } },
      {},
      ['error bridge-address'],
    ],
    [
      'the default bridge on a route, out of whose way it moves',
      { routes: [{ network: '172.17.0.0/16', device: 'eth1' }] },
      {},
      [],
    ],
    [
      'the registry in the bridge',
      {},
      {
        ...configured({ bip: '172.11.1.1/24' }),
        registry: { address: 'hub.company.com', ip: '172.11.1.107', insecure: true },
      },
      ['error bridge-address'],
    ],
    [
      'a pool over a route',
      { routes: [{ network: '10.0.0.0/8', device: 'eth1' }] },
      configured({
        'default-address-pools': [
          { base: '10.210.0.0/16', size: 24 },
          { base: '192.168.0.0/16', size: 24 },
        ],
      }),
      ['warn address-pool-10.210.0.0/16'],
    ],
    [
      'IPv6 of the bridge on a route, and on a name server',
      {
        routes: [{ network: 'fd00:1::/64', device: 'eth0' }],
        dns: { servers: ['fd00:2::53%eth0'], upstream: false },
      },
      configured({ bip6: 'fd00:1::1/80', 'fixed-cidr-v6': 'fd00:2::/64' }),
      ['warn bridge-address-bip6', 'warn bridge-address-fixed-cidr-v6'],
    ],
    [
      'IPv6 of the bridge where nobody else is',
      { routes: [{ network: 'fd00:1::/64', device: 'eth0' }] },
      configured({ bip6: 'fd00:3::1/64' }),
      [],
    ],
    [
      'a pool of IPv6 over a route',
      { routes: [{ network: 'fd00:1:0:2::/64', device: 'eth0' }] },
      configured({ 'default-address-pools': [{ base: 'fd00:1::/48', size: 64 }] }),
      ['warn address-pool-fd00:1::/48'],
    ],
    [
      'ports on which the engine is to listen',
      {
        listening: [
          { port: 2376, loopback: false },
          { port: 9323, loopback: true },
        ],
      },
      configured({
        hosts: ['unix:///run/docker.sock', 'tcp://0.0.0.0:2376'],
        'metrics-addr': '127.0.0.1:9323',
      }),
      ['error port-2376', 'error port-9323'],
    ],
    [
      'a port of the engine of somebody else',
      { listening: [{ port: 2376, loopback: false }] },
      configured({}),
      ['warn port-2376'],
    ],
    [
      'a name server on the host alone',
      { dns: { servers: ['127.0.0.1'], upstream: false } },
      {},
      ['warn resolv-conf'],
    ],
    ['systemd-resolved', { dns: { servers: ['127.0.0.53'], upstream: true } }, {}, []],
    ['no name server', { dns: { servers: [], upstream: false } }, {}, ['info resolv-conf']],
    ['no machine-id', { machineId: '' }, {}, ['warn machine-id']],
    ['few files for one process', { limits: { 'fs/nr_open': 1024 } }, {}, ['warn limit-fs.nr_open']],
    ['podman in the clothes of Docker', { packages: ['podman-docker'] }, {}, ['warn package-podman-docker']],
    ['a package whose dockerd is not on the PATH', { packages: ['docker-ce'] }, {}, ['warn package-docker']],
    ['the command line of a package', { packages: ['docker-ce-cli'] }, {}, []],
    ['AppArmor without its parser', { apparmor: true }, {}, ['warn apparmor']],
    [
      'the same with an engine that demands it',
      { apparmor: true },
      { wanted: wanted({ engine: wantedEngine('26.1.5') }) },
      ['error apparmor'],
    ],
    ['AppArmor with it', { apparmor: true, tools: [...FACTS.tools, 'apparmor_parser'] }, {}, []],
    [
      'few keys',
      { limits: { 'kernel/keys/root_maxkeys': 200 } },
      {},
      ['warn limit-kernel.keys.root_maxkeys'],
    ],
    ['little memory', { memory: { total: 5e8, available: 4e8, swap: 0 } }, {}, ['warn memory']],
    ['a clock that nobody keeps', { timeSync: [] }, {}, ['info time-sync']],
  ];

for (const [name, facts, input, expected] of CASES) {
  test(`found: ${name}`, () => {
    assert.equal(problems(facts, input), expected);
  });
}

test('a snap is told from other engines, and is not to be taken over', () => {
  const facts = { packages: ['snap:docker'], processes: { dockerd: 1, containerd: 1, shims: 0 } };
  for (const adopt of [false, true]) {
    const found = check(facts, { adopt }).filter(({ id }) => /^(?:package-)?docker$/.test(id));
    assert.equal(
      found.map(({ level, id }) => `${level} ${id}`),
      ['error docker'],
    );
    assert.match(found[0]?.title ?? '', /from a snap \(\/snap\/docker\)/);
    assert.match(found[0]?.fix ?? '', /Save its images and volumes first.*snap remove docker/);
    assert.not.match(found[0]?.fix ?? '', /--adopt/);
  }
});

test('for podman-docker the remedy is named, and that there is nothing to adopt', () => {
  const { fix } =
    check({ packages: ['podman-docker'] }).find(({ id }) => id === 'package-podman-docker') ?? {};
  assert.match(fix ?? '', /dnf remove podman-docker.*nothing to adopt/);
});

test('each finding says why it matters and what to do', () => {
  for (const [name, facts, input] of CASES)
    for (const { level, id, why, fix } of check(facts, input))
      if (level !== 'ok') assert.ok(why !== '' && fix !== '', `${name}: ${id}`);
});

test('clones are told apart: each is told of its twins, whatever else it shares with whom', () => {
  const host = (name: string, hostname: string, machineId: string) => ({
    name,
    facts: { hostname, machineId },
  });
  const found = checkFleet([
    host('h1', 'node', 'aa'),
    host('h2', 'node', 'bb'),
    host('h3', 'other', 'bb'),
    host('h4', 'third', ''),
    host('h5', '', ''),
  ]);
  const told = [...found].map(([name, findings]) => `${name}: ${findings.map(({ id }) => id).join(' ')}`);
  assert.equal(told.sort(), [
    'h1: hostname-unique',
    'h2: hostname-unique machine-id-unique',
    'h3: machine-id-unique',
  ]);
  assert.match(found.get('h3')?.[0]?.title ?? '', 'h2');
});

test('what showed of twins before all were seen gives way to what shows then', () => {
  const facts = { hostname: 'node', machineId: '' };
  const seen = ['h1', 'h2', 'h3'].map(name => ({ name, facts }));
  const early = checkFleet(seen.slice(0, 2)).get('h2') ?? [];
  const other: Finding = { id: 'clock', level: 'ok', title: 'right', why: '', fix: '' };
  const hosts = [
    { name: 'h1', findings: [other] },
    { name: 'h2', findings: [...early, other] },
  ];
  tellTwins(hosts, seen);
  assert.equal(
    hosts.map(({ findings }) => findings.map(({ title }) => title)),
    [
      ['right', 'the host name node is also that of h2, h3'],
      ['right', 'the host name node is also that of h1, h3'],
    ],
  );
});

/** /etc/os-release as these distributions ship it. */
const RELEASES: Record<string, [id: string, text: string]> = {
  'openEuler 22.03 (LTS-SP3)': [
    'openEuler',
    'NAME="openEuler"\nVERSION="22.03 (LTS-SP3)"\nID="openEuler"\nVERSION_ID="22.03"\nPRETTY_NAME="openEuler 22.03 (LTS-SP3)"\nANSI_COLOR="0;31"\n',
  ],
  'Kylin Linux Advanced Server V10 (Lance)': [
    'kylin',
    'NAME="Kylin Linux Advanced Server"\nVERSION="V10 (Lance)"\nID="kylin"\nVERSION_ID="V10"\nPRETTY_NAME="Kylin Linux Advanced Server V10 (Lance)"\nANSI_COLOR="0;31"\n',
  ],
  'UnionTech OS Server 20': [
    'uos',
    'PRETTY_NAME="UnionTech OS Server 20"\nNAME="UnionTech OS Server 20"\nVERSION_ID="20"\nVERSION="20"\nID=uos\nHOME_URL="https://www.chinauos.com/"\nPLATFORM_ID="platform:uel20"\n',
  ],
  'AlmaLinux 9.4 (Seafoam Ocelot)': [
    'almalinux',
    'NAME="AlmaLinux"\nVERSION="9.4 (Seafoam Ocelot)"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"\n',
  ],
};

for (const [pretty, [id, text]] of Object.entries(RELEASES)) {
  test(`${pretty} is judged by what it has, not by its name`, () => {
    const lines = text.split('\n').map(line => `os=${line}\n`);
    const { os } = parseFacts(`${lines.join('')}end=1\n`);
    assert.equal([os.id, os.prettyName], [id, pretty]);
    assert.equal(problems({ os }), []);
    assert.match(check({ os })[0]?.title ?? '', pretty);
  });
}

test.run();
