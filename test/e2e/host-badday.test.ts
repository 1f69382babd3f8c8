/** Bad days: hosts that are down, locked, full or cut off in the middle. The others go on, and a rerun finishes the job. */
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { must } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { USERS } from '../lab/rootfs.ts';
import { suite } from '../support/suite.ts';
import { packSite } from './host-bundles.ts';
import { act, resultOf, start } from './host-operator.ts';

const test = suite('host install on a bad day', { timeout: 240_000 });
const reason = whyNoLab();
const MB = 1_000_000;
let lab: Lab;
let bundle: string;

/** The code of a host's error, and the phase it failed in. */
function failure(host: ReturnType<typeof resultOf>): string {
  return `${host.error?.code} at ${host.phase}`;
}

if (reason !== undefined) test.skip('hosts fail one by one', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: ['h1', 'h2', 'h3', 'h4'].map(name => ({ name })) });
    bundle = await packSite(lab.dir, '20.10.24');
  });

  test.after(async () => {
    await lab?.down();
  });

  test('hosts that are down, refuse the key or sudo, or are full fail alone, each with its own reason', async () => {
    const strange = join(lab.dir, 'strange');
    await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', strange]);
    await lab.host('h4').sh('mkdir -p /opt/airferry && mount -t tmpfs -o size=50m none /opt/airferry');
    const { address } = lab.host('h2');
    const key = lab.keyFile;
    const answer = await act(lab, {
      action: 'install',
      bundle,
      hosts: [
        { name: 'down', address: '10.77.0.99', identity: key },
        { name: 'wrong-key', address, identity: strange },
        { name: 'no-sudo', address, user: 'plain', identity: key, sudoPassword: USERS.plain.password },
        { name: 'bad-sudo', address, identity: key, sudoPassword: 'wrong' },
        'h4',
        'h1',
      ],
    });
    const at = (name: string): string => failure(resultOf(answer, name));
    assert.is(at('down'), 'HOST_UNREACHABLE at connect');
    assert.is(at('wrong-key'), 'HOST_AUTH_FAILED at connect');
    assert.is(at('no-sudo'), 'HOST_SUDO at acquire-lock');
    assert.is(at('bad-sudo'), 'HOST_SUDO at acquire-lock');
    assert.is(at('h4'), 'HOST_PREFLIGHT at check-host');
    assert.match(
      resultOf(answer, 'h4').error?.message ?? '',
      /free on \/opt\/airferry, about \d+ MB are needed/,
    );
    for (const host of answer.hosts) if (host.error) assert.ok(host.error.suggestions.length > 0, host.name);
    assert.is(resultOf(answer, 'h1').outcome, 'changed');
    assert.is(answer.summary, 'SOME_HOSTS_FAILED');
    assert.is(await lab.host('h1').sh('docker run --rm site/tiny-b:1.0'), 'b');
    assert.is(
      await lab.host('h2').sh('ls -d /opt/airferry /var/lib/airferry /run/airferry.lock 2>/dev/null | wc -l'),
      '0',
    );
  });

  test('a host whose key has changed is not touched', async () => {
    const file = join(lab.dir, 'changed');
    const other = await readFile(join(lab.host('h3').root, 'etc/ssh/ssh_host_ed25519_key.pub'), 'utf8');
    await writeFile(file, `${lab.host('h2').address} ${other.split(' ').slice(0, 2).join(' ')}\n`);
    const answer = await act(lab, { action: 'install', bundle, hosts: ['h2'], knownHosts: file });
    assert.is(failure(resultOf(answer, 'h2')), 'HOST_KEY_CHANGED at connect');
    await copyFile(lab.knownHosts, file);
  });

  test('a disk that fills up while programs are unpacked leaves nothing half done', async () => {
    const host = lab.host('h4');
    await host.sh(`umount /opt/airferry; mkdir -p /opt/airferry/releases
mount -t tmpfs -o size=100m none /opt/airferry/releases`);
    const full = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h4'] }), 'h4');
    assert.is(failure(full), 'HOST_DISK_FULL at lay-out-release');
    assert.is(
      await host.sh('ls -A /opt/airferry/releases | wc -l; ls /usr/local/bin/docker 2>/dev/null | wc -l'),
      '0\n0',
    );
    assert.is(await host.sh('ls -d /run/airferry.lock 2>/dev/null | wc -l'), '0');
    await host.sh('umount /opt/airferry/releases');
    const again = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h4'] }), 'h4');
    assert.is(again.outcome, 'changed', again.error?.message);
    assert.not.ok(
      again.changes.some(({ what }) => what.startsWith('upload engine')),
      'the archive was there already',
    );
    assert.is(await host.sh('docker run --rm site/tiny-a:1.0'), 'a');
  });

  test('a link that is cut in mid-upload is an error of that host alone, and the rerun goes on from there', async () => {
    const host = lab.host('h3');
    const sent = new Map<string, number>();
    let cut: Promise<void> | undefined;
    const answer = await act(lab, { action: 'install', bundle, hosts: ['h2', 'h3'] }, event => {
      if (event.kind !== 'phase-progress' || event.phase !== 'stage-engine') return;
      sent.set(event.host, event.done);
      if (event.host === 'h3' && event.done > 30 * MB) cut ??= host.cutLink();
    });
    await cut;
    assert.is(failure(resultOf(answer, 'h3')), 'HOST_CONNECTION_LOST at stage-engine');
    assert.is(resultOf(answer, 'h2').outcome, 'changed');
    await host.restoreLink();
    const part = Number(await host.sh('stat -c %s /var/lib/airferry/blobs/sha256/*.part'));
    assert.ok(part > 5 * MB, `${part} bytes are there`);
    let first: number | undefined;
    const again = await act(lab, { action: 'install', bundle, hosts: ['h3'] }, event => {
      if (event.kind === 'phase-progress' && event.phase === 'stage-engine') first ??= event.done;
    });
    assert.is(resultOf(again, 'h3').outcome, 'changed', resultOf(again, 'h3').error?.message);
    assert.ok((first ?? 0) >= part, `it began at ${first}, ${part} were there`);
    assert.is(await host.sh('docker run --rm site/tiny-b:1.0'), 'b');
  });

  test('Ctrl-C in mid-upload gives the lock back, and uninstall removes what had come so far', async () => {
    const host = lab.host('h1');
    await act(lab, { action: 'uninstall', hosts: ['h1'], purge: true, stopContainers: true });
    const acting = start(lab, { action: 'install', bundle, hosts: ['h1'] }, event => {
      if (event.kind === 'phase-start' && event.phase === 'write-units') acting.child.kill('SIGINT');
    });
    const stopped = resultOf(await acting.answer, 'h1');
    assert.is(stopped.error?.code, 'INTERRUPTED');
    assert.is(await host.sh('ls -d /run/airferry.lock 2>/dev/null | wc -l'), '0');
    assert.is(await host.sh('ls /opt/airferry/releases | wc -l'), '1');
    const gone = resultOf(await act(lab, { action: 'uninstall', hosts: ['h1'] }), 'h1');
    assert.is(gone.outcome, 'changed', gone.error?.message);
    const left =
      'ls -d /opt/airferry /var/lib/airferry /etc/systemd/system/docker.service* /usr/local/bin/docker* 2>/dev/null | wc -l';
    assert.is(await host.sh(left), '0');
  });

  test(
    'killed at any moment, a rerun converges',
    async () => {
      const host = lab.host('h1');
      for (const phase of [
        'lay-out-release',
        'write-units',
        'switch-release',
        'start-engine',
        'load-images',
      ]) {
        const acting = start(lab, { action: 'install', bundle, hosts: ['h1'] }, event => {
          if (event.kind === 'phase-start' && event.phase === phase) acting.child.kill('SIGKILL');
        });
        await acting.answer.catch(() => undefined);
        const again = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h1'] }), 'h1');
        assert.not.ok(again.error, `${phase}: ${again.error?.message}`);
        const status = resultOf(await act(lab, { action: 'status', hosts: ['h1'] }), 'h1');
        assert.equal(status.drift, [], phase);
        assert.is(await host.sh('docker run --rm site/tiny-a:1.0'), 'a');
        const third = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h1'] }), 'h1');
        assert.is(third.outcome, 'unchanged', phase);
        await act(lab, { action: 'uninstall', hosts: ['h1'], purge: true });
      }
    },
    { timeout: 400_000 },
  );

  test('an engine that does not come up is reported with the end of its log', async () => {
    const daemon = { values: { 'storage-driver': 'btrfs' } };
    const { address } = lab.host('h1');
    const who = { name: 'h1', address, identity: lab.keyFile, sudoPassword: USERS.ops.password };
    const broken = resultOf(await act(lab, { action: 'install', bundle, hosts: [{ ...who, daemon }] }), 'h1');
    assert.is(failure(broken), 'ENGINE_NOT_READY at wait-ready');
    assert.match(
      broken.error?.message ?? '',
      /the end of its log:\n.*(?:graphdriver|storage driver|btrfs)/s,
      broken.error?.message,
    );
    const mended = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h1'] }), 'h1');
    assert.is(mended.outcome, 'changed', mended.error?.message);
    assert.is(await lab.host('h1').sh('docker run --rm site/tiny-a:1.0'), 'a');
  });

  test('a Docker that is not ours is left alone', async () => {
    const host = lab.host('h2');
    await act(lab, { action: 'uninstall', hosts: ['h2'], purge: true });
    await host.sh(
      'printf "#!/bin/sh\\necho Docker version 20.10.5, build 1\\n" > /usr/bin/dockerd; chmod 755 /usr/bin/dockerd',
    );
    const refused = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h2'] }), 'h2');
    assert.is(failure(refused), 'HOST_PREFLIGHT at check-host');
    assert.match(refused.error?.message ?? '', /Docker 20\.10\.5 is here already/);
    await host.sh('rm /usr/bin/dockerd; echo mine > /usr/local/bin/runc');
    const inTheWay = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h2'] }), 'h2');
    assert.match(inTheWay.error?.message ?? '', /\/usr\/local\/bin\/runc is there already/);
    assert.is(await host.sh('cat /usr/local/bin/runc'), 'mine');
  });

  test('two operators at once: the second is told who holds the host', async () => {
    let second: ReturnType<typeof act> | undefined;
    // An uninstall has an engine to stop: long enough for somebody else to come by.
    const first = await act(lab, { action: 'uninstall', hosts: ['h1'] }, event => {
      if (event.kind === 'phase-start' && event.phase === 'gather-facts')
        second ??= act(lab, { action: 'install', bundle, hosts: ['h1'] });
    });
    assert.not.ok(resultOf(first, 'h1').error);
    const answer = await second;
    assert.ok(answer);
    assert.is(failure(resultOf(answer, 'h1')), 'HOST_LOCKED at acquire-lock');
    assert.match(resultOf(answer, 'h1').error?.message ?? '', /holds it since/);
  });
}

test.run();
