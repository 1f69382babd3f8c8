import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Shell } from '../../src/host/shell.ts';
import { emptyState, formatState, type HostState } from '../../src/host/state.ts';
import { forgetHost } from '../../src/phases/forget-host.ts';
import { dropScript, purgeData } from '../../src/phases/purge-data.ts';
import { removeFiles } from '../../src/phases/remove-files.ts';
import { suite } from '../support/suite.ts';
import { context, reporter, survey } from './context.ts';

const test = suite('purge');
const UNIT = '/etc/systemd/system/containerd.service';
const release = { version: '20.10.24', archive: `sha256:${'a'.repeat(64)}`, path: '/opt/x' };
let base: string;
let dir: string;

test.before(async () => {
  base = await mkdtemp(join(tmpdir(), 'purge-'));
});
test.after(() => rm(base, { recursive: true, force: true }));

/** A host of its own for a test, with these files. */
async function files(...paths: string[]): Promise<void> {
  dir = await mkdtemp(join(base, 'host-'));
  for (const path of paths) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), 'x');
  }
}

const there = (path: string): boolean => existsSync(join(dir, path));
const drop = (root: string, containerd?: string): { status: number | null; stderr: string } =>
  spawnSync('sh', ['-c', dropScript(join(dir, root), containerd && join(dir, containerd))], {
    encoding: 'utf8',
  });

const planned = (state: HostState, text?: string) => {
  const scripts: string[] = [];
  const shell = {
    target: { name: 'h1' },
    run: async (script: string) => scripts.push(script),
  } as unknown as Shell;
  const contents = new Map(text === undefined ? [] : [['/etc/docker/daemon.json', text]]);
  return { scripts, host: context({ state, shell, survey: survey({}, { contents }) }) };
};

test('a data root goes as a whole, and containerd’s with it', async () => {
  await files(
    'docker/image/a',
    'docker/overlay2/l/b',
    'docker/volumes/c',
    'docker/engine-id',
    'containerd/d',
  );
  assert.is(drop('docker', 'containerd').status, 0);
  assert.not.ok(there('docker'));
  assert.not.ok(there('containerd'));
  assert.is(drop('docker', 'containerd').status, 0, 'once more');
});

test('what lies beside the engine’s own in the data root stays', async () => {
  await files('data/image/a', 'data/volumes/b', 'data/backups/c');
  assert.is(drop('data').status, 0);
  assert.equal([there('data/image'), there('data/volumes'), there('data/backups/c')], [false, false, true]);
  assert.is(drop('data').status, 0, 'once more');
  assert.ok(there('data/backups/c'));
});

test('data behind links is deleted, and the links lead to empty folders', async () => {
  await files('disk/image/a', 'elsewhere/v/b', 'big/c');
  await symlink(join(dir, 'disk'), join(dir, 'docker'));
  await symlink(join(dir, 'elsewhere'), join(dir, 'disk/volumes'));
  await symlink(join(dir, 'big'), join(dir, 'containerd'));
  assert.is(drop('docker', 'containerd').status, 0);
  assert.equal([there('disk/image'), there('elsewhere/v'), there('big/c')], [false, false, false]);
  assert.equal([there('docker'), there('containerd'), there('elsewhere')], [true, true, true]);
});

test('a folder that is no data root is left alone, and so is one that a link makes too much of', async () => {
  await files('home/tmp/a', 'docker/image/b');
  const refused = drop('home');
  assert.is(refused.status, 1);
  assert.match(refused.stderr, 'does not look like the data root');
  assert.ok(there('home/tmp/a'));
  // Not /, should this ever fail.
  await symlink('/proc', join(dir, 'docker/volumes'));
  const wide = drop('docker');
  assert.match(wide.stderr, '/proc is not deleted as a whole');
  assert.is(wide.status, 1);
});

test('once purged the release is forgotten, and a later run deletes no other data root', async () => {
  const state = { ...emptyState(), release, files: [{ path: UNIT, kind: 'file' } as const] };
  const { host, scripts } = planned(state, '{"data-root": "/mnt/data/docker"}');
  const plan = await purgeData.plan(host, reporter());
  assert.equal(plan?.changes, ['delete /mnt/data/docker', 'delete /var/lib/containerd']);
  await plan?.run(reporter());
  assert.match(scripts[0] ?? '', 'd=/mnt/data/docker\n');
  assert.is(host.state.release, undefined);
  assert.equal(host.state.files, state.files);
  assert.not.match(formatState(host.state), 'release');
  const again = planned(host.state).host;
  assert.is(await purgeData.plan(again, reporter()), undefined);
  assert.type(await removeFiles.plan(again, reporter()), 'undefined', 'the unit is gone already');
  assert.ok(await forgetHost(true).plan(again, reporter()));
});

test('the data of a containerd that is not ours stays', async () => {
  const { host, scripts } = planned({ ...emptyState(), release });
  const plan = await purgeData.plan(host, reporter());
  assert.equal(plan?.changes, ['delete /var/lib/docker']);
  await plan?.run(reporter());
  assert.not.match(scripts[0] ?? '', 'drop /var/lib/containerd');
});

test.run();
