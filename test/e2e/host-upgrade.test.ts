/** Upgrades of real engines: containers are never interrupted, and what does not stand the test is taken back. */

import { appendFile, copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { composePlugin, engineArchive } from '../lab/engines.ts';
import { must } from '../lab/exec.ts';
import type { Host } from '../lab/host.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';
import { readCounter, startCounting } from './counting.ts';
import { packSite } from './host-bundles.ts';
import { type Answer, act, resultOf } from './host-operator.ts';

const test = suite('host upgrade', { timeout: 300_000 });
const reason = whyNoLab();
const daemon = (values: Record<string, unknown>): string =>
  `daemon: { template: default, values: ${JSON.stringify(values)} }`;
let lab: Lab;
let original: string;
let siteBefore: string;
let host: Host;
let old: string;
let young: string;
let relabelled: string;
/** What the site knows by the time of an upgrade. */
const registry = { address: 'hub.site', ip: '10.77.0.1', ca: 'a certificate\n', insecure: false };
/** All of a release's configuration that is no unit and no daemon.json. */
const site = (): Promise<string> =>
  host.sh(`cd /etc; cat site/motd hosts; echo; find site docker/certs.d -type f 2>/dev/null | sort || :; docker compose version --short
readlink /usr/local/lib/docker/cli-plugins/docker-compose`);
const ORIGINAL = `cd /etc; sha256sum site/motd hosts docker/daemon.json; ls -A site docker`;

function ok(answer: Answer, outcome = 'changed'): ReturnType<typeof resultOf> {
  const result = resultOf(answer, 'h1');
  assert.is(result.outcome, outcome, result.error?.message ?? JSON.stringify(result.changes));
  return result;
}

const wordsOf = (answer: Answer): string[] =>
  resultOf(answer, 'h1').changes.map(({ phase, what }) => `${phase}: ${what}`);
const engineVersion = (): Promise<string> => host.sh('docker version --format "{{.Server.Version}}"');
const releases = (): Promise<string> => host.sh('ls /opt/airferry/releases | cut -d - -f 1');
const install = (bundle: string, more: Partial<Parameters<typeof act>[1]> = {}): Promise<Answer> =>
  act(lab, { action: 'install', hosts: ['h1'], bundle, ...more });

if (reason !== undefined) test.skip('engines are upgraded', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: [{ name: 'h1', suite: 'trixie' }] });
    host = lab.host('h1');
    old = await packSite(lab.dir, '20.10.24', daemon({ 'live-restore': true }));
    const compose = join(lab.dir, 'docker-compose');
    await copyFile(await composePlugin(), compose);
    await appendFile(compose, 'another');
    const more = { compose, file: '/etc/site/young' };
    young = await packSite(lab.dir, '26.1.5', daemon({ 'live-restore': true }), more);
    relabelled = await packSite(
      lab.dir,
      '26.1.5',
      daemon({ 'live-restore': true, labels: ['rack=12'], 'max-concurrent-downloads': 2 }),
      more,
    );
    await host.sh(`mkdir -p /etc/docker /etc/site && printf '{"log-level": "warn"}' > /etc/docker/daemon.json
printf mine > /etc/site/motd; printf '127.0.0.1 localhost' > /etc/hosts`);
    original = await host.sh(ORIGINAL);
  });

  test.after(async () => {
    await lab?.down();
  });

  test('a first install leaves nothing to go back to', async () => {
    ok(await install(old));
    const answer = await act(lab, { action: 'rollback', hosts: ['h1'] });
    assert.is(resultOf(answer, 'h1').error?.code, 'HOST_PREFLIGHT');
    assert.match(resultOf(answer, 'h1').error?.message ?? '', /earlier release is not kept/);
  });

  test('a running container is not interrupted by an upgrade, which does what its dry run said', async () => {
    await host.sh(`mkdir -p /etc/systemd/system/docker.service.d
printf '[Service]\\nEnvironment=SITE=plant-7\\n' > /etc/systemd/system/docker.service.d/50-site.conf`);
    await startCounting(host);
    const before = await readCounter(host);
    siteBefore = await site();
    const dry = await install(young, { dryRun: true, registry });
    const wet = await install(young, { registry });
    ok(wet);
    assert.equal(wordsOf(wet), wordsOf(dry));
    assert.match(await engineVersion(), /^26\.1\.5/);
    assert.match(await host.sh('readlink /proc/$(pidof containerd)/exe'), /\/26\.1\.5-/);
    await host.sh('sleep 1');
    const after = await readCounter(host);
    assert.is(after.identity, before.identity);
    assert.ok(after.unbroken && after.count > before.count + 5, `${before.count}, then ${after.count}`);
    assert.ok(after.longestGap < 3, `${after.longestGap} s between two counts`);
    assert.is(await host.sh('docker exec counter echo in'), 'in');
    assert.match(await host.sh('tr "\\0" "\\n" < /proc/$(pidof dockerd)/environ'), /SITE=plant-7/);
    assert.match(await host.sh('cat /etc/docker/daemon.json'), /"log-level": "warn"/);
    assert.is(await releases(), '20.10.24\n26.1.5');
    assert.is(await host.sh('docker image ls -q airferry-probe | wc -l'), '0');
    ok(await install(young, { registry }), 'unchanged');
    assert.match(
      await site(),
      /10\.77\.0\.1 hub\.site # airferry\n\ndocker\/certs\.d\/hub\.site\/ca\.crt\nsite\/motd\nsite\/young\n/,
    );
  });

  test('settings that an engine can take over while it runs are reloaded', async () => {
    const pid = await host.sh('pidof dockerd');
    const dry = await install(relabelled, { dryRun: true });
    const wet = await install(relabelled);
    ok(wet);
    assert.equal(wordsOf(wet), wordsOf(dry));
    assert.ok(wordsOf(wet).includes('start-engine: reload docker.service'), wordsOf(wet).join('\n'));
    assert.match(
      resultOf(dry, 'h1').changes.find(({ phase }) => phase === 'write-daemon-json')?.diff ?? '',
      /^\+ {2}"labels": \[$/m,
    );
    assert.is(await host.sh('pidof dockerd'), pid);
    assert.is(await host.sh('docker info --format "{{json .Labels}}"'), '["rack=12"]');
    ok(await install(relabelled), 'unchanged');
  });

  test('a file that the new engine refuses stops the upgrade before anything is switched', async () => {
    const files =
      'sha256sum /etc/docker/daemon.json /etc/systemd/system/docker.service; readlink /opt/airferry/current';
    const before = await host.sh(files);
    const bad = await packSite(lab.dir, '26.1.5', daemon({ 'live-restore': true, mtu: -5 }));
    const result = resultOf(await install(bad), 'h1');
    assert.is(`${result.error?.code} at ${result.phase}`, 'DAEMON_JSON_INVALID at validate-config');
    assert.match(result.error?.message ?? '', /refuses the daemon\.json/);
    assert.is(await host.sh(files), before);
  });

  test('an older engine is refused unless it is meant', async () => {
    const refused = resultOf(await install(old), 'h1');
    assert.is(refused.error?.code, 'HOST_PREFLIGHT');
    assert.match(refused.error?.suggestions.join('\n') ?? '', /--allow-downgrade/);
    assert.match(await engineVersion(), /^26\.1\.5/);
  });

  test('a rollback brings engine and configuration back, byte for byte, and interrupts no container', async () => {
    const before = await readCounter(host);
    const images = await host.sh('docker image ls -q --no-trunc | sort');
    const dry = await act(lab, { action: 'rollback', hosts: ['h1'], dryRun: true });
    assert.match(await engineVersion(), /^26\.1\.5/);
    const wet = await act(lab, { action: 'rollback', hosts: ['h1'] });
    ok(wet);
    assert.equal(wordsOf(wet), wordsOf(dry));
    assert.match(await engineVersion(), /^20\.10\.24/);
    assert.is(await host.sh('docker image ls -q --no-trunc | sort'), images);
    assert.is(await site(), siteBefore);
    assert.not.match(await host.sh('cat /etc/docker/daemon.json'), /rack=12/);
    assert.is(await host.sh('ls /usr/local/bin/containerd-shim'), '/usr/local/bin/containerd-shim');
    const after = await readCounter(host);
    assert.is(after.identity, before.identity);
    assert.ok(after.unbroken && after.longestGap < 3, `${after.longestGap} s`);
    const status = resultOf(await act(lab, { action: 'status', hosts: ['h1'] }), 'h1');
    assert.equal(status.drift, []);
    assert.is(status.installed?.bundle.version, '2026.11-20.10.24');
    ok(await act(lab, { action: 'rollback', hosts: ['h1'], to: '20.10.24' }), 'unchanged');
  });

  test('an engine that does not come up with a flag of the site is rolled back, and its log is shown', async () => {
    const before = await readCounter(host);
    const files =
      'cd /etc && sha256sum docker/daemon.json systemd/system/docker.service.d/* systemd/system/docker.service';
    // 20.10 takes this flag, 26 no longer does.
    await host.sh(`printf '[Service]\\nExecStart=\\nExecStart=/usr/local/bin/dockerd --containerd=/run/containerd/containerd.sock --oom-score-adjust=-500\\n' > /etc/systemd/system/docker.service.d/60-flag.conf
systemctl daemon-reload; systemctl restart docker`);
    const config = await host.sh(files);
    const answer = await install(young, { registry });
    const { error, phase } = resultOf(answer, 'h1');
    assert.is(`${error?.code} at ${phase}`, 'ROLLED_BACK at wait-ready', error?.message);
    assert.is(answer.summary, 'ROLLED_BACK');
    assert.match(error?.message ?? '', /unknown flag: --oom-score-adjust/);
    assert.match(error?.message ?? '', /back on engine 20\.10\.24/);
    assert.match(await engineVersion(), /^20\.10\.24/);
    assert.is(await host.sh(files), config);
    const after = await readCounter(host);
    assert.is(after.identity, before.identity);
    assert.ok(after.unbroken && after.longestGap < 3, `${after.longestGap} s`);
    assert.is(await site(), siteBefore);
    ok(await install(old), 'unchanged');
  });

  test('with --no-rollback the host is left as it is, and goes back or forward when it is told to', async () => {
    const left = resultOf(await install(young, { rollback: false }), 'h1');
    assert.is(left.error?.code, 'ENGINE_NOT_READY');
    ok(await act(lab, { action: 'rollback', hosts: ['h1'] }));
    assert.match(await engineVersion(), /^20\.10\.24/);
    await host.sh('rm /etc/systemd/system/docker.service.d/60-flag.conf');
    ok(await install(young));
    assert.match(await engineVersion(), /^26\.1\.5/);
  });

  test('a container that does not come through is a reason to go back', async () => {
    ok(await act(lab, { action: 'rollback', hosts: ['h1'] }));
    // The new engine's name is enough: whatever else is called so on this host does not matter.
    await host.sh(`docker rm -f counter >/dev/null
docker run -d --name fragile busybox:1.35 sh -c 'sleep 1000000'
mkdir -p /etc/systemd/system/docker.service.d
cat > /usr/local/bin/break-it <<'EOF'
#!/bin/sh
case $(readlink /opt/airferry/current) in *26.1.5*) kill -9 $(pgrep -f 'sleep 1000000' | head -n 1) || :;; esac
EOF
chmod 755 /usr/local/bin/break-it
printf '[Service]\\nExecStartPre=/usr/local/bin/break-it\\n' > /etc/systemd/system/docker.service.d/70-break.conf
systemctl daemon-reload`);
    const { error, phase } = resultOf(await install(young), 'h1');
    assert.is(`${error?.code} at ${phase}`, 'ROLLED_BACK at check-health', error?.message);
    assert.match(error?.message ?? '', /fragile/);
    assert.match(await engineVersion(), /^20\.10\.24/);
  });

  test('with live-restore off in the running engine it is turned on first, and containers stay', async () => {
    ok(await act(lab, { action: 'uninstall', hosts: ['h1'], stopContainers: true, purge: true }));
    assert.is(await host.sh(ORIGINAL), original);
    await host.sh('rm -rf /etc/systemd/system/docker.service.d /usr/local/bin/break-it');
    ok(await install(await packSite(lab.dir, '20.10.24', daemon({ 'live-restore': false }))));
    await startCounting(host);
    const before = await readCounter(host);
    const answer = await install(young);
    ok(answer);
    assert.ok(wordsOf(answer).includes('start-engine: turn live-restore on in the running engine first'));
    assert.is((await readCounter(host)).identity, before.identity);
  });

  test('of three releases the oldest goes, and with the uninstall everything', async () => {
    await host.sh('docker rm -f counter');
    // The same engine in an archive of its own is another release.
    const archive = join(lab.dir, 'again.tgz');
    await must(['sh', '-c', `gzip -dc ${await engineArchive('26.1.5')} | gzip -1 > ${archive}`]);
    const rebuilt = await packSite(lab.dir, '26.1.5', daemon({ 'live-restore': true }), { archive });
    ok(await install(rebuilt), 'changed');
    assert.is(await releases(), '26.1.5\n26.1.5');
    ok(await act(lab, { action: 'uninstall', hosts: ['h1'], purge: true }));
    assert.is(await host.sh('ls -d /opt/airferry /var/lib/airferry 2>/dev/null | wc -l'), '0');
    assert.is(await host.sh('cat /etc/docker/daemon.json'), '{"log-level": "warn"}');
  });
}

test.run();
