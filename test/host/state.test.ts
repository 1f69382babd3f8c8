import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { isAirferryError } from '../../src/errors.ts';
import {
  emptyState,
  formatState,
  type HostState,
  parseState,
  readState,
  writeState,
} from '../../src/host/state.ts';
import { suite } from '../support/suite.ts';
import { failure, site } from './site.ts';

const test = suite('host/state');

const digest = `sha256:${'a'.repeat(64)}`;
const now = '2026-11-20T21:00:00.000Z';
const full: HostState = {
  schemaVersion: 1,
  release: { version: '20.10.24', archive: digest, path: '/opt/airferry/releases/20.10.24' },
  bundle: { name: 'plant-7', version: '2026.11', digest },
  files: [
    { path: '/opt/airferry', kind: 'dir', mode: '0755' },
    {
      path: '/etc/docker/daemon.json',
      kind: 'file',
      sha256: 'b'.repeat(64),
      mode: '0644',
      replaced: '/var/lib/airferry/replaced/1',
    },
    { path: '/usr/bin/docker', kind: 'link', target: '/opt/airferry/current/docker' },
  ],
  changes: [
    { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1', before: '0' },
    { kind: 'group', name: 'docker', created: true, members: [] },
    { kind: 'hosts-line', line: '172.11.1.107 hub.company.com' },
  ],
  images: [{ name: 'nginx:1.25', id: digest, loadedAt: now }],
  installedAt: now,
  updatedAt: now,
};

test('a state is kept on the host and read back the same', async () => {
  await using at = await site();
  const path = join(at.server.home, 'lib', 'state.json');
  assert.is(await readState(at.shell, { path }), undefined);
  await writeState(at.shell, full, { path });
  assert.equal(await readState(at.shell, { path }), full);
  assert.is(statSync(path).mode & 0o777, 0o644);
  await writeState(at.shell, emptyState(new Date(now)), { path });
  assert.equal(JSON.parse(readFileSync(path, 'utf8')), {
    schemaVersion: 1,
    files: [],
    changes: [],
    images: [],
    updatedAt: now,
  });
});

test('a damaged state is refused with its place and what to do', async () => {
  await using at = await site();
  const path = join(at.server.home, 'state.json');
  writeFileSync(path, formatState(full).slice(0, 200));
  const error = await failure(readState(at.shell, { path }), 'HOST_STATE_INVALID');
  assert.is(error.where.file, path);
  assert.match(error.suggestions.join(), 'Move the file aside');
});

test('wrong content is named by its key', () => {
  const wrong = (change: object): string => JSON.stringify({ ...full, ...change });
  const cases: [string, RegExp][] = [
    ['null', /not as expected|document/],
    ['[]', /document/],
    [wrong({ schemaVersion: 2 }), /newer airferry/],
    [wrong({ files: [{ path: 'etc/x', kind: 'file' }] }), /files\.0\.path/],
    [wrong({ files: [{ path: '/x', kind: 'socket' }] }), /files\.0\.kind/],
    [wrong({ release: { version: '1', archive: 'sha256:x', path: '/x' } }), /release\.archive/],
    [wrong({ password: 'x' }), /password|unrecognized/i],
    [wrong({ updatedAt: 'yesterday' }), /updatedAt/],
  ];
  for (const [text, words] of cases) {
    try {
      parseState(text);
      assert.unreachable(text);
    } catch (error) {
      assert.ok(isAirferryError(error, 'HOST_STATE_INVALID'), String(error));
      assert.match((error as Error).message, words);
    }
  }
});

test.run();
