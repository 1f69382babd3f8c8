/** From bare hosts to running containers and back again, on hosts of the lab with real engines. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { loadRecipe } from '../../src/config/recipe.ts';
import type { Host } from '../lab/host.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';
import { packSite } from './host-bundles.ts';
import { type Answer, act, resultOf } from './host-operator.ts';

const test = suite('host install, status, uninstall', { timeout: 240_000 });
const CLI = fileURLToPath(new URL('../../bin/dev.js', import.meta.url));
const reason = whyNoLab();
const REGISTRY = { address: 'hub.company.com', ip: '10.77.0.1', insecure: true };
let lab: Lab;
let old: string;
let young: string;
const before = new Map<string, string>();

/** Everything that an install may touch, with type, mode, link target and hash; and what runs. */
async function snapshot(host: Host): Promise<string> {
  return host.sh(`cd / && find etc opt usr/local var/lib/airferry var/log/airferry root -printf '%M %u %p %l\\n' 2>/dev/null | sort
find etc opt usr/local var/lib/airferry -type f -not -name 'ld.so.cache' -not -name '*-' 2>/dev/null | sort | xargs sha256sum
getent group docker || :; cat /proc/sys/net/ipv4/ip_forward; systemctl list-unit-files --no-legend "docker*" "containerd*" || :; ls /run/airferry.lock 2>/dev/null || :`);
}

function outcomes(answer: Answer): string[] {
  return answer.hosts.map(host => `${host.name} ${host.outcome} ${host.error?.message ?? ''}`.trim());
}

const changesOf = (answer: Answer, name: string): string[] =>
  resultOf(answer, name).changes.map(({ phase, what }) => `${phase}: ${what}`);

/** The host's own systemd, with its own units around ours, has nothing to say of them. */
async function unitsVerify(host: Host): Promise<void> {
  const verify = 'systemd-analyze verify --man=no docker.service containerd.service';
  assert.is(await host.sh(`${verify} 2>&1; echo "status $?"`), 'status 0', host.name);
}

if (reason !== undefined) test.skip('hosts are installed', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: [{ name: 'h1' }, { name: 'h2', suite: 'trixie', passwordlessSudo: true }] });
    old = await packSite(lab.dir, '20.10.24');
    young = await packSite(lab.dir, '26.1.5');
    await lab.host('h1').sh(`mkdir -p /etc/docker /etc/site
printf '{"labels": ["rack=12"], "log-level": "warn"}' > /etc/docker/daemon.json; chmod 0600 /etc/docker/daemon.json
echo theirs > /etc/site/motd; chmod 0604 /etc/site/motd; printf '127.0.0.9 nowhere' >> /etc/hosts`);
    for (const host of lab.hosts) before.set(host.name, await snapshot(host));
  });

  test.after(async () => {
    await lab?.down();
  });

  test('check finds nothing against an install, and says how much room it takes', async () => {
    const answer = await act(lab, { action: 'check', hosts: ['h1', 'h2'], bundle: old });
    assert.equal(outcomes(answer), ['h1 unchanged', 'h2 unchanged']);
    const { findings } = resultOf(answer, 'h1');
    assert.equal(
      findings.filter(finding => finding.level === 'error'),
      [],
    );
    assert.match(
      findings.find(finding => finding.id.startsWith('space-'))?.title ?? '',
      /about \d+ MB are needed/,
    );
  });

  test('where /usr is read-only a first install is refused before anything is written', async () => {
    const host = lab.host('h2');
    await host.sh('mount --bind /usr /usr; mount -o remount,ro,bind /usr');
    try {
      const { error } = resultOf(await act(lab, { action: 'install', hosts: ['h2'], bundle: old }), 'h2');
      assert.is(error?.code, 'HOST_PREFLIGHT');
      assert.match(error?.message ?? '', 'is on a file system that is mounted read-only');
    } finally {
      await host.sh('umount -l /usr');
    }
    assert.match(await host.sh('cat /var/log/airferry/audit.jsonl; rm -r /var/log/airferry'), 'check-host');
    assert.is(
      await host.sh('ls -d /opt/airferry /etc/docker /etc/systemd/system/docker.service 2>/dev/null || :'),
      '',
    );
  });

  test('a dry run changes nothing, and the real run does exactly what it said', async () => {
    const request = { action: 'install', hosts: ['h1', 'h2'], bundle: old, registry: REGISTRY } as const;
    const dry = await act(lab, { ...request, dryRun: true });
    assert.equal(outcomes(dry), ['h1 changed', 'h2 changed']);
    for (const host of lab.hosts) assert.is(await snapshot(host), before.get(host.name));
    const wet = await act(lab, request);
    assert.equal(outcomes(wet), ['h1 changed', 'h2 changed']);
    for (const name of ['h1', 'h2']) assert.equal(changesOf(wet, name), changesOf(dry, name));
    assert.ok(wet.rss < 260e6, `the operator's side took ${wet.rss} bytes`);
  });

  test('the engines run containers, and come up at boot', async () => {
    for (const host of lab.hosts) {
      assert.is(await host.sh('docker run --rm site/tiny-a:1.0'), 'a');
      assert.is(
        await host.sh('docker-compose version --short; docker compose version --short | wc -l'),
        '2.26.1-4\n1',
      );
      assert.is(await host.sh('systemctl is-enabled docker containerd'), 'enabled\nenabled');
      assert.is(await host.sh('stat -c "%a %U" /etc/site/motd'), '640 root');
      assert.is(await host.sh('getent hosts hub.company.com | cut -d " " -f 1'), '10.77.0.1');
      assert.match(await host.sh('docker info --format "{{json .RegistryConfig}}"'), /hub\.company\.com/);
      assert.not.match(
        await host.sh('journalctl -u docker -u containerd -o cat'),
        /Unknown (?:key|lvalue)|deprecated option/,
      );
      await unitsVerify(host);
    }
    assert.match(await lab.host('h1').sh('systemctl --version | head -n 1'), /^systemd 252 /);
    assert.match(await lab.host('h2').sh('systemctl --version | head -n 1'), /^systemd 257 /);
  });

  test('init writes a recipe of what a host uses', async () => {
    const host = lab.host('h2');
    await host.sh('docker create --name kept site/tiny-a:1.0 >/dev/null');
    const dir = join(lab.dir, 'init');
    const login = ['--identity', lab.keyFile, '--known-hosts', lab.knownHosts];
    const from = `ops@${host.address}`;
    const init = [process.execPath, CLI, 'init', '--from-host', from, ...login, '--dir', dir, '--yes'];
    const { code, stderr } = await lab.run(init);
    assert.is(code, 0, stderr);
    await host.sh('docker rm kept >/dev/null');
    const recipe = await loadRecipe(join(dir, 'bundle.yaml'));
    assert.is(recipe.engine?.version, '20.10.24');
    assert.equal(recipe.platforms, ['linux/amd64']);
    assert.match(readFileSync(join(dir, 'bundle.yaml'), 'utf8'), /site\/tiny-a:1\.0/);
  });

  test("the operator's own daemon.json settings are kept under ours", async () => {
    const config = JSON.parse(await lab.host('h1').sh('cat /etc/docker/daemon.json'));
    assert.equal(config.labels, ['rack=12']);
    assert.is(config['log-level'], 'warn');
    assert.equal(config['insecure-registries'], ['hub.company.com']);
    assert.is(await lab.host('h1').sh('stat -c %a /etc/docker/daemon.json'), '600');
  });

  test('a second run changes nothing', async () => {
    const files = await Promise.all(lab.hosts.map(snapshot));
    const pids = await Promise.all(lab.hosts.map(host => host.sh('pidof dockerd containerd')));
    const answer = await act(lab, {
      action: 'install',
      hosts: ['h1', 'h2'],
      bundle: old,
      registry: REGISTRY,
    });
    assert.equal(outcomes(answer), ['h1 unchanged', 'h2 unchanged']);
    assert.equal(
      answer.hosts.flatMap(host => host.changes),
      [],
    );
    assert.equal(await Promise.all(lab.hosts.map(snapshot)), files);
    assert.equal(await Promise.all(lab.hosts.map(host => host.sh('pidof dockerd containerd'))), pids);
  });

  test('status tells versions and engine, and sees what was changed since', async () => {
    const clean = resultOf(await act(lab, { action: 'status', hosts: ['h1'] }), 'h1');
    assert.match(clean.versions.dockerd ?? '', /^20\.10\.24/);
    assert.match(clean.versions.containerd ?? '', /^1\.6\./);
    assert.match(clean.versions.runc ?? '', /^1\./);
    assert.match(clean.versions.init ?? '', /^0\./);
    assert.match(clean.versions.compose ?? '', /^2\.26\.1/);
    assert.is(clean.engine?.storageDriver, 'overlay2');
    assert.is(clean.engine?.dataRoot, '/var/lib/docker');
    assert.is(clean.installed?.bundle.version, '2026.11-20.10.24');
    assert.equal(clean.drift, []);
    await lab.host('h1').sh(`echo '# mine' >> /etc/systemd/system/docker.service; rm /usr/local/bin/ctr
printf x >> /opt/airferry/current/bin/docker-proxy; systemctl disable --quiet containerd`);
    const drifted = resultOf(await act(lab, { action: 'status', hosts: ['h1'] }), 'h1');
    const release = drifted.installed?.release;
    assert.equal(
      drifted.drift.map(({ what, kind }) => `${kind} ${what}`).sort(),
      [
        `changed /opt/airferry/releases/${release}/bin/docker-proxy`,
        'changed /etc/systemd/system/docker.service',
        'missing /usr/local/bin/ctr',
        'not-enabled containerd.service',
      ].sort(),
    );
  });

  test('an install mends what was changed, and keeps what somebody wrote', async () => {
    const host = lab.host('h1');
    await host.sh(`sed -i 's/rack=12/rack=13/' /etc/docker/daemon.json`);
    const answer = await act(lab, { action: 'install', hosts: ['h1'], bundle: old, registry: REGISTRY });
    assert.equal(outcomes(answer), ['h1 changed']);
    assert.equal(resultOf(await act(lab, { action: 'status', hosts: ['h1'] }), 'h1').drift, []);
    assert.match(await host.sh('cat /etc/systemd/system/docker.service.airferry-saved'), /# mine/);
    assert.match(await host.sh('cat /etc/docker/daemon.json'), /rack=13/);
    const again = await act(lab, { action: 'install', hosts: ['h1'], bundle: old, registry: REGISTRY });
    assert.equal(outcomes(again), ['h1 unchanged']);
    await host.sh('rm -f /etc/systemd/system/docker.service.airferry-saved');
  });

  test('a newer bundle upgrades the engine, and its containers with a restart policy run again', async () => {
    const host = lab.host('h2');
    await host.sh('docker run -d --name clock --restart always busybox:1.35 sleep 1000000');
    const answer = await act(lab, { action: 'install', hosts: ['h2'], bundle: young, registry: REGISTRY });
    assert.equal(outcomes(answer), ['h2 changed']);
    assert.match(await host.sh('docker version --format "{{.Server.Version}}"'), /^26\.1\.5/);
    assert.is(await host.sh('docker inspect --format "{{.State.Running}}" clock'), 'true');
    assert.is(await host.sh('ls /opt/airferry/releases | wc -l'), '2');
    assert.is(await host.sh('ls /usr/local/bin/containerd-shim 2>/dev/null | wc -l'), '0');
    await unitsVerify(host);
    const status = resultOf(await act(lab, { action: 'status', hosts: ['h2'] }), 'h2');
    assert.match(status.versions.containerd ?? '', /^1\.7\./);
    assert.equal(status.drift, []);
  });

  test('uninstall does not stop containers unasked', async () => {
    const answer = await act(lab, { action: 'uninstall', hosts: ['h2'] });
    assert.is(resultOf(answer, 'h2').error?.code, 'CONFIRMATION_NEEDED');
    assert.is(await lab.host('h2').sh('docker inspect --format "{{.State.Running}}" clock'), 'true');
  });

  test('uninstall takes away what was installed and brings back what was there, images stay', async () => {
    const dry = await act(lab, { action: 'uninstall', hosts: ['h1'], dryRun: true });
    const wet = await act(lab, { action: 'uninstall', hosts: ['h1'] });
    assert.equal(outcomes(wet), ['h1 changed']);
    assert.equal(changesOf(wet, 'h1'), changesOf(dry, 'h1'));
    const host = lab.host('h1');
    assert.is(
      await host.sh('ls /var/lib/docker/image/overlay2/repositories.json'),
      '/var/lib/docker/image/overlay2/repositories.json',
    );
    // What the engine itself leaves, and the log of what was done.
    await host.sh('rm -rf /etc/docker/key.json /opt/containerd /etc/cni /var/log/airferry');
    assert.match(
      await host.sh('cat /etc/docker/daemon.json.airferry-saved 2>/dev/null || cat /etc/docker/daemon.json'),
      /rack=12/,
    );
    assert.is(await snapshot(host), before.get('h1'));
    const again = await act(lab, { action: 'uninstall', hosts: ['h1'] });
    assert.equal(outcomes(again), ['h1 unchanged']);
  });

  test('after uninstall with --purge nothing is left', async () => {
    const host = lab.host('h2');
    const answer = await act(lab, { action: 'uninstall', hosts: ['h2'], purge: true, stopContainers: true });
    assert.equal(outcomes(answer), ['h2 changed']);
    assert.is(
      await host.sh('ls -d /var/lib/docker /var/lib/containerd /var/lib/airferry 2>/dev/null | wc -l'),
      '0',
    );
    assert.is(await host.sh('pidof dockerd containerd containerd-shim-runc-v2 | wc -w'), '0');
    assert.is(await snapshot(host), before.get('h2'));
  });
}

test.run();
