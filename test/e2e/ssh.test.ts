/** The host room against OpenSSH and sudo as Debian ships them, on hosts of the lab. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as assert from 'uvu/assert';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { USERS } from '../lab/rootfs.ts';
import { suite } from '../support/suite.ts';
import type { Report, Request } from './ssh-operator.ts';

const test = suite('e2e/ssh', { timeout: 120_000 });
const reason = whyNoLab();
let lab: Lab;

const SCRIPT = new URL('./ssh-operator.ts', import.meta.url).pathname;
const MB = 1_000_000;

/** Do something as the operator; `onProgress` is told the bytes of an upload. */
async function operator(
  host: string,
  request: Partial<Request> & Pick<Request, 'task'>,
  onProgress: (bytes: number) => void = () => undefined,
): Promise<{ result?: unknown; code?: string; message?: string; progress: number[] }> {
  const child = lab.spawn([process.execPath, SCRIPT, 'run'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const full: Request = {
    address: lab.host(host).address,
    user: 'ops',
    identities: [lab.keyFile],
    knownHosts: lab.knownHosts,
    ...request,
  };
  child.stdin?.end(JSON.stringify(full));
  const outcome: Awaited<ReturnType<typeof operator>> = { progress: [] };
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const report = JSON.parse(line) as Report;
    if (report.kind === 'progress') {
      outcome.progress.push(report.bytes);
      onProgress(report.bytes);
    } else {
      const { kind, ...rest } = report;
      Object.assign(outcome, rest);
      assert.ok(kind === 'done' || kind === 'failed');
    }
  }
  return outcome;
}

const sudoPassword = USERS.ops.password;

function realHosts(): void {
  test.before(async () => {
    lab = await Lab.up({
      hosts: [{ name: 'h1' }, { name: 'h2', suite: 'trixie' }, { name: 'h3', passwordlessSudo: true }],
    });
  });
  test.after(() => lab?.down());

  test('sudo with a password, and without one, hands every payload on untouched', async () => {
    for (const [host, how] of [
      ['h1', 'sudo-password'],
      ['h2', 'sudo-password'],
      ['h3', 'sudo'],
    ] as const) {
      const { result, message } = await operator(host, { task: 'payloads', sudoPassword });
      assert.equal(result, { how, wrong: 0 }, message);
    }
  });

  test('what sudo refuses is told in its own words', async () => {
    const none = await operator('h1', { task: 'payloads' });
    assert.is(none.code, 'HOST_SUDO');
    assert.match(none.message ?? '', 'none was given');
    const wrong = await operator('h2', { task: 'payloads', sudoPassword: 'wrong' });
    assert.match(wrong.message ?? '', 'does not accept the password');
    const plain = await operator('h1', {
      task: 'payloads',
      user: 'plain',
      sudoPassword: USERS.plain.password,
    });
    assert.is(plain.code, 'HOST_SUDO');
    assert.match(plain.message ?? '', 'may not use sudo');
    await lab.host('h2').sh("echo 'Defaults:ops requiretty' > /etc/sudoers.d/tty");
    const tty = await operator('h2', { task: 'payloads', sudoPassword });
    await lab.host('h2').sh('rm /etc/sudoers.d/tty');
    assert.match(tty.message ?? '', 'requiretty');
  });

  test('a host is asked about itself, with root and without', async () => {
    const { result } = await operator('h2', { task: 'facts', sudoPassword });
    const { free, type, ...rest } = result as Record<string, unknown>;
    assert.equal(rest, { os: 'debian', platform: 'linux/amd64', systemd: 257, how: 'sudo-password' });
    assert.ok(Number(free) > 0 && type !== 'unknown');
    const poor = await operator('h1', { task: 'facts', user: 'plain' });
    assert.is((poor.result as { how: string }).how, 'none');
  });

  test('keys, passwords and bastions log in; a changed key and a first meeting do not', async () => {
    const byPassword = {
      task: 'login',
      user: 'plain',
      identities: ['/dev/null'],
      password: USERS.plain.password,
    } as const;
    assert.is((await operator('h1', byPassword)).result, 'plain');
    const refused = await operator('h1', { ...byPassword, password: 'wrong' });
    assert.is(refused.code, 'HOST_AUTH_FAILED');
    assert.not.match(refused.message ?? '', 'wrong');
    assert.is((await operator('h2', { task: 'login', bastion: lab.host('h1').address })).result, 'ops');

    const fresh = join(lab.dir, 'fresh_known_hosts');
    assert.is((await operator('h1', { task: 'login', knownHosts: fresh })).code, 'HOST_KEY_UNKNOWN');
    assert.is((await operator('h1', { task: 'login', knownHosts: fresh, acceptNew: true })).result, 'ops');
    assert.is((await operator('h1', { task: 'login', knownHosts: fresh })).result, 'ops');
    const swapped = join(lab.dir, 'swapped_known_hosts');
    const other = await lab.host('h2').sh('cat /etc/ssh/ssh_host_ed25519_key.pub');
    writeFileSync(swapped, `${lab.host('h1').address} ${other}\n`);
    const changed = await operator('h1', { task: 'login', knownHosts: swapped, acceptNew: true });
    assert.is(changed.code, 'HOST_KEY_CHANGED');
  });

  test('an address where nobody is, is unreachable', async () => {
    const { code } = await operator('h1', { task: 'login', address: '10.77.0.250' });
    assert.is(code, 'HOST_UNREACHABLE');
  });

  test('an upload whose cable is pulled goes on from where it was', async () => {
    const h1 = lab.host('h1');
    let cut: Promise<void> | undefined;
    const size = 300 * MB;
    const lost = await operator('h1', { task: 'upload', size, sudoPassword }, bytes => {
      if (bytes > 60 * MB) cut ??= h1.cutLink();
    });
    await cut;
    await h1.restoreLink();
    assert.is(lost.code, 'HOST_CONNECTION_LOST', lost.message);
    const again = await operator('h1', { task: 'upload', size, sudoPassword });
    const { path, sent } = again.result as { path: string; sent: number };
    assert.ok(sent > 0 && sent < size - 30 * MB, `${sent} bytes travelled`);
    assert.is(again.progress[0], size - sent);
    const digest = (await h1.exec(['sha256sum', path])).stdout.slice(0, 64);
    assert.ok(path.endsWith(digest));
    assert.is((await h1.exec(['ls', '/var/lib/airferry/blobs/sha256'])).stdout.trim(), digest);
    const third = await operator('h1', { task: 'upload', size, sudoPassword });
    assert.is((third.result as { sent: number }).sent, 0);
  });

  test('a disk without room is told before anything is sent', async () => {
    const h3 = lab.host('h3');
    const blobs = '/var/lib/airferry/blobs';
    await h3.sh(`mkdir -p ${blobs} && mount -t tmpfs -o size=20m tmpfs ${blobs}`);
    const full = await operator('h3', { task: 'upload', size: 50 * MB });
    await h3.sh(`umount ${blobs}`);
    assert.is(full.code, 'HOST_DISK_FULL');
    assert.match(full.message ?? '', /blobs\/sha256 needs 50.0 MB/);
    assert.equal(full.progress, []);
  });

  test('lock, state and audit are kept on the host', async () => {
    const { result } = await operator('h1', { task: 'records', sudoPassword });
    assert.equal(result, { second: 'HOST_LOCKED', before: null, changes: 1 });
    const log = (await lab.host('h1').sh('cat /var/log/airferry/audit.jsonl')).trim();
    assert.is(JSON.parse(log).action, 'wrote the state');
    assert.is((await lab.host('h1').exec(['test', '-e', '/run/airferry.lock'])).code, 1);
  });

  test('no secret reached a log of the hosts', async () => {
    const logs = await lab.host('h1').sh('journalctl --no-pager; cat /var/log/airferry/*');
    assert.not.match(logs, sudoPassword);
  });
}

if (reason === undefined) realHosts();
else test.skip('OpenSSH and sudo on real hosts', reason);

test.run();
