/** What the ends of commands on hosts look like with three hosts and with three hundred. */
import * as assert from 'uvu/assert';
import type { HostResult, HostStatus } from '../../src/actions/host-results.ts';
import { changeLines } from '../../src/cli/status-watch.ts';
import { checkView } from '../../src/cli/views/host-check.ts';
import { statusView } from '../../src/cli/views/host-status.ts';
import { hostsView } from '../../src/cli/views/hosts.ts';
import { AirferryError } from '../../src/errors.ts';
import { suite } from '../support/suite.ts';
import { plainLook, widest } from './look.ts';

const test = suite('views of a fleet');
const NAMES = Array.from({ length: 300 }, (_, i) => `node${String(i + 1).padStart(3, '0')}`);

function host(name: string, over: Partial<HostResult> = {}): HostResult {
  return {
    ...{ name, address: `ops@${name}`, outcome: 'unchanged', changes: [], findings: [], durationMs: 1500 },
    ...over,
  };
}

function status(name: string, over: Partial<HostStatus> = {}): HostStatus {
  return {
    ...host(name),
    versions: { dockerd: '20.10.24', containerd: '1.6.20', compose: '2.29.7' },
    installed: {
      bundle: { name: 'plant-7', version: '2026.11', digest: `sha256:${'ab'.repeat(32)}` },
      at: '2026-11-20T10:00:00Z',
    },
    engine: {
      version: '20.10.24',
      dataRoot: '/var/lib/docker',
      storageDriver: 'overlay2',
      containerdStore: false,
      supportsDType: true,
      cgroupDriver: 'systemd',
      cgroupVersion: '2',
      liveRestore: true,
      containers: { running: 3, paused: 0, stopped: 1, all: 4 },
      images: 4,
      warnings: [],
    },
    drift: [],
    uptimeSeconds: 90_000,
    disk: { mount: '/', total: 100e9, free: 60e9 },
    ...over,
  };
}

const error = new AirferryError('HOST_UNREACHABLE', 'no answer on port 22', {
  suggestions: ['Check the cable.'],
});

test('300 hosts are told by how they ended, the worst first', () => {
  const hosts = NAMES.map((name, i) => {
    if (i < 4) return host(name, { outcome: 'failed', phase: 'connect', error, durationMs: 15_000 });
    if (i < 10)
      return host(name, {
        outcome: 'skipped',
        reason: '4 hosts failed, and no more than 3 may',
        durationMs: 0,
      });
    return host(name, { outcome: 'changed', changes: [{ phase: 'copy-files', what: 'write /etc/motd' }] });
  });
  assert.equal(hostsView({ hosts, dryRun: false }, plainLook()), [
    'OUTCOME    HOSTS  NAMES                                         CHANGES  SLOWEST',
    'failed         4  node001, node002, node003, node004                  0   15.0 s',
    'not begun      6  node005, node006, node007, node008,                 0        -',
    '                  node009, node010',
    'changed      290  node011, node012, node013, node014,                 1    1.5 s',
    '                  node015, node016 and 284 more',
    '',
    '--verbose lists every host',
    '',
    '✖ node001, node002, node003, node004 at connect',
    '  no answer on port 22',
    '  → Check the cable.',
    '',
    '! node005, node006, node007, node008, node009, node010: not begun',
    '  4 hosts failed, and no more than 3 may',
  ]);
});

test('a check of 300 hosts lists those that are not simply ready', () => {
  const bad = {
    id: 'kernel',
    level: 'error' as const,
    title: 'kernel 2.6.32 is too old',
    why: 'Old.',
    fix: 'Update it.',
  };
  const good = { id: 'kernel', level: 'ok' as const, title: 'kernel 6.1', why: '', fix: '' };
  const hosts = NAMES.map((name, i) =>
    host(name, i === 7 ? { outcome: 'failed', error, findings: [bad] } : { findings: [good] }),
  );
  const lines = checkView({ hosts, dryRun: false }, plainLook());
  assert.equal(lines.slice(0, 4), [
    'HOST     ADDRESS      VERDICT    ERRORS  WARNINGS',
    'node008  ops@node008  not ready       1         0',
    'The other 299 hosts are ready.',
    '',
  ]);
  assert.ok(lines.length < 12, lines.join('\n'));
});

test('three hosts are compared: the one that is different stands below the table', () => {
  const odd = status('h3');
  if (odd.engine) Object.assign(odd.engine, { liveRestore: false, storageDriver: 'vfs' });
  const lines = statusView({ hosts: [status('h1'), status('h2'), odd], dryRun: false }, plainLook());
  assert.ok(widest(lines) <= 80);
  assert.equal(lines.slice(0, 2), [
    'HOST  BUNDLE           ENGINE    STORAGE   RUNNING  DISK   UP  STATE',
    'h1    plant-7 2026.11  20.10.24  overlay2        3   40%  1 d  as left',
  ]);
  assert.equal(lines.slice(4), [
    '',
    'Hosts differ in',
    '  storage       overlay2 (2 hosts); vfs (h3)',
    '  live restore  on (2 hosts); off (h3)',
  ]);
});

test('300 hosts that are alike share a row', () => {
  const hosts = NAMES.map((name, i) =>
    status(
      name,
      i === 5
        ? { drift: [{ what: '/etc/docker/daemon.json', kind: 'changed' }] }
        : { uptimeSeconds: 3600 + i * 3600 },
    ),
  );
  const lines = statusView({ hosts, dryRun: false }, plainLook());
  assert.match(lines[1] ?? '', /^node001 and .* overlay2 +3 +40% +1 h-12 d {2}as left$/);
  assert.match(lines[2] ?? '', /^298 more/);
  assert.match(lines.join('\n'), /^node006 .*drifted$/m);
  assert.ok(lines.length < 12, lines.join('\n'));
});

test('a watch tells a change in a line, and not what moves all the time', () => {
  const now = new Date('2026-11-20T10:00:00Z');
  const between = (a: HostStatus, b: HostStatus): string[] =>
    changeLines({ hosts: [a], dryRun: false }, { hosts: [b], dryRun: false }, now);
  assert.equal(
    between(status('h1'), status('h1', { uptimeSeconds: 90_005, disk: { mount: '/', total: 1, free: 1 } })),
    [],
  );
  const down = status('h1', { engine: undefined as never });
  delete (down as Partial<HostStatus>).engine;
  assert.equal(between(status('h1'), down).slice(0, 1), ['2026-11-20T10:00:00Z  h1  state: as left -> down']);
  assert.equal(between(status('h1'), status('h1', { outcome: 'failed', error })), [
    '2026-11-20T10:00:00Z  h1  state: as left -> failed: no answer on port 22',
  ]);
  assert.equal(between(status('h1'), status('h1', { uptimeSeconds: 5 })), [
    '2026-11-20T10:00:00Z  h1  uptime: up -> booted again',
  ]);
  const drift = [{ what: '/etc/motd\u001b[2J', kind: 'changed' as const }];
  assert.not.match(between(status('h1'), status('h1', { drift })).join(), /\p{Cc}/u);
});

test.run();
