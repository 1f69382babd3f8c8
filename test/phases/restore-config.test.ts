/** What a rollback brings back besides the programs, without a host. */
import * as assert from 'uvu/assert';
import { emptyState, type Generation, type HostState, type InstalledFile } from '../../src/host/state.ts';
import { generationOf, goesBack } from '../../src/phases/backups.ts';
import { checkPrevious } from '../../src/phases/check-previous.ts';
import type { EngineContext } from '../../src/phases/phase.ts';
import { pruneReleases } from '../../src/phases/prune-releases.ts';
import { restoreConfig } from '../../src/phases/restore-config.ts';
import type { PathState } from '../../src/phases/survey.ts';
import { suite } from '../support/suite.ts';
import { context, reporter, survey, wanted, wantedEngine } from './context.ts';

const test = suite('configuration that goes back');
const MOTD = '/etc/site/motd';
const CA = '/etc/docker/certs.d/hub.site/ca.crt';
const PLUGIN = '/usr/local/bin/docker-compose';
const DROP_IN = '/etc/systemd/system/docker.service.d/proxy.conf';
const LINE = '10.77.0.1 hub.site # airferry';
const hex = (digit: string): string => digit.repeat(64);
const file = (path: string, digit: string): InstalledFile => ({
  path,
  kind: 'file',
  sha256: hex(digit),
  mode: '0644',
});
const lying = (digit: string): PathState => ({ kind: 'file', mode: '0644', size: 1, sha256: hex(digit) });
const compose = (digit: string): string => `/opt/airferry/compose/2.26.1-${digit.repeat(12)}/docker-compose`;
const link = (digit: string): InstalledFile => ({ path: PLUGIN, kind: 'link', target: compose(digit) });
const engine = wantedEngine();
const release = { version: '20.10.24', archive: engine.archive.digest, path: engine.release.dir };
const to = (over: Partial<Generation> = {}): Generation => ({ release, files: [], links: [], ...over });

function at(
  state: Partial<HostState>,
  paths: Record<string, PathState>,
  etcHosts = '127.0.0.1 localhost\n',
): EngineContext {
  const contents = new Map([['/etc/hosts', etcHosts]]);
  return context({ state: { ...emptyState(), release, ...state }, survey: survey(paths, { contents }) });
}

const plan = (generation: Generation, where: EngineContext) =>
  restoreConfig(generation).plan(where, reporter()) as Awaited<
    ReturnType<ReturnType<typeof restoreConfig>['plan']>
  >;

test("kept are the recipe's files, the CA, our line and compose's links, as they lie there", () => {
  const state: HostState = {
    ...emptyState(),
    release,
    files: [file(MOTD, 'a'), file(CA, 'b'), link('c'), file('/etc/sysctl.d/80-airferry.conf', 'd')],
    changes: [{ kind: 'hosts-line', line: `\n${LINE}` }],
  };
  const now = survey(
    { [MOTD]: lying('e'), [CA]: lying('b'), [PLUGIN]: { kind: 'link', target: compose('c') } },
    { contents: new Map([['/etc/hosts', `127.0.0.1 localhost\n${LINE}\n`]]) },
  );
  assert.equal(generationOf({ state, survey: now }), {
    release,
    files: [
      { path: MOTD, mode: '0644', sha256: hex('e') },
      { path: CA, mode: '0644', sha256: hex('b') },
    ],
    links: [{ path: PLUGIN, target: compose('c') }],
    hostsLine: LINE,
  });
  assert.not.ok(goesBack(file('/etc/modules-load.d/80-airferry.conf', 'a')));
});

test('a rollback writes what was another, takes away what came since, and says so', () => {
  const state = {
    files: [file(MOTD, 'b'), file('/etc/site/new', 'c'), file(CA, 'd'), link('2')],
    changes: [{ kind: 'hosts-line' as const, line: LINE }],
  };
  const paths: Record<string, PathState> = {
    [MOTD]: lying('b'),
    '/etc/site/new': lying('c'),
    [CA]: lying('d'),
    [PLUGIN]: { kind: 'link', target: compose('2') },
  };
  const back = to({
    files: [{ path: MOTD, mode: '0644', sha256: hex('a') }],
    links: [{ path: PLUGIN, target: compose('1') }],
  });
  const planned = plan(back, at(state, paths, `127.0.0.1 localhost\n${LINE}\n`));
  assert.equal(planned?.changes, [
    `write ${MOTD}`,
    'remove /etc/site/new',
    `remove ${CA}`,
    `link ${PLUGIN}`,
    `remove from /etc/hosts: ${LINE}`,
  ]);
  assert.equal(planned?.restart, []);
  assert.equal(planned?.gone, ['/etc/site/new', CA]);
});

test('an earlier line of /etc/hosts comes back in the place of ours', () => {
  const other = '10.77.0.2 hub.site # airferry';
  const state = { changes: [{ kind: 'hosts-line' as const, line: `\n${other}` }] };
  const planned = plan(to({ hostsLine: LINE }), at(state, {}, `127.0.0.1 localhost\n${other}\n`));
  assert.equal(planned?.changes, [`add to /etc/hosts: ${LINE}`]);
  // Whether the operator's file had a newline at its end is known from the time before us.
  assert.equal(planned?.made, [{ kind: 'hosts-line', line: `\n${LINE}` }]);
});

test('where all is as it was there is nothing to do, and files that prepare the host stay', () => {
  const state = { files: [file(MOTD, 'a'), file('/etc/sysctl.d/80-airferry.conf', 'b')] };
  const back = to({ files: [{ path: MOTD, mode: '0644', sha256: hex('a') }] });
  assert.is(plan(back, at(state, { [MOTD]: lying('a') })), undefined);
});

test("a recipe's drop-in for a unit restarts it when it comes back, or goes", () => {
  const back = to({ files: [{ path: DROP_IN, mode: '0644', sha256: hex('a') }] });
  assert.equal(plan(back, at({}, {}))?.restart, ['docker.service']);
  const state = { files: [file(DROP_IN, 'a')] };
  assert.equal(plan(to(), at(state, { [DROP_IN]: lying('a') }))?.restart, ['docker.service']);
});

test('a file that an interrupted rollback had not written yet is not taken for one that somebody changed', () => {
  const back = to({ files: [{ path: MOTD, mode: '0644', sha256: hex('a') }] });
  const first = plan(back, at({ files: [file(MOTD, 'b')] }, { [MOTD]: lying('b') }));
  const recorded = first?.files ?? [];
  assert.equal(recorded, [{ ...file(MOTD, 'a'), before: hex('b') }]);
  const again = plan(back, at({ files: recorded }, { [MOTD]: lying('b') }));
  assert.equal(again?.changes, [`write ${MOTD}`]);
});

test('where the compose that goes with it was changed there is no way back', async () => {
  const back = to({ links: [{ path: PLUGIN, target: compose('1') }] });
  const programs = engine.release.files.map(({ path }): [string, PathState] => [
    path,
    { kind: 'file', mode: '0755', size: 1, sha256: hex('a') },
  ]);
  const recorded = engine.release.files.map(
    ({ path }): InstalledFile => ({ path, kind: 'file', sha256: hex('a'), mode: '0755' }),
  );
  const check = (now: PathState) =>
    checkPrevious(back).plan(
      at(
        { files: [...recorded, file(compose('1'), 'b')] },
        Object.fromEntries([...programs, [compose('1'), now]]),
      ),
      reporter(),
    );
  assert.ok(await check(lying('b')));
  for (const now of [lying('c'), { kind: 'absent' } as const])
    assert.throws(() => check(now), /no way back: \/opt\/airferry\/compose\/2\.26\.1-1{12}\/docker-compose/);
});

test('of several composes the current one and that of the way back stay', async () => {
  const dir = (digit: string): string => compose(digit).replace('/docker-compose', '');
  const folders = ['1', '2', '3'].map((digit): InstalledFile => ({ path: dir(digit), kind: 'dir' }));
  const previous = to({
    release: { ...release, path: `${release.path}-before` },
    links: [{ path: PLUGIN, target: compose('2') }],
  });
  const where = context({
    state: { ...emptyState(), release, previous, files: [...folders, link('3')] },
    survey: survey(Object.fromEntries(folders.map(({ path }) => [path, { kind: 'dir' }]))),
    wanted: wanted({ engine }),
  });
  assert.equal((await pruneReleases.plan(where, reporter()))?.changes, [`remove ${dir('1')}`]);
});

test.run();
