import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { SiteFleet } from '../../src/actions/fleet.ts';
import type { HostResult } from '../../src/actions/host-results.ts';
import { findRun, readRun, runNames, runsFolder, unfinished } from '../../src/actions/run-folder.ts';
import { RunRecord } from '../../src/actions/run-record.ts';
import { AirferryError } from '../../src/errors.ts';
import { hostTarget } from '../../src/host/target.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('the record of a run');
const STAGE = { phase: 'stage-engine', title: 'Bring the engine over' } as const;
const DIGEST = `sha256:${'ab'.repeat(32)}`;

function fleet(...names: string[]): SiteFleet {
  return { members: names.map(name => ({ target: hostTarget({ name, address: '10.77.0.11' }, {}) })) };
}

function begin(folder: string, hosts: SiteFleet, troubles: string[] = []): RunRecord {
  const start = { command: 'host install', argv: ['host', 'install', '-b', 'site.tar'], version: '0.1.0' };
  return new RunRecord({ ...start, fleet: hosts, folder, onTrouble: text => troubles.push(text) });
}

const result = (name: string, over: Partial<HostResult> = {}): HostResult => ({
  ...{ name, address: `ops@${name}`, outcome: 'changed', changes: [], findings: [], durationMs: 5 },
  ...over,
});

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

test('it tells who did what to which hosts, and how each fared', () => {
  const folder = join(scratch(), 'runs');
  const record = begin(folder, fleet('h1', 'h2', 'h3'));
  record.onEvent({ kind: 'phase-start', host: 'h1', ...STAGE });
  record.onEvent({ kind: 'phase-done', host: 'h1', ...STAGE, changed: ['upload 80 MB'], durationMs: 1200 });
  const error = new AirferryError('HOST_DISK_FULL', 'no space\non /opt');
  record.onEvent({ kind: 'phase-failed', host: 'h2', ...STAGE, error, durationMs: 10 });
  record.onEvent({ kind: 'host-skipped', host: 'h3', reason: 'the canary failed' });
  assert.ok(record.kept);
  const open = readRun(record.name, folder);
  assert.equal(unfinished(open), ['h1', 'h2', 'h3'], 'ended by force, all are open');
  assert.is(open.endedAt, undefined);
  const hosts = [
    result('h1', { changes: [{ phase: 'stage-engine', what: 'upload 80 MB' }] }),
    result('h2', { outcome: 'failed', phase: 'stage-engine', error }),
    result('h3', { outcome: 'skipped', reason: 'the canary failed' }),
  ];
  const bundle = { name: 'plant-7', version: '1', digest: DIGEST, signature: 'unsigned' as const };
  record.finish({ hosts, bundle }, new AirferryError('SOME_HOSTS_FAILED', '1 of 3'));
  const run = readRun(record.name, folder);
  assert.match(run.who, /^.+@.+$/);
  assert.equal([run.command, run.version, run.exit, run.bundle], ['host install', '0.1.0', 5, bundle]);
  assert.equal(unfinished(run), ['h2', 'h3']);
  assert.equal(run.hosts[1]?.error, { code: 'HOST_DISK_FULL', message: 'no space\non /opt' });
  assert.is(run.hosts[2]?.reason, 'the canary failed');
  const log = readFileSync(join(record.folder, 'h1.log'), 'utf8').replaceAll(/^\S+Z /gm, '');
  assert.is(log, 'stage-engine: begins\nstage-engine: upload 80 MB\nstage-engine: done (1.2 s)\n');
  assert.match(
    readFileSync(join(record.folder, 'h2.log'), 'utf8'),
    /HOST_DISK_FULL: no space\n {4}on \/opt\n$/,
  );
});

test('nobody else may read it', () => {
  const folder = join(scratch(), 'state/runs');
  const record = begin(folder, fleet('h1'));
  record.onEvent({ kind: 'phase-start', host: 'h1', ...STAGE });
  assert.equal([mode(folder), mode(record.folder)], ['700', '700']);
  for (const name of readdirSync(record.folder)) assert.is(mode(join(record.folder, name)), '600', name);
});

test('a run that never came to a host leaves nothing', () => {
  const folder = join(scratch(), 'runs');
  const record = begin(folder, fleet('h1'));
  record.finish({ hosts: [] }, undefined);
  assert.not(record.kept);
  assert.equal(runNames(folder), []);
});

test('names of hosts cannot lead out of the folder, nor meet in one file', () => {
  const record = begin(join(scratch(), 'runs'), fleet('../../etc/x', 'a/b', 'a_b', '..', 'x'.repeat(300)));
  const hosts = ['../../etc/x', 'a/b', 'a_b', '..', 'x'.repeat(300)];
  for (const host of hosts) record.onEvent({ kind: 'host-skipped', host, reason: 'x' });
  assert.ok(record.kept);
  const names = readdirSync(record.folder).filter(name => name.endsWith('.log'));
  assert.is(names.length, 5, names.join());
});

test('where it cannot be kept, the operator is told once, and the run goes on', () => {
  const folder = join(scratch(), 'file');
  writeFileSync(folder, '');
  const troubles: string[] = [];
  const record = begin(folder, fleet('h1'), troubles);
  record.onEvent({ kind: 'phase-start', host: 'h1', ...STAGE });
  record.onEvent({ kind: 'host-skipped', host: 'h1', reason: 'x' });
  record.finish({ hosts: [] }, undefined);
  assert.is(troubles.length, 1);
  assert.match(troubles[0] ?? '', /^no record is kept of this run: /);
  assert.not(record.kept);
});

test('the last run of a command is found, and damaged or foreign ones are refused', () => {
  const folder = scratch();
  const run = (name: string, text: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'run.json'), text);
  };
  const document = (command: string): string =>
    JSON.stringify({
      ...{ schemaVersion: 1, command, argv: [], who: 'a@b', version: '1', hosts: [] },
      startedAt: '2026-11-20T10:00:00.000Z',
    });
  run('2026-11-20T10-00-00.000Z-host-install', document('host install'));
  run('2026-11-20T11-00-00.000Z-host-install', document('host install'));
  run('2026-11-20T12-00-00.000Z-host-uninstall', document('host uninstall'));
  run('2026-11-20T13-00-00.000Z-host-rollback', '{"schemaVersion": 2}');
  assert.is(findRun('host install', undefined, folder).name, '2026-11-20T11-00-00.000Z-host-install');
  const code = (work: () => unknown): string => {
    try {
      work();
      return 'none';
    } catch (error) {
      return (error as AirferryError).code;
    }
  };
  assert.is(
    code(() => findRun('host install', '2026-11-20T12-00-00.000Z-host-uninstall', folder)),
    'USAGE',
  );
  assert.is(
    code(() => findRun('host check', undefined, folder)),
    'FILE_NOT_FOUND',
  );
  assert.is(
    code(() => findRun('host rollback', undefined, folder)),
    'FILE_UNREADABLE',
  );
  for (const name of ['..', '../x', 'nothing', '', '.hidden'])
    assert.is(
      code(() => readRun(name, folder)),
      'FILE_NOT_FOUND',
      name,
    );
});

test('it lies where XDG says', () => {
  assert.is(runsFolder({ XDG_STATE_HOME: '/s' }), '/s/airferry/runs');
  assert.match(runsFolder({ XDG_STATE_HOME: 'relative' }), /\/\.local\/state\/airferry\/runs$/);
});

test.run();
