/** What an upgrade and a rollback decide, without a host. */
import * as assert from 'uvu/assert';
import { canRollBack } from '../../src/actions/roll-back.ts';
import type { EngineAnswer } from '../../src/engine/info.ts';
import { AirferryError, type ErrorCode } from '../../src/errors.ts';
import {
  emptyState,
  formatState,
  type Generation,
  type HostState,
  parseState,
  type RanBefore,
} from '../../src/host/state.ts';
import { adoptDocker } from '../../src/phases/adopt-docker.ts';
import { generationOf } from '../../src/phases/backups.ts';
import { settled } from '../../src/phases/check-health.ts';
import { checkHost } from '../../src/phases/checks/check.ts';
import type { CheckInput } from '../../src/phases/checks/input.ts';
import { orphaning } from '../../src/phases/checks/upgrade.ts';
import { installImpact } from '../../src/phases/install-impact.ts';
import { keepPrevious } from '../../src/phases/keep-previous.ts';
import type { HostContext } from '../../src/phases/phase.ts';
import { chooseGeneration } from '../../src/phases/previous-release.ts';
import { type Container, judge, parseContainers, ranBefore } from '../../src/phases/running-containers.ts';
import { startEngine } from '../../src/phases/start-engine.ts';
import { validateConfig } from '../../src/phases/validate-config.ts';
import { writeDaemonJson } from '../../src/phases/write-daemon-json.ts';
import { suite } from '../support/suite.ts';
import { context, FACTS, localShell, reporter, survey, wanted, wantedEngine } from './context.ts';

const test = suite('upgrades');
const DAEMON = '/etc/docker/daemon.json';
const HEX = 'a'.repeat(64);
const ID = 'b'.repeat(64);
const TARGET = localShell().target;

const release = (version: string): Generation['release'] => ({
  version,
  archive: `sha256:${HEX}`,
  path: `/opt/airferry/releases/${version}-${HEX.slice(0, 12)}`,
});
const generation = (version: string): Generation => ({ release: release(version), files: [], links: [] });
const on = (version: string, over: Partial<HostState> = {}): HostState => ({
  ...emptyState(),
  release: release(version),
  ...over,
});

function engine(over: Partial<EngineAnswer> = {}): EngineAnswer {
  return {
    version: '20.10.24',
    dataRoot: '/var/lib/docker',
    storageDriver: 'overlay2',
    containerdStore: false,
    cgroupDriver: 'systemd',
    liveRestore: false,
    containers: { running: 0, paused: 0, stopped: 0, all: 0 },
    images: 3,
    warnings: [],
    ...over,
  };
}

function findings(over: Partial<CheckInput>): string[] {
  return checkHost({ facts: FACTS, dataRoot: '/var/lib/docker', ...over })
    .filter(({ level }) => level === 'error' || level === 'warn')
    .map(({ id, level }) => `${level} ${id}`);
}

const upgradeTo = (version: string, json: Record<string, unknown> = {}): CheckInput['wanted'] =>
  wanted({ engine: wantedEngine(version), daemonJson: () => ({ text: JSON.stringify(json), warnings: [] }) });

test('an older engine is refused, and taken when it is meant', () => {
  const input = { state: on('26.1.5'), wanted: upgradeTo('20.10.24'), survey: survey() };
  assert.ok(findings(input).includes('error downgrade'));
  assert.ok(findings({ ...input, allowDowngrade: true }).includes('warn downgrade'));
  assert.not.ok(findings({ ...input, state: on('20.10.24') }).some(id => id.includes('downgrade')));
});

test('upgrades that would lose sight of running containers are refused, both ways', () => {
  const refused = (a: string, b: string, shims = 1): boolean => orphaning(a, b, shims).length > 0;
  assert.ok(refused('18.06.3-ce', '18.09.9'));
  assert.ok(refused('18.09.9', '18.06.3-ce'));
  assert.ok(refused('19.03.15', '26.1.5'));
  assert.not.ok(refused('19.03.15', '20.10.24'));
  assert.not.ok(refused('20.10.24', '26.1.5'));
  assert.not.ok(refused('18.06.3-ce', '18.09.9', 0));
});

test('a storage driver that the new engine no longer has stops the upgrade', () => {
  const at = (storageDriver: string, version: string): boolean =>
    findings({
      state: on('20.10.24'),
      wanted: upgradeTo(version),
      survey: survey({}, { engine: engine({ storageDriver }) }),
    }).includes('error storage-driver');
  assert.ok(at('devicemapper', '26.1.5'));
  assert.ok(at('aufs', '24.0.9'));
  assert.not.ok(at('devicemapper', '24.0.9'));
  assert.not.ok(at('overlay2', '29.0.0'));
});

test('images that the new engine would not see are warned of, and running containers are not lost', () => {
  const at = (json: Record<string, unknown>, running: number, over: Partial<EngineAnswer> = {}): string[] =>
    findings({
      state: on('26.1.5'),
      wanted: upgradeTo('29.0.0', json),
      survey: survey(
        {},
        { engine: engine({ containers: { running, paused: 0, stopped: 0, all: running }, ...over }) },
      ),
    }).filter(id => /image-store|data-root/.test(id));
  assert.equal(at({}, 2), []);
  assert.equal(at({ features: { 'containerd-snapshotter': true } }, 0), ['warn image-store']);
  assert.equal(at({ features: { 'containerd-snapshotter': true } }, 2), ['error image-store']);
  assert.equal(at({}, 0, { containerdStore: true }), []);
  assert.equal(at({ 'data-root': '/data/docker' }, 0), ['warn data-root']);
  // A link there, or user namespaces, and the engine tells another folder than the file does.
  assert.equal(at({}, 1, { dataRoot: '/data/docker/165536.165536' }), []);
});

test('folders that nobody can write to stop an install', () => {
  const input = { wanted: upgradeTo('26.1.5'), survey: survey({}, { readOnly: ['/usr/local/bin'] }) };
  assert.ok(findings(input).includes('error read-only-/usr/local/bin'));
});

test('a Docker that is not ours is refused, or taken over when that is asked', () => {
  const facts = {
    ...FACTS,
    units: ['/lib/systemd/system/docker.service', '/lib/systemd/system/docker.socket'],
    binaries: {
      dockerd: {
        path: '/usr/bin/dockerd',
        resolved: '/usr/bin/dockerd',
        version: '20.10.24',
        origin: { kind: 'dpkg' as const, package: 'docker.io' },
      },
    },
  };
  const input = { facts, wanted: upgradeTo('26.1.5'), survey: survey() };
  assert.ok(findings(input).includes('error docker'));
  assert.not.ok(findings({ ...input, adopt: true }).includes('error docker'));
  const units = new Map([
    ['docker.socket', { active: 'active', enabled: 'enabled' }],
    ['docker.service', { active: 'active', enabled: 'enabled' }],
  ]);
  const here = context({ facts, survey: survey({}, { units }) });
  assert.is(adoptDocker(false).plan(here, reporter()), undefined);
  const plan = adoptDocker(true).plan(here, reporter()) as { changes: string[]; made: unknown[] };
  assert.equal(plan.changes.slice(1), [
    'disable docker.socket as it is now',
    'disable docker.service as it is now',
  ]);
  assert.equal(plan.made, [
    {
      kind: 'adopted',
      version: '20.10.24',
      units: [
        { name: 'docker.socket', enabled: true, active: true },
        { name: 'docker.service', enabled: true, active: true },
      ],
    },
  ]);
});

test('settings that a running engine takes over are reloaded; all others restart it', async () => {
  const plan = async (before: Record<string, unknown>, after: Record<string, unknown>, sha256 = HEX) => {
    const file = { kind: 'file', mode: '0644', size: 1, sha256: HEX } as const;
    return writeDaemonJson.plan(
      context({
        state: on('20.10.24', { files: [{ path: DAEMON, kind: 'file', sha256, mode: '0644' }] }),
        survey: survey({ [DAEMON]: file }, { contents: new Map([[DAEMON, JSON.stringify(before)]]) }),
        wanted: upgradeTo('20.10.24', after) as HostContext['wanted'],
      }),
      reporter(),
    );
  };
  const labelled = await plan({ debug: true }, { debug: true, labels: ['rack=12'] });
  assert.equal([labelled?.reload, labelled?.restart], [['docker.service'], undefined]);
  assert.match(labelled?.diff ?? '', /\+\{"debug":true,"labels":\["rack=12"\]\}/);
  assert.equal((await plan({ debug: true }, { debug: true, mtu: 1400 }))?.restart, ['docker.service']);
  // Somebody changed the file, and nobody knows whether the engine has read it.
  assert.equal((await plan({}, { labels: ['rack=12'] }, 'c'.repeat(64)))?.restart, ['docker.service']);
});

test('a unit that only has to read its file again is reloaded, unless it restarts anyway', async () => {
  const units = new Map([
    ['containerd.service', { active: 'active', enabled: 'enabled' }],
    ['docker.service', { active: 'active', enabled: 'enabled' }],
  ]);
  const changes = async (state: HostState): Promise<string[] | undefined> =>
    (await startEngine.plan(context({ survey: survey({}, { units }), state }), reporter()))?.changes;
  assert.equal(await changes(on('20.10.24', { reload: ['docker.service'] })), ['reload docker.service']);
  assert.equal(await changes(on('20.10.24', { reload: ['docker.service'], pending: ['docker.service'] })), [
    'restart docker.service',
  ]);
});

test('a running engine that lacks live-restore is given it before it restarts', async () => {
  const units = new Map([
    ['containerd.service', { active: 'active', enabled: 'enabled' }],
    ['docker.service', { active: 'active', enabled: 'enabled' }],
  ]);
  const container: RanBefore = { id: ID, name: 'web', pid: 1, restarts: 0, returns: false };
  const plan = async (live: boolean, liveRestore: boolean): Promise<string[]> =>
    (
      await startEngine.plan(
        context({
          survey: survey({}, { units, engine: engine({ liveRestore }) }),
          state: on('20.10.24', { pending: ['docker.service'], trial: { containers: [container], live } }),
        }),
        reporter(),
      )
    )?.changes ?? [];
  assert.ok((await plan(true, false)).some(change => /live-restore/.test(change)));
  assert.not.ok((await plan(true, true)).some(change => /live-restore/.test(change)));
  assert.not.ok((await plan(false, false)).some(change => /live-restore/.test(change)));
});

test('engines before 23 cannot check a daemon.json, and that is said', async () => {
  const told = reporter();
  assert.is(await validateConfig.plan(context(), told), undefined);
  assert.match(told.notes.join(), /20\.10\.24 cannot check a daemon\.json/);
  const young = context({ wanted: wanted({ engine: wantedEngine('26.1.5') }) });
  assert.ok(await validateConfig.plan(young, reporter()));
});

test('before a change the way back is remembered once, and an interrupted change keeps its first memory', async () => {
  const phase = keepPrevious<HostContext>(installImpact);
  const state = on('19.03.15');
  const first = await phase.plan(context({ state, dryRun: true }), reporter());
  assert.is(first?.trial?.from?.release.version, '19.03.15');
  assert.equal(first?.changes, ['keep the configuration of engine 19.03.15 for the way back']);
  const trial = { from: generation('18.09.9'), containers: [], live: true };
  assert.is(await phase.plan(context({ state: { ...state, trial } }), reporter()), undefined);
  const back = { ...trial, back: generation('18.09.9') };
  assert.equal((await phase.plan(context({ state: { ...state, trial: back } }), reporter()))?.trial, trial);
});

test('what is kept are the files as they lie there, changed by hand or not', () => {
  const file = { kind: 'file', mode: '0600', size: 1, sha256: HEX } as const;
  assert.equal(generationOf({ state: on('20.10.24'), survey: survey({ [DAEMON]: file }) }), {
    release: release('20.10.24'),
    files: [{ path: DAEMON, mode: '0600', sha256: HEX }],
    links: [],
  });
  assert.is(generationOf({ state: emptyState(), survey: survey({ [DAEMON]: file }) }), undefined);
});

test('a change that has stood the test leaves the release before as the way back; new settings alone do not', () => {
  const from = generation('20.10.24');
  const trial = { from, containers: [], live: true };
  assert.equal(settled(on('26.1.5', { trial })).previous, from);
  assert.is(settled(on('26.1.5', { trial })).trial, undefined);
  const previous = generation('19.03.15');
  assert.equal(settled(on('20.10.24', { trial, previous })).previous, previous);
});

test('a rollback goes to the release before, or on with what was interrupted', () => {
  const previous = generation('20.10.24');
  const settledState = on('26.1.5', { previous });
  assert.equal(chooseGeneration(settledState, TARGET), previous);
  assert.equal(chooseGeneration(settledState, TARGET, '20.10.24'), previous);
  assert.is(chooseGeneration(settledState, TARGET, '26.1.5'), undefined);
  assert.throws(
    () => chooseGeneration(settledState, TARGET, '24.0.9'),
    /24\.0\.9 is not kept.*what is kept is 20\.10\.24/,
  );
  assert.throws(() => chooseGeneration(on('26.1.5'), TARGET), /earlier release is not kept/);
  const trial = { from: generation('26.1.5'), containers: [], live: true };
  assert.is(chooseGeneration({ ...settledState, trial }, TARGET)?.release.version, '26.1.5');
  const back = { ...trial, back: previous };
  assert.is(chooseGeneration({ ...settledState, trial: back }, TARGET)?.release.version, '20.10.24');
});

test('an engine that hangs is a reason to go back; a lost connection, or Ctrl-C, is none', () => {
  const goesBack = (code: ErrorCode): boolean => canRollBack(new AirferryError(code, 'x'));
  for (const code of ['ENGINE_NOT_READY', 'HEALTH_CHECK_FAILED', 'HOST_TIMEOUT'] as const)
    assert.ok(goesBack(code), code);
  for (const code of ['HOST_CONNECTION_LOST', 'INTERRUPTED', 'HOST_SUDO'] as const)
    assert.not.ok(goesBack(code), code);
});

test('containers are read as the engine tells them, and broken lines are passed over', () => {
  const answer = `${ID} true false 4711 2 0 unless-stopped 2026-11-21T01:00:00.5Z /web\nError: no such object\n${ID} true\n`;
  assert.equal(parseContainers(answer), [
    {
      id: ID,
      name: 'web',
      running: true,
      restarting: false,
      pid: 4711,
      restarts: 2,
      exitCode: 0,
      policy: 'unless-stopped',
      startedAt: Date.parse('2026-11-21T01:00:00Z') / 1000,
    },
  ]);
});

test('a container that ends and starts all the time is not held against a change', () => {
  const [container] = parseContainers(`${ID} true false 4711 2 0 always 2026-11-21T01:00:00Z /web`);
  assert.ok(container);
  assert.is(ranBefore([container], container.startedAt + 10).length, 0);
  assert.is(ranBefore([container], container.startedAt + 60).length, 1);
  assert.is(ranBefore([{ ...container, restarts: 0 }], container.startedAt).length, 1);
});

test('containers are judged by whether they may have been interrupted', () => {
  const before: RanBefore = { id: ID, name: 'web', pid: 7, restarts: 0, returns: true };
  const job = { ...before, returns: false };
  const now: Container = {
    id: ID,
    name: 'web',
    running: true,
    restarting: false,
    pid: 7,
    restarts: 0,
    exitCode: 0,
    policy: 'always',
    startedAt: 0,
  };
  assert.is(judge(before, now, true), 'fine');
  assert.match((judge(before, { ...now, pid: 8 }, true) as { problem: string }).problem, /interrupted/);
  assert.is(judge(before, { ...now, pid: 8 }, false), 'fine');
  assert.is(judge(before, { ...now, running: false }, false), 'not-yet');
  assert.is(judge(job, { ...now, running: false, exitCode: 137 }, false), 'fine');
  assert.match(
    (judge(job, { ...now, running: false, exitCode: 137 }, true) as { problem: string }).problem,
    /137/,
  );
  assert.match((judge(job, { ...now, running: false }, true) as { note: string }).note, /status 0/);
  assert.match((judge(job, undefined, true) as { note: string }).note, /gone/);
  assert.match((judge(before, undefined, false) as { problem: string }).problem, /gone/);
});

test('what is on trial survives in the state', () => {
  const container: RanBefore = { id: ID, name: 'web', pid: 1, restarts: 0, returns: true };
  const trial = {
    from: generation('20.10.24'),
    back: generation('19.03.15'),
    containers: [container],
    live: true,
  };
  const state = on('26.1.5', { trial, previous: generation('19.03.15'), reload: ['docker.service'] });
  assert.equal(parseState(formatState(state)), state);
});

test.run();
