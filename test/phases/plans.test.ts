import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { emptyState, type HostState } from '../../src/host/state.ts';
import { createDockerGroup } from '../../src/phases/create-docker-group.ts';
import { findDrift } from '../../src/phases/drift.ts';
import { enableIpForward } from '../../src/phases/enable-ip-forward.ts';
import { parseVersions } from '../../src/phases/inspect-engine.ts';
import { type HostContext, type Phase, stateAfter } from '../../src/phases/phase.ts';
import { startEngine } from '../../src/phases/start-engine.ts';
import { switchRelease } from '../../src/phases/switch-release.ts';
import { trustRegistry } from '../../src/phases/trust-registry.ts';
import { writeDaemonJson } from '../../src/phases/write-daemon-json.ts';
import { writeUnits } from '../../src/phases/write-units.ts';
import { suite } from '../support/suite.ts';
import { context, FACTS, reporter, survey, wanted, wantedEngine } from './context.ts';

const test = suite('plans');
const DAEMON = '/etc/docker/daemon.json';
const OWN = '/var/lib/airferry/daemon.own.json';
const sha = (text: string): string => createHash('sha256').update(text).digest('hex');

const planOf = async (
  phase: Phase,
  over: Partial<HostContext> = {},
): Promise<Awaited<ReturnType<Phase['plan']>>> => phase.plan(context(over), reporter());

const file = (text: string, mode = '0644') =>
  ({ kind: 'file', mode, size: text.length, sha256: sha(text) }) as const;

test('daemon.json: ours over the operator’s, who keeps his own settings, mode and original', async () => {
  const theirs = '{"log-level": "warn", "debug": false}';
  const plan = await planOf(writeDaemonJson, {
    survey: survey(
      { [DAEMON]: file(theirs, '0600'), [OWN]: { kind: 'absent' } },
      { contents: new Map([[DAEMON, theirs]]) },
    ),
  });
  const entry = plan?.files?.find(({ path }) => path === DAEMON);
  assert.is(entry?.mode, '0600');
  assert.is(entry?.sha256, sha('{\n  "log-level": "warn",\n  "debug": true\n}\n'));
  assert.ok(entry?.replaced);
  assert.equal(plan?.restart, ['docker.service']);
  assert.is(plan?.files?.find(({ path }) => path === OWN)?.mode, '0600');
});

test('daemon.json as we left it, over the settings that we kept, needs nothing', async () => {
  const [own, merged] = ['{\n  "log-level": "warn"\n}\n', '{\n  "log-level": "warn",\n  "debug": true\n}\n'];
  const files = [
    { path: DAEMON, kind: 'file', sha256: sha(merged), mode: '0644' } as const,
    { path: OWN, kind: 'file', sha256: sha(own), mode: '0600' } as const,
  ];
  const state: HostState = { ...emptyState(), files };
  const now = survey(
    { [DAEMON]: file(merged), [OWN]: file(own, '0600') },
    {
      contents: new Map([
        [DAEMON, merged],
        [OWN, own],
      ]),
    },
  );
  assert.is(await planOf(writeDaemonJson, { survey: now, state }), undefined);
  // A setting that has left the recipe leaves the host: the base is what the operator wrote, not what we did.
  const less = wanted({
    daemonJson: kept => ({ text: `${JSON.stringify(kept, undefined, 2)}\n`, warnings: [] }),
  });
  const plan = await planOf(writeDaemonJson, { survey: now, state, wanted: less });
  assert.is(plan?.files?.find(({ path }) => path === DAEMON)?.sha256, sha('{\n  "log-level": "warn"\n}\n'));
});

test('a daemon.json that cannot be read stops the host, and says where', async () => {
  const broken = '{"debug": true // yes\n}';
  const now = survey({ [DAEMON]: file(broken) }, { contents: new Map([[DAEMON, broken]]) });
  let thrown: unknown;
  try {
    await planOf(writeDaemonJson, { survey: now });
  } catch (error) {
    thrown = error;
  }
  assert.is((thrown as { code?: string }).code, 'DAEMON_JSON_INVALID');
});

test('units of another engine that are no longer wanted go, and both units are restarted', async () => {
  const state: HostState = {
    ...emptyState(),
    files: [
      {
        path: '/etc/systemd/system/docker.service.d/10-nofile.conf',
        kind: 'file',
        sha256: 'a'.repeat(64),
        mode: '0644',
      },
    ],
  };
  const plan = await planOf(writeUnits, { state, wanted: wanted({ engine: wantedEngine('26.1.5') }) });
  assert.equal(plan?.gone, ['/etc/systemd/system/docker.service.d/10-nofile.conf']);
  assert.equal(plan?.restart, ['containerd.service', 'docker.service']);
});

test('what was changed before an interruption is still restarted by the next run', async () => {
  const units = new Map([
    ['containerd.service', { active: 'active', enabled: 'enabled' }],
    ['docker.service', { active: 'active', enabled: 'enabled' }],
  ]);
  assert.is(await planOf(startEngine, { survey: survey({}, { units }) }), undefined);
  const state = { ...emptyState(), pending: ['docker.service'] };
  assert.equal((await planOf(startEngine, { survey: survey({}, { units }), state }))?.changes, [
    'restart docker.service',
  ]);
});

test('a unit that is not exactly active is started', async () => {
  for (const active of ['inactive', 'failed', 'activating', 'deactivating', '']) {
    const units = new Map([
      ['containerd.service', { active: 'active', enabled: 'enabled' }],
      ['docker.service', { active, enabled: 'enabled' }],
    ]);
    assert.equal(
      (await planOf(startEngine, { survey: survey({}, { units }) }))?.changes,
      ['start docker.service'],
      active,
    );
  }
});

test('a switch names both engines and takes away programs that the new one lacks', async () => {
  const state: HostState = {
    ...emptyState(),
    release: {
      version: '19.03.15',
      archive: `sha256:${'c'.repeat(64)}`,
      path: '/opt/airferry/releases/19.03.15-cccccccccccc',
    },
    files: [
      {
        path: '/usr/local/bin/containerd-shim',
        kind: 'link',
        target: '/opt/airferry/current/bin/containerd-shim',
      },
    ],
  };
  const plan = await planOf(switchRelease, { state });
  assert.is(plan?.changes[0], 'switch to engine 20.10.24 from 19.03.15');
  assert.equal(plan?.gone, ['/usr/local/bin/containerd-shim']);
});

test('forwarding that was on before is not ours to switch on, nor off', async () => {
  assert.is(await planOf(enableIpForward, { facts: { ...FACTS, ipForward: true } }), undefined);
  const plan = await planOf(enableIpForward);
  assert.equal(plan?.made, [{ kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1', before: '0' }]);
  const state = stateAfter(emptyState(), plan ?? { changes: [], run: async () => undefined });
  const later = await planOf(enableIpForward, { facts: { ...FACTS, ipForward: true }, state });
  assert.is(later?.made?.[0]?.kind === 'sysctl' ? later.made[0].before : undefined, '0');
});

test('a registry gets its line and its CA, unless the operator has the line already', async () => {
  const registry = { address: 'hub.company.com:5000', ip: '172.11.1.107', ca: 'PEM', insecure: false };
  const plan = await planOf(trustRegistry, { wanted: wanted({ registry }) });
  assert.equal(plan?.changes, [
    'write /etc/docker/certs.d/hub.company.com:5000/ca.crt',
    'add to /etc/hosts: 172.11.1.107 hub.company.com # airferry',
  ]);
  const theirs = { ...FACTS, etcHosts: ['172.11.1.107 hub hub.company.com'] };
  assert.is(
    (await planOf(trustRegistry, { wanted: wanted({ registry }), facts: theirs }))?.changes.length,
    1,
  );
});

test('the group is made where there is none', async () => {
  assert.equal((await planOf(createDockerGroup))?.changes, ['create the group docker']);
  const facts = { ...FACTS, dockerGroup: { gid: 998, members: [] } };
  assert.is(await planOf(createDockerGroup, { facts }), undefined);
});

test('a state keeps one entry for each path and thing, and what is pending', () => {
  const change = (line: string) => ({ kind: 'hosts-line', line }) as const;
  const run = async (): Promise<void> => undefined;
  const one = stateAfter(emptyState(), {
    changes: [],
    files: [{ path: '/a', kind: 'dir' }],
    made: [change('1')],
    restart: ['x'],
    run,
  });
  const two = stateAfter(one, {
    changes: [],
    files: [{ path: '/a', kind: 'dir' }],
    made: [change('2')],
    restart: ['x', 'y'],
    run,
  });
  assert.equal(two.files, [{ path: '/a', kind: 'dir' }]);
  assert.equal(two.changes, [change('2')]);
  assert.equal(two.pending, ['x', 'y']);
});

test('drift: hash, mode, link target, missing, units', () => {
  const state: HostState = {
    ...emptyState(),
    release: { version: '20.10.24', archive: `sha256:${'c'.repeat(64)}`, path: '/opt/x' },
    files: [
      { path: '/mode', kind: 'file', sha256: sha('x'), mode: '0644' },
      { path: '/same', kind: 'file', sha256: sha('x'), mode: '0644' },
      { path: '/link', kind: 'link', target: 'a' },
      { path: '/gone', kind: 'dir' },
    ],
    changes: [{ kind: 'hosts-line', line: '\n1.2.3.4 hub # airferry' }],
  };
  const now = survey(
    { '/mode': file('x', '0600'), '/same': file('x'), '/link': { kind: 'link', target: 'b' } },
    {
      units: new Map([
        ['containerd.service', { active: 'active', enabled: 'enabled' }],
        ['docker.service', { active: 'failed', enabled: 'enabled' }],
      ]),
      contents: new Map([['/etc/hosts', '127.0.0.1 localhost\n']]),
    },
  );
  assert.equal(
    findDrift(state, now).map(({ kind, what }) => `${kind} ${what}`),
    ['changed /mode', 'changed /link', 'missing /gone', 'changed /etc/hosts', 'not-running docker.service'],
  );
});

test('versions are read from what programs print', () => {
  const answer = `dockerd=Docker version 20.10.24+dfsg1, build 5d6db84
containerd=containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1
runc=runc version 1.1.5+ds1
init=tini version 0.19.0
compose=
`;
  assert.equal(parseVersions(answer), {
    dockerd: '20.10.24+dfsg1',
    containerd: '1.6.20~ds1',
    runc: '1.1.5+ds1',
    init: '0.19.0',
  });
});

test.run();
