import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { processesOf } from '../lab/cgroups.ts';
import { importBusybox } from '../lab/images.ts';
import { installEngine } from '../lab/install.ts';
import { defaultLabName, Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { USERS } from '../lab/rootfs.ts';
import { suite } from '../support/suite.ts';

/** Brings a lab up and never takes it down. */
const CRASHING = `
  import { Lab } from ${JSON.stringify(new URL('../lab/lab.ts', import.meta.url).href)};
  await Lab.up({ hosts: [{ name: 'left' }] });
  process.stdout.write('up');
  setInterval(() => {}, 1000);
`;

const test = suite('lab', { timeout: 60_000 });
const reason = whyNoLab();
if (reason === undefined) realTests();
else test.skip('real hosts boot and run Docker', reason);
test.run();

function realTests(): void {
  let lab: Lab;

  // The first run on a machine makes the root file systems, which takes minutes.
  const firstTime = { timeout: 600_000 };
  test(
    'a run that was killed does not block the next one',
    async () => {
      const run = spawn(process.execPath, ['--input-type=module', '--eval', CRASHING], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [said] = await Promise.race([once(run.stdout, 'data'), once(run, 'exit')]);
      assert.is(String(said), 'up');
      run.kill('SIGKILL');
      lab = await Lab.up({
        hosts: [{ name: 'h1' }, { name: 'h2', suite: 'trixie', passwordlessSudo: true }],
      });
      assert.equal(
        lab.hosts.map(host => [host.name, host.address, host.suite]),
        [
          ['h1', '10.77.0.11', 'bookworm'],
          ['h2', '10.77.0.12', 'trixie'],
        ],
      );
      assert.equal(await processesOf(lab.name, 'left'), []);
    },
    firstTime,
  );

  test('every host runs systemd with all its units and has no Docker yet', async () => {
    for (const host of lab.hosts) {
      assert.is(
        await host.sh('systemctl is-system-running; cat /proc/1/comm'),
        'running\nsystemd',
        host.name,
      );
      assert.is((await host.exec(['sh', '-c', 'command -v docker python3 curl'])).stdout, '');
    }
    assert.match(await lab.host('h1').sh('cat /etc/debian_version'), /^12\./);
    assert.match(await lab.host('h2').sh('cat /etc/debian_version'), /^13\./);
  });

  test('ssh logs in by key with checked host keys, as root and as an ordinary user', async () => {
    for (const user of ['root', 'ops', 'plain']) {
      const outcome = await lab.run([...lab.ssh('h2', user), 'id -un; hostname']);
      assert.is(outcome.stdout, `${user}\nh2\n`, outcome.stderr);
    }
    const stranger = lab.ssh('h2').map(word => word.replace(lab.knownHosts, '/dev/null'));
    const refused = await lab.run([...stranger, '-o', 'StrictHostKeyChecking=yes', 'true']);
    assert.is(refused.code, 255);
    assert.match(refused.stderr, 'Host key verification failed');
  });

  test('ops may use sudo with a password, or without where it was asked for, and plain may not', async () => {
    const sudo = (
      host: string,
      user: string,
      flags: string,
      input = '',
    ): Promise<{ code: number; stdout: string }> =>
      lab.run([...lab.ssh(host, user), `sudo ${flags} id -u`], { input });
    assert.is((await sudo('h1', 'ops', '-n')).code, 1);
    assert.is((await sudo('h1', 'ops', '-S', `${USERS.ops.password}\n`)).stdout, '0\n');
    assert.is((await sudo('h1', 'plain', '-S', `${USERS.plain.password}\n`)).code, 1);
    assert.is((await sudo('h2', 'ops', '-n')).stdout, '0\n');
  });

  test('both engines run containers, and one pushes to a registry that asks for a password', async () => {
    const registry = await lab.startRegistry({ auth: 'htpasswd' });
    const h1 = lab.host('h1');
    await Promise.all([
      installEngine(h1, '20.10.24', { 'insecure-registries': [registry.address] }),
      installEngine(lab.host('h2'), '26.1.5'),
    ]);
    for (const [name, version] of Object.entries({ h1: '20.10.24', h2: '26.1.5' })) {
      const host = lab.host(name);
      await importBusybox(host);
      const server = await host.sh(
        "docker version --format '{{.Server.Version}}'; docker info --format '{{.Driver}}'",
      );
      assert.match(server, new RegExp(`^${version.replaceAll('.', '\\.')}\\S*\noverlay2$`));
      assert.is(await host.sh('docker run --rm busybox:1.35 echo from inside'), 'from inside');
    }
    const image = `${registry.address}/plant/busybox:1.35`;
    await h1.sh(`docker tag busybox:1.35 ${image}`);
    assert.is.not((await h1.exec(['docker', 'push', image])).code, 0);
    const login = ['docker', 'login', '--username', registry.username, '--password-stdin', registry.address];
    assert.is((await h1.exec(login, { input: registry.password })).code, 0);
    await h1.sh(`docker push ${image}`);
    assert.ok(
      existsSync(join(registry.root, 'docker/registry/v2/repositories/plant/busybox/_manifests/tags/1.35')),
    );
    await registry.stop();
    assert.is.not((await h1.exec(['docker', 'pull', image])).code, 0);
  });

  test('a host whose link is cut cannot be reached, and comes back', async () => {
    const h1 = lab.host('h1');
    const ping = async (): Promise<number> => (await lab.run([...lab.ssh('h1'), 'true'])).code;
    assert.is(await ping(), 0);
    await h1.cutLink();
    assert.is(await ping(), 255);
    assert.is(await h1.sh('hostname'), 'h1');
    assert.is((await lab.run([...lab.ssh('h2'), 'true'])).code, 0);
    await h1.restoreLink();
    assert.is(await ping(), 0);
  });

  test('a lab that is down leaves nothing behind', async () => {
    const { root } = lab.host('h1');
    await lab.down();
    assert.is(existsSync(root), false);
    assert.is(existsSync(lab.keyFile), false);
    assert.equal(await processesOf(defaultLabName()), []);
  });

  test.after(() => lab?.down());
}
