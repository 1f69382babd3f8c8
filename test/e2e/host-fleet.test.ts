/** The command line on a small fleet: waves and their record, status, a watch, and commands on all hosts. */
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Outcome } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { USERS } from '../lab/rootfs.ts';
import { suite } from '../support/suite.ts';
import { packSite } from './host-bundles.ts';

const test = suite('a fleet of three', { timeout: 240_000 });
const reason = whyNoLab();
const ENTRY = new URL('../../bin/dev.js', import.meta.url).pathname;
let lab: Lab;
let bundle: string;
let fleet: string;

function environment(): Record<string, string> {
  return {
    XDG_STATE_HOME: join(lab.dir, 'state'),
    AIRFERRY_SUDO_PASSWORD: USERS.ops.password,
    NO_COLOR: '1',
  };
}

function airferry(...argv: string[]): Promise<Outcome> {
  const login = ['-i', lab.keyFile, '--known-hosts', lab.knownHosts, '-F', fleet];
  const [topic = '', name = '', ...rest] = argv;
  return lab.run([process.execPath, ENTRY, topic, name, ...login, ...rest], { env: environment() });
}

/** How each host fared, out of a JSON document. */
function outcomes({ stdout }: Outcome): string[] {
  const { hosts } = JSON.parse(stdout) as { hosts: { name: string; outcome: string }[] };
  return hosts.map(host => `${host.name} ${host.outcome}`);
}

async function lastRun(): Promise<{
  folder: string;
  run: { who: string; exit: number; hosts: { outcome: string }[] };
}> {
  const runs = join(lab.dir, 'state/airferry/runs');
  const folder = join(runs, (await readdir(runs)).sort().at(-1) ?? '');
  return { folder, run: JSON.parse(await readFile(join(folder, 'run.json'), 'utf8')) };
}

if (reason !== undefined) test.skip('a fleet is handled', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: ['h1', 'h2', 'h3'].map(name => ({ name })) });
    bundle = await packSite(lab.dir, '20.10.24');
    fleet = join(lab.dir, 'fleet.yaml');
    const hosts = lab.hosts.map(({ name, address }) => `  - { name: ${name}, address: ${address} }\n`);
    await writeFile(fleet, `defaults: { user: ops }\nhosts:\n${hosts.join('')}`);
  });

  test.after(async () => {
    await lab?.down();
  });

  test('a check fixes what is safe when it is told to, after saying what that is; clones are told', async () => {
    await lab.host('h2').sh('echo 0 > /proc/sys/net/ipv4/ip_forward; cp /etc/machine-id /root/id');
    await lab.host('h2').sh(`echo ${await lab.host('h1').sh('cat /etc/machine-id')} > /etc/machine-id`);
    const argv = ['host', 'check', '-b', bundle, '--host', 'h1', '--host', 'h2', '--fix'];
    const dry = await airferry(...argv, '--dry-run', '--json');
    const said = JSON.parse(dry.stdout).hosts[1];
    assert.ok(
      said.changes.some(({ what }: { what: string }) => what === 'set net.ipv4.ip_forward = 1'),
      dry.stdout,
    );
    assert.is(
      await lab.host('h2').sh('cat /proc/sys/net/ipv4/ip_forward; ls /var/lib/airferry 2>/dev/null | wc -l'),
      '0\n0',
    );
    assert.ok(
      said.findings.some(({ id }: { id: string }) => id === 'machine-id-unique'),
      dry.stdout,
    );
    const wet = JSON.parse((await airferry(...argv, '--json')).stdout).hosts[1];
    assert.equal(wet.changes, said.changes);
    assert.is(wet.findings.find(({ id }: { id: string }) => id === 'ip-forward').level, 'ok');
    assert.is(await lab.host('h2').sh('cat /proc/sys/net/ipv4/ip_forward'), '1');
    const install = ['host', 'install', '-b', bundle, '--host', 'h1', '--host', 'h2', '--dry-run', '--json'];
    const preflight = JSON.parse((await airferry(...install)).stdout) as { hosts: (typeof said)[] };
    for (const { findings } of preflight.hosts)
      assert.is(findings.filter(({ id }: { id: string }) => id === 'machine-id-unique').length, 1);
    const undone = await airferry('host', 'uninstall', '--yes', '--host', 'h2', '--purge');
    assert.is(undone.code, 0, undone.stderr);
    assert.is(
      await lab
        .host('h2')
        .sh('ls /etc/sysctl.d/80-airferry.conf /etc/modules-load.d/80-airferry.conf 2>/dev/null | wc -l'),
      '0',
    );
    await lab.host('h2').sh('cat /root/id > /etc/machine-id');
    await lab.host('h1').sh(`rm -rf /var/lib/airferry /var/log/airferry /etc/sysctl.d/80-airferry.conf`);
  });

  test('a canary that fails keeps the others from being begun, and the record says so', async () => {
    await lab.host('h1').sh('mkdir -p /opt/airferry && mount -t tmpfs -o size=50m none /opt/airferry');
    const failed = await airferry('host', 'install', '-b', bundle, '--canary', '1', '--json');
    assert.equal(outcomes(failed), ['h1 failed', 'h2 skipped', 'h3 skipped']);
    assert.is(failed.code, 8, failed.stderr);
    for (const name of ['h2', 'h3'])
      assert.is(await lab.host(name).sh('ls -d /var/lib/airferry 2>/dev/null | wc -l'), '0');
    const { folder, run } = await lastRun();
    assert.equal(
      run.hosts.map(({ outcome }) => outcome),
      ['failed', 'skipped', 'skipped'],
    );
    assert.is((await stat(folder)).mode & 0o777, 0o700);
    assert.match(await readFile(join(folder, 'h1.log'), 'utf8'), /check-host: failed/);
    assert.match(await readFile(join(folder, 'h2.log'), 'utf8'), /not begun: the canary failed/);
  });

  test('the retry takes what the last run did not bring to an end, in waves', async () => {
    await lab.host('h1').sh('umount /opt/airferry; rmdir /opt/airferry');
    const again = await airferry(
      'host',
      'install',
      '-b',
      bundle,
      '--canary',
      '1',
      '--batch',
      '1',
      '--retry-failed',
    );
    assert.is(again.code, 0, again.stderr);
    assert.match(again.stdout, /h1 +changed.*\nh2 +changed.*\nh3 +changed/);
    assert.ok(again.stderr.indexOf('h2 ') > again.stderr.indexOf('h1    changed'), again.stderr);
    const { run } = await lastRun();
    assert.is(run.exit, 0);
    assert.match(run.who, /@/);
    const none = await airferry('host', 'install', '-b', bundle, '--retry-failed', '--json');
    assert.equal(outcomes(none), []);
    assert.is(none.code, 0);
    const audit = await lab.host('h1').sh('cat /var/log/airferry/audit.jsonl');
    assert.match(audit, /"action":"write \/etc\/docker\/daemon\.json/);
  });

  test('a lock that somebody else holds is respected until it is to be broken, and that is written down', async () => {
    const details = {
      operator: 'alice@elsewhere',
      machine: 'elsewhere',
      pid: 7,
      since: '2026-11-20T10:00:00Z',
      purpose: 'host install',
      token: 't',
    };
    await lab
      .host('h2')
      .sh(
        `mkdir /run/airferry.lock; cat /proc/sys/kernel/random/boot_id > /run/airferry.lock/owner; echo '${JSON.stringify(details)}' >> /run/airferry.lock/owner`,
      );
    const refused = await airferry('host', 'install', '-b', bundle, '--host', 'h2', '--json');
    assert.is(JSON.parse(refused.stdout).hosts[0].error.code, 'HOST_LOCKED');
    assert.match(refused.stdout, /alice@elsewhere holds it since 2026-11-20.*--break-lock/s);
    const broken = await airferry('host', 'install', '-b', bundle, '--host', 'h2', '--break-lock');
    assert.is(broken.code, 0, broken.stderr);
    assert.match(broken.stderr, /broke the lock that was held by alice@elsewhere/);
    const audit = await lab
      .host('h2')
      .sh('cat /var/log/airferry/audit.jsonl; ls -d /run/airferry.lock 2>/dev/null || :');
    assert.match(audit, /broke the lock that was held by alice@elsewhere/);
    assert.match(
      audit,
      /"path":"\/etc\/docker\/daemon.json","before":"absent","after":"sha256:[0-9a-f]{64}"/,
    );
    assert.not.match(audit, /^\/run/m);
  });

  test('status compares the hosts, and names who is different and in what', async () => {
    await lab
      .host('h3')
      .sh('docker run -d --restart always --name clock busybox:1.35 sleep 100000 >/dev/null');
    const alike = await airferry('host', 'status');
    assert.is(alike.code, 0, alike.stderr);
    assert.not.match(alike.stdout, /differ/);
    assert.match(alike.stdout, /h3 .*20\.10\.24\S* +overlay2 +1 +\d+% +\d+ (?:d|h|min) +as left/);
    await lab
      .host('h2')
      .sh(
        'echo "# mine" >> /etc/systemd/system/docker.service; systemctl stop docker docker.socket 2>/dev/null || systemctl stop docker',
      );
    const odd = await airferry('host', 'status');
    assert.match(odd.stdout, /Hosts differ in/);
    assert.match(odd.stdout, /storage +overlay2 \(2 hosts\); - \(h2\)/);
    assert.match(odd.stdout, /docker\.service was changed/);
    const { hosts } = JSON.parse((await airferry('host', 'status', '--json')).stdout);
    assert.ok(hosts[0].uptimeSeconds > 0 && hosts[0].disk.free > 0);
    await lab
      .host('h2')
      .sh("sed -i '$d' /etc/systemd/system/docker.service; systemctl daemon-reload; systemctl start docker");
  });

  test('a watch tells a change when it happens, and Ctrl-C ends it', async () => {
    const login = ['-i', lab.keyFile, '--known-hosts', lab.knownHosts, '-F', fleet];
    const argv = [process.execPath, ENTRY, 'host', 'status', '--watch', '--interval', '1', ...login];
    const child = lab.spawn(argv, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment() },
    });
    let said = '';
    let stopped = false;
    child.stdout?.setEncoding('utf8').on('data', text => {
      said += text;
      if (/STATE/.test(said) && !stopped) {
        stopped = true;
        void lab.host('h3').sh('docker stop -t 0 clock');
      }
      if (/running: 1 -> 0/.test(said)) child.kill('SIGINT');
    });
    const status = await new Promise(resolve => child.once('close', resolve));
    assert.match(said, /^\d{4}-\S+Z {2}h3 {2}running: 1 -> 0$/m);
    assert.is(status, 130);
  });

  test('a command runs on all hosts, as the user or as root, and tells its status', async () => {
    const ids = await airferry('host', 'exec', '--', 'id', '-un');
    assert.equal(ids.stdout.trim().split('\n').sort(), ['h1 | ops', 'h2 | ops', 'h3 | ops']);
    const root = await airferry(
      'host',
      'exec',
      '--sudo',
      '--shell',
      'id -un; echo no >&2; test "$(hostname)" != h2',
    );
    assert.is(root.code, 5);
    assert.equal(root.stdout.trim().split('\n').sort(), ['h1 | root', 'h2 | root', 'h3 | root']);
    assert.match(root.stderr, /^h1 \| no$/m);
    assert.match(root.stderr, /1 of 3 hosts failed/);
    assert.match(root.stderr, /host exec .*--host h2$/m);
  });

  test('Ctrl-C ends the commands on the hosts, root ones too', async () => {
    const login = ['-i', lab.keyFile, '--known-hosts', lab.knownHosts, '-F', fleet];
    const argv = [
      process.execPath,
      ENTRY,
      'host',
      'exec',
      '--sudo',
      ...login,
      '--shell',
      'echo up; sleep 4711; :',
    ];
    const child = lab.spawn(argv, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment() },
    });
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', text => {
      said += text;
      if (said.split('\n').length === 4) child.kill('SIGINT');
    });
    const status = await new Promise(resolve => child.once('close', resolve));
    assert.is(status, 130);
    for (const host of lab.hosts) assert.is(await host.sh('pgrep -f "sleep 471[1]" | wc -l'), '0', host.name);
  });

  test('an uninstall in batches is recorded too, and run list shows them all', async () => {
    const gone = await airferry('host', 'uninstall', '--yes', '--stop-containers', '--batch', '50%');
    assert.is(gone.code, 0, gone.stderr);
    const { stdout } = await lab.run([process.execPath, ENTRY, 'run', 'list'], { env: environment() });
    assert.match(stdout, /host-uninstall .*3 changed/);
    assert.match(stdout, /host-install .*1 failed, 2 skipped/);
  });
}

test.run();
