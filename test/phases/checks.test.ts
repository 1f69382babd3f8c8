import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import type { GatheredFacts } from '../../src/host/facts.ts';
import type { BinaryFacts } from '../../src/host/host-facts.ts';
import { emptyState } from '../../src/host/state.ts';
import { checkHost } from '../../src/phases/checks/check.ts';
import type { CheckInput } from '../../src/phases/checks/input.ts';
import type { Finding } from '../../src/phases/finding.ts';
import { suite } from '../support/suite.ts';
import { FACTS, survey, wanted, wantedEngine } from './context.ts';

const test = suite('preflight');

function check(facts: Partial<GatheredFacts> = {}, input: Partial<CheckInput> = {}): Finding[] {
  return checkHost({
    facts: { ...FACTS, ...facts },
    dataRoot: '/var/lib/docker',
    wanted: wanted(),
    ...input,
  });
}

/** `level id` of what is not ok. */
function problems(...args: Parameters<typeof check>): string[] {
  return check(...args)
    .filter(({ level }) => level !== 'ok' && level !== 'info')
    .map(({ level, id }) => `${level} ${id}`);
}

const paths = (over: Partial<GatheredFacts['paths'][number]>): GatheredFacts['paths'] =>
  FACTS.paths.map(place => ({ ...place, ...over }));

test('a plain Debian host has nothing against an install', () => {
  assert.equal(problems(), []);
  for (const { level, title } of check()) assert.ok(level === 'ok' || level === 'info', title);
});

test('everything that is no good says why and what to do', () => {
  const bad = check({ kernel: '2.6.32', iptables: undefined, systemd: 208, overlay: 'missing', tools: [] });
  for (const { level, id, why, fix } of bad) if (level !== 'ok') assert.ok(why !== '' && fix !== '', id);
});

const CASES: [name: string, facts: Partial<GatheredFacts>, input: Partial<CheckInput>, expected: string[]][] =
  [
    ['another architecture', { platform: 'linux/arm64' }, { platforms: ['linux/amd64'] }, ['error platform']],
    ['a machine without engines', { platform: undefined, machine: 'mips64' }, {}, ['error platform']],
    ['an old kernel', { kernel: '3.2.0-4' }, {}, ['error kernel']],
    ['kernel 3.10', { kernel: '3.10.0-1160.el7.x86_64' }, {}, []],
    ['kernel 10.1', { kernel: '10.1.0' }, {}, []],
    ['no cgroups', { cgroup: { version: undefined, controllers: [] } }, {}, ['error cgroups']],
    [
      'no memory controller',
      { cgroup: { version: 2, controllers: ['cpu', 'cpuset', 'pids'] } },
      {},
      ['error cgroups'],
    ],
    [
      'no pids controller',
      { cgroup: { version: 1, controllers: ['cpu', 'memory', 'devices', 'freezer', 'cpuset'] } },
      {},
      ['warn cgroups'],
    ],
    [
      'cgroup v2 and an old engine',
      {},
      { wanted: wanted({ engine: wantedEngine('19.03.15') }) },
      ['error cgroups'],
    ],
    ['no overlay', { overlay: 'missing' }, {}, ['error overlay']],
    ['no iptables', { iptables: undefined }, {}, ['error iptables']],
    ['iptables 1.3', { iptables: { version: '1.3.5', backend: 'legacy' } }, {}, ['error iptables']],
    ['no systemd', { systemd: undefined, init: 'init' }, {}, ['error systemd']],
    ['systemd 208', { systemd: 208 }, {}, ['error systemd']],
    ['systemd 219', { systemd: 219 }, {}, []],
    ['no sha256sum', { tools: ['tar', 'gzip', 'ps', 'xz'] }, {}, ['error tool-sha256sum']],
    ['xfs without ftype', { paths: paths({ type: 'xfs', ftype: false }) }, {}, ['error ftype']],
    ['NFS below', { paths: paths({ type: 'nfs4' }) }, {}, ['error file-system']],
    ['few inodes', { paths: paths({ inodesFree: 5000 }) }, {}, ['warn inodes']],
    ['firewalld', { firewalls: ['firewalld'] }, {}, ['warn firewalld']],
    ['an open API port', { listening: [{ port: 2375, loopback: false }] }, {}, ['warn port-2375']],
    ['a wrong clock', { clockSkewMs: -3_600_000 }, {}, ['warn clock']],
    [
      'no root',
      { privilege: { how: 'none', problem: new AirferryError('HOST_SUDO', 'no', { suggestions: ['do'] }) } },
      {},
      ['error root'],
    ],
  ];

for (const [name, facts, input, expected] of CASES) {
  test(`${name}: ${expected.join(', ') || 'is fine'}`, () => {
    assert.equal(problems(facts, input), expected);
  });
}

test('places on one file system are added up, with the numbers', () => {
  const space = { staging: 80e6, release: 280e6, images: 900e6 };
  assert.equal(problems({}, { space }), []);
  const [full] = check({ paths: paths({ free: 1e9 }) }, { space }).filter(({ id }) => id === 'space-/');
  assert.is(full?.level, 'error');
  assert.match(full?.title ?? '', '1.00 GB free on /, about 1.26 GB are needed: 900 MB for images');
  const apart = FACTS.paths.map(place =>
    place.path === '/opt/airferry' ? { ...place, mount: '/opt', free: 5e9 } : place,
  );
  assert.equal(problems({ paths: apart }, { space }), []);
});

test('a Docker of a package is refused with the way to remove it; ours and none are not', () => {
  const binary = (kind: 'dpkg' | 'rpm' | 'snap' | 'unknown', name?: string): Partial<GatheredFacts> => ({
    binaries: {
      dockerd: {
        path: '/usr/bin/dockerd',
        resolved: '/usr/bin/dockerd',
        version: '20.10.5',
        origin: name ? { kind, package: name } : { kind },
      },
    },
  });
  const fix = (facts: Partial<GatheredFacts>): string =>
    check(facts).find(({ id }) => id === 'docker')?.fix ?? '';
  assert.match(fix(binary('dpkg', 'docker.io')), 'apt-get remove docker.io');
  assert.match(fix(binary('rpm', 'docker-ce-20.10.5-3.el7.x86_64')), 'yum remove docker-ce ');
  assert.match(fix(binary('snap')), 'snap remove docker');
  assert.match(fix(binary('unknown')), 'aside');
  const state = {
    ...emptyState(),
    release: { version: '20.10.24', archive: `sha256:${'a'.repeat(64)}`, path: '/opt/airferry/releases/x' },
  };
  assert.equal(problems(binary('unknown'), { state }), []);
  assert.equal(
    problems(binary('unknown'), { wanted: wanted({ engine: undefined }) }),
    [],
    'a bundle of images needs an engine',
  );
});

test('a containerd that stands alone is refused, with the way to remove it', () => {
  const from = (origin: BinaryFacts['origin'], path = '/usr/bin/containerd'): BinaryFacts => ({
    path,
    resolved: path,
    origin,
  });
  const rpm = from({ kind: 'rpm', package: 'containerd.io-1.6.33-3.1.el7.x86_64' });
  const [found] = check({ binaries: { containerd: rpm } }).filter(({ id }) => id === 'containerd');
  assert.match(found?.fix ?? '', /yum remove containerd\.io\.$/);
  assert.match(found?.title ?? '', '/usr/bin/containerd');
  const unit = { units: ['/usr/lib/systemd/system/containerd.service'] };
  assert.equal(problems(unit), ['error containerd']);
  assert.equal(
    problems(unit, { state: emptyState() }),
    ['error containerd'],
    'a unit that is not in the state',
  );
  assert.equal(
    problems(unit, { wanted: wanted({ engine: undefined }) }),
    [],
    'a bundle of images needs it not',
  );
  const dpkg = (name: string): BinaryFacts => from({ kind: 'dpkg', package: name });
  const both = { binaries: { dockerd: dpkg('docker-ce'), containerd: dpkg('containerd.io') }, ...unit };
  assert.equal(problems(both), ['error docker'], 'one advice removes both');
  assert.match(
    check(both).find(({ id }) => id === 'docker')?.fix ?? '',
    'apt-get remove docker-ce containerd.io.',
  );
  assert.equal(problems({ binaries: { dockerd: from({ kind: 'snap' }), containerd: rpm } }), [
    'error docker',
    'error containerd',
  ]);
});

test('a containerd of ours is fine, however far the install came', () => {
  const path = '/etc/systemd/system/containerd.service';
  const files = [{ path, kind: 'file', sha256: 'a'.repeat(64), mode: '0644' } as const];
  const units = [path, `${path}.d/tasks.conf`];
  const ours: BinaryFacts = {
    path: '/usr/local/bin/containerd',
    resolved: '/opt/airferry/releases/x/bin/containerd',
    origin: { kind: 'airferry' },
  };
  const release = { version: '20.10.24', archive: `sha256:${'a'.repeat(64)}`, path: '/opt/x' };
  assert.equal(problems({ units }, { state: { ...emptyState(), files } }), [], 'no program linked yet');
  assert.equal(
    problems({ units, binaries: { containerd: ours } }, { state: { ...emptyState(), files } }),
    [],
  );
  assert.equal(problems({ units, binaries: { dockerd: ours, containerd: ours } }), [], 'the state was lost');
  assert.equal(problems({ units }, { state: { ...emptyState(), files, release } }), []);
});

test('an upgrade over the renaming of shims waits until no container runs', () => {
  const state = {
    ...emptyState(),
    release: { version: '18.06.3', archive: `sha256:${'a'.repeat(64)}`, path: '/opt/x' },
  };
  const running = { processes: { dockerd: 1, containerd: 1, shims: 2 } };
  assert.equal(problems(running, { state }), ['error shims']);
  assert.equal(problems({}, { state }), []);
});

test('what lies where a link has to go is named before anything is done', () => {
  const there = survey({
    '/usr/local/bin/dockerd': { kind: 'file', mode: '0755', size: 1, sha256: 'a'.repeat(64) },
  });
  assert.equal(problems({}, { survey: there }), ['error in-the-way-/usr/local/bin/dockerd']);
});

test("an /etc/hosts that sends the registry elsewhere is the operator's to correct", () => {
  const registry = { address: 'hub.company.com:5000', ip: '172.11.1.107', insecure: false };
  assert.equal(problems({ etcHosts: ['10.0.0.9 hub.company.com'] }, { registry }), ['error registry-name']);
  assert.equal(problems({ etcHosts: ['172.11.1.107 hub.company.com'] }, { registry }), []);
});

test.run();
