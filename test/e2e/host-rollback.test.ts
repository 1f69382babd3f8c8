/** Airferry killed at any moment of install, upgrade and rollback: the same command again always gets there. */
import * as assert from 'uvu/assert';
import type { Host } from '../lab/host.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';
import { readCounter, startCounting } from './counting.ts';
import { packSite } from './host-bundles.ts';
import { act, resultOf, start } from './host-operator.ts';

const reason = whyNoLab();
/** Moments at which airferry is killed; a third of them in each of install, upgrade and rollback. */
const KILLS = Number(process.env.AIRFERRY_KILLS ?? 6);
const ROUNDS = Math.max(1, Math.ceil(KILLS / 3));
/** Milliseconds; a round takes three killed and three whole runs. */
const ROUND_MS = 600_000;
const test = suite('killed, and run again', { timeout: 120_000 + ROUNDS * ROUND_MS });
const DAEMON = 'daemon: { template: default, values: { live-restore: true } }';

type Wish = Parameters<typeof act>[1];

let lab: Lab;
let host: Host;
let old: string;
let young: string;
/** The phases that each kind of run goes through, and how long each takes, to choose moments in them; milliseconds. */
const courses = new Map<string, { phase: string; lasts: number }[]>();

/** Run it whole once, to know its course; from then on kill it at a random moment of a random phase and run it again. */
async function killedAndAgain(kind: string, wish: Wish): Promise<string> {
  const course = courses.get(kind);
  const chosen = course?.[Math.floor(Math.random() * course.length)];
  let moment = `${kind} not killed`;
  if (chosen) {
    const after = Math.round(Math.random() * chosen.lasts);
    let timer: NodeJS.Timeout | undefined;
    const acting = start(lab, wish, event => {
      if (event.kind === 'phase-start' && event.phase === chosen.phase)
        timer ??= setTimeout(() => acting.child.kill('SIGKILL'), after);
    });
    await acting.answer.catch(() => undefined);
    clearTimeout(timer);
    moment = `${kind} killed at ${chosen.phase}, after ${after} of ${chosen.lasts} ms`;
  }
  const began = performance.now();
  const taken: { phase: string; lasts: number }[] = [];
  const answer = await act(lab, wish, event => {
    if (event.kind === 'phase-done') taken.push({ phase: event.phase, lasts: event.durationMs });
  });
  const again = resultOf(answer, 'h1');
  assert.not.ok(again.error, `${moment}: ${again.error?.code} ${again.error?.message}`);
  if (!course) courses.set(kind, taken);
  const status = resultOf(await act(lab, { action: 'status', hosts: ['h1'] }), 'h1');
  assert.equal(status.drift, [], moment);
  assert.is(await host.sh('ls -d /run/airferry.lock* 2>/dev/null | wc -l'), '0', moment);
  assert.is(await host.sh('docker run --rm site/tiny-a:1.0'), 'a', moment);
  if (process.env.AIRFERRY_KILLS)
    process.stderr.write(`${moment}; well ${Math.round(performance.now() - began)} ms later\n`);
  return moment;
}

if (reason !== undefined) test.skip('killed at random moments', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: [{ name: 'h1', suite: 'trixie' }] });
    host = lab.host('h1');
    old = await packSite(lab.dir, '20.10.24', DAEMON);
    young = await packSite(lab.dir, '26.1.5', DAEMON);
  });

  test.after(async () => {
    await lab?.down();
  });

  test(`killed at ${KILLS} random moments, install, upgrade and rollback converge, and containers run on`, async () => {
    const hosts = ['h1'];
    // The first round measures.
    for (let round = 0; round <= ROUNDS; round++) {
      const moments = [await killedAndAgain('install', { action: 'install', hosts, bundle: old })];
      await startCounting(host);
      const before = await readCounter(host);
      const unharmed = async (): Promise<void> => {
        const { identity, unbroken, longestGap } = await readCounter(host);
        assert.is(identity, before.identity, moments.join('; '));
        assert.ok(unbroken && longestGap < 4, `${longestGap} s; ${moments.join('; ')}`);
      };
      moments.push(await killedAndAgain('upgrade', { action: 'install', hosts, bundle: young }));
      assert.match(await host.sh('docker version --format "{{.Server.Version}}"'), /^26\.1\.5/);
      await unharmed();
      moments.push(await killedAndAgain('rollback', { action: 'rollback', hosts, to: '20.10.24' }));
      assert.match(await host.sh('docker version --format "{{.Server.Version}}"'), /^20\.10\.24/);
      await unharmed();
      assert.is(await host.sh('cat /etc/site/motd'), 'This host runs engine 20.10.24.', moments.join('; '));
      await host.sh('docker rm -f counter');
      const gone = resultOf(await act(lab, { action: 'uninstall', hosts, purge: true }), 'h1');
      assert.not.ok(gone.error, gone.error?.message);
      assert.is(
        await host.sh('ls -d /opt/airferry /var/lib/airferry 2>/dev/null | wc -l'),
        '0',
        moments.join('; '),
      );
    }
  });

  /** Whatever an earlier test has left. */
  const clean = async (): Promise<void> => {
    await host.sh(
      'for m in $(grep -o "/var/lib/[a-z]*/[a-z]* tmpfs" /proc/mounts | cut -d " " -f 1); do umount $m; done',
    );
    await act(lab, { action: 'uninstall', hosts: ['h1'], purge: true, stopContainers: true });
  };
  const engineVersion = (): Promise<string> => host.sh('docker version --format "{{.Server.Version}}"');
  const install = (bundle: string, onEvent?: Parameters<typeof act>[2]): ReturnType<typeof act> =>
    act(lab, { action: 'install', hosts: ['h1'], bundle }, onEvent);
  const failure = async (answer: ReturnType<typeof act>): Promise<string> => {
    const { error, phase } = resultOf(await answer, 'h1');
    return `${error?.code} at ${phase}`;
  };
  const succeeds = async (answer: ReturnType<typeof act>): Promise<void> => {
    const { error } = resultOf(await answer, 'h1');
    assert.not.ok(error, error?.message);
  };

  test('a disk that is full while the engine is brought over: nothing is there but what had come', async () => {
    await clean();
    await host.sh(
      'mkdir -p /var/lib/airferry/blobs; mount -t tmpfs -o size=10m none /var/lib/airferry/blobs',
    );
    assert.is(await failure(install(old)), 'HOST_DISK_FULL at stage-engine');
    assert.is(
      await host.sh('ls -d /opt/airferry/releases/* /etc/systemd/system/docker.service 2>/dev/null | wc -l'),
      '0',
    );
    await host.sh('umount /var/lib/airferry/blobs');
  });

  for (const phase of ['lay-out-release', 'start-engine', 'load-images'])
    test(`the power fails in mid-install, at ${phase}: the same command again gets there`, async () => {
      let cut: Promise<void> | undefined;
      const answer = await install(old, event => {
        if (event.kind === 'phase-start' && event.phase === phase) cut ??= host.powerCycle();
      });
      await cut;
      // The phase may have been over before the power was off.
      if (resultOf(answer, 'h1').error) assert.is(resultOf(answer, 'h1').error?.code, 'HOST_CONNECTION_LOST');
      await succeeds(install(old));
      assert.is(
        await host.sh('docker run --rm site/tiny-a:1.0; ls -d /run/airferry.lock 2>/dev/null | wc -l'),
        'a\n0',
      );
      if (phase !== 'load-images')
        await succeeds(act(lab, { action: 'uninstall', hosts: ['h1'], purge: true }));
    });

  test('a disk that is full while images are loaded: the engine runs, and the rerun loads them', async () => {
    await host.sh(`docker image rm -f site/tiny-a:1.0 site/tiny-b:1.0 busybox:1.35 >/dev/null
mkdir -p /var/lib/docker/tmp; mount -t tmpfs -o size=64k none /var/lib/docker/tmp`);
    assert.is(await failure(install(old)), 'HOST_DISK_FULL at load-images');
    await host.sh('umount /var/lib/docker/tmp');
    await succeeds(install(old));
    assert.is(await host.sh('docker run --rm site/tiny-b:1.0'), 'b');
  });

  test('where /usr is read-only an upgrade is refused before anything is touched', async () => {
    await host.sh('mount --bind /usr /usr; mount -o remount,ro,bind /usr');
    const answer = install(young);
    assert.is(await failure(answer), 'HOST_PREFLIGHT at check-host');
    assert.match(
      resultOf(await answer, 'h1').error?.message ?? '',
      /\/usr\/local\/bin is on a file system that is mounted read-only/,
    );
    assert.match(await engineVersion(), /^20\.10\.24/);
    await host.sh('umount -l /usr');
  });

  test('the power fails in mid-upgrade: rollback and upgrade both get there from that', async () => {
    let cut: Promise<void> | undefined;
    await install(young, event => {
      if (event.kind === 'phase-start' && event.phase === 'start-engine') cut ??= host.powerCycle();
    });
    await cut;
    await succeeds(act(lab, { action: 'rollback', hosts: ['h1'] }));
    assert.match(await engineVersion(), /^20\.10\.24/);
    await succeeds(install(young));
    assert.match(await engineVersion(), /^26\.1\.5/);
  });

  test('two operators at once: the second one is told who upgrades the host', async () => {
    let second: ReturnType<typeof act> | undefined;
    const first = await act(lab, { action: 'rollback', hosts: ['h1'] }, event => {
      if (event.kind === 'phase-start' && event.phase === 'gather-facts')
        second ??= act(lab, { action: 'install', hosts: ['h1'], bundle: young });
    });
    assert.not.ok(resultOf(first, 'h1').error);
    assert.ok(second);
    const refused = resultOf(await second, 'h1');
    assert.is(`${refused.error?.code} at ${refused.phase}`, 'HOST_LOCKED at acquire-lock');
    assert.match(refused.error?.message ?? '', /for "host rollback"/);
  });
}

test.run();
