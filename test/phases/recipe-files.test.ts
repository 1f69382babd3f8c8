/** The recipe's files beside what airferry writes: what is refused, what leaves, what is taken away in an upgrade. */

import { Readable } from 'node:stream';
import * as assert from 'uvu/assert';
import type { Bundle } from '../../src/bundle/open.ts';
import { digestOf } from '../../src/content/digest.ts';
import { isReserved } from '../../src/content/reserved.ts';
import { composeRelease } from '../../src/engine/release.ts';
import { UNIT_PATHS } from '../../src/engine/units.ts';
import { LAYOUT } from '../../src/host/layout.ts';
import type { Shell } from '../../src/host/shell.ts';
import { emptyState, type InstalledFile } from '../../src/host/state.ts';
import { copyFiles } from '../../src/phases/copy-files.ts';
import { DAEMON_JSON, OWN_DAEMON_JSON } from '../../src/phases/daemon-files.ts';
import { SYSCTL_FILE } from '../../src/phases/enable-ip-forward.ts';
import { installCompose } from '../../src/phases/install-compose.ts';
import { isRecipeFile } from '../../src/phases/origin.ts';
import { switchRelease } from '../../src/phases/switch-release.ts';
import { caPath } from '../../src/phases/trust-registry.ts';
import { readCargo } from '../../src/phases/wanted.ts';
import { writeUnits } from '../../src/phases/write-units.ts';
import { refused } from '../bundle/rig.ts';
import { suite } from '../support/suite.ts';
import { context, localShell, reporter, survey, wanted, wantedEngine } from './context.ts';

const test = suite("the recipe's files");
const SHA = 'a'.repeat(64);
const file = (path: string): InstalledFile => ({ path, kind: 'file', sha256: SHA, mode: '0644' });

test('everything that the phases write by a fixed path is reserved', () => {
  for (const path of [...UNIT_PATHS, DAEMON_JSON, OWN_DAEMON_JSON, SYSCTL_FILE, LAYOUT.state, LAYOUT.audit])
    assert.ok(isReserved(path), path);
});

test('a bundle that brings a file for such a path is refused', async () => {
  for (const path of ['/etc/hosts', '/var/lib/airferry/state.json', '/etc//docker/daemon.json']) {
    const bundle = {
      path: '/media/x.ferry',
      manifest: { units: {}, files: [{ path }] },
    } as unknown as Bundle;
    let code: unknown;
    try {
      await readCargo(bundle);
    } catch (error) {
      code = (error as { code?: string }).code;
    }
    assert.is(code, 'BUNDLE_INVALID', path);
  }
});

test("files beside a registry's CA are the recipe's, the CA is not", () => {
  assert.not.ok(isRecipeFile(file(caPath('hub.company.com:5000'))));
  assert.ok(isRecipeFile(file('/etc/docker/certs.d/hub.company.com:5000/client.cert')));
  assert.ok(isRecipeFile(file('/etc/docker/certs.d/hub.company.com:5000/client.key')));
});

test('large files of one content are uploaded one after the other, also after a failure', async () => {
  const size = 2 * 1024 * 1024;
  const digest = `sha256:${SHA}`;
  const log: string[] = [];
  let under = 0;
  const shell = {
    ...localShell(),
    async run(_script: string, { title = '' }: { title?: string } = {}) {
      under += 1;
      log.push(`${under} ${title}`);
      await new Promise(resolve => setTimeout(resolve, 5));
      under -= 1;
      if (log.length === 1) throw new Error('the connection is lost');
      return { status: 0, stdout: 'present\n', stderr: '', bytes: Buffer.from('present\n') };
    },
  } as unknown as Shell;
  const blob = {
    digest,
    size,
    open: () => {
      throw new Error('it is there');
    },
  };
  const files = ['/etc/a', '/etc/b', '/etc/c'].map(path => ({ path, mode: '0644', blob }));
  const plan = await copyFiles.plan(context({ shell, wanted: wanted({ files }) }), reporter());
  assert.is(plan?.changes.length, 3);
  let message = '';
  try {
    await plan?.run(reporter());
  } catch (error) {
    message = (error as Error).message;
  }
  assert.match(message, 'connection is lost');
  assert.ok(log.length > 1, 'the others took their turn');
  assert.ok(
    log.every(line => line.startsWith('1 ')),
    log.join('\n'),
  );
});

test('a file that is damaged in the bundle does not get to the host', async () => {
  const content = Buffer.from('welcome\n');
  const digest = digestOf(content);
  const commands: string[] = [];
  const shell = {
    ...localShell(),
    async run(script: string) {
      commands.push(script);
      return { status: 0, stdout: '', stderr: '', bytes: Buffer.alloc(0) };
    },
  } as unknown as Shell;
  for (const damaged of ['Welcome\n', 'welcome', 'welcome\n\n']) {
    const blob = { digest, size: content.length, open: () => Readable.from([Buffer.from(damaged)]) };
    const files = [{ path: '/etc/motd', mode: '0644', blob }];
    const plan = await copyFiles.plan(context({ shell, wanted: wanted({ files }) }), reporter());
    const error = await refused(() => plan?.run(reporter()), 'DIGEST_MISMATCH', 'it is damaged');
    assert.is(error.where.blob, digest);
  }
  assert.equal(commands, []);
});

test('a unit that somebody changed is moved aside by an upgrade, not deleted', async () => {
  const path = '/etc/systemd/system/docker.service.d/10-nofile.conf';
  const over = {
    state: { ...emptyState(), files: [file(path)] },
    wanted: wanted({ engine: wantedEngine('26.1.5') }),
  };
  const removal = async (sha256: string): Promise<string | undefined> => {
    const now = survey({ [path]: { kind: 'file', mode: '0644', size: 1, sha256 } });
    return (await writeUnits.plan(context({ ...over, survey: now }), reporter()))?.changes.at(-1);
  };
  assert.is(await removal(SHA), `remove ${path}`);
  assert.match((await removal('b'.repeat(64))) ?? '', 'aside');
});

test("a program's link that somebody pointed elsewhere stays in an upgrade", async () => {
  const path = '/usr/local/bin/containerd-shim';
  const target = '/opt/airferry/current/bin/containerd-shim';
  const state = { ...emptyState(), files: [{ path, kind: 'link', target } as const] };
  const changes = async (now: string): Promise<string[]> => {
    const paths = survey({ [path]: { kind: 'link', target: now } });
    return (await switchRelease.plan(context({ state, survey: paths }), reporter()))?.changes ?? [];
  };
  assert.ok((await changes(target)).includes(`remove ${path}`));
  assert.not.ok((await changes('/srv/own/containerd-shim')).includes(`remove ${path}`));
});

test('a plugin link of an earlier compose goes only while it is ours', async () => {
  const path = '/usr/local/lib/docker/cli-plugins/docker-compose';
  const target = '/opt/airferry/compose/2.29.7-aaaaaaaaaaaa/docker-compose';
  const state = { ...emptyState(), files: [{ path, kind: 'link', target } as const] };
  const digest = `sha256:${SHA}`;
  const release = composeRelease({ version: '1.29.2', digest });
  const binary = { digest, size: 1, open: () => Readable.from([]) };
  const compose = { version: '1.29.2', binary, release };
  const changes = async (now: string): Promise<string[]> => {
    const paths = survey({ [path]: { kind: 'link', target: now } });
    const at = context({ state, survey: paths, wanted: wanted({ compose }) });
    return (await installCompose.plan(at, reporter()))?.changes ?? [];
  };
  assert.ok((await changes(target)).includes(`remove ${path}`));
  assert.not.ok((await changes('/srv/own/compose')).includes(`remove ${path}`));
});

test.run();
