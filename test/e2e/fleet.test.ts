/** The fleet file, ssh's configuration and links that break, on real hosts. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { must, until } from '../lab/exec.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { USERS } from '../lab/rootfs.ts';
import { suite } from '../support/suite.ts';
import { packSite } from './host-bundles.ts';
import { act, resultOf } from './host-operator.ts';

const test = suite('fleets on the lab', { timeout: 300_000 });
const reason = whyNoLab();
const MB = 1_000_000;
const root = new URL('../..', import.meta.url).pathname;
let lab: Lab;
let bundle: string;
let fleetFile: string;

interface Document {
  hosts: {
    name: string;
    outcome: string;
    durationMs: number;
    engine?: unknown;
    error?: { code: string; message: string };
  }[];
  error?: { code: string; message: string };
}

/** The command line where the operator sits. */
async function airferry(args: string[], environment: Record<string, string> = {}) {
  const home = join(lab.dir, 'home');
  const env = [`HOME=${home}`, ...Object.entries(environment).map(([name, value]) => `${name}=${value}`)];
  const argv = ['env', '-u', 'SSH_AUTH_SOCK', ...env, process.execPath, join(root, 'src/main.ts'), ...args];
  return lab.run(argv);
}

async function documentOf(args: string[], environment?: Record<string, string>): Promise<Document> {
  const { stdout, stderr } = await airferry([...args, '--json'], environment);
  assert.match(stdout, /^\{/, stderr);
  return JSON.parse(stdout) as Document;
}

/** Asks hosts how they are, with the lab's key. */
function statusOf(...hosts: string[]): string[] {
  const named = hosts.flatMap(host => ['--host', host]);
  return ['host', 'status', ...named, '-i', lab.keyFile, '--known-hosts', lab.knownHosts];
}

function outcomes({ hosts }: Document): string[] {
  return hosts.map(
    ({ name, outcome, error }) => `${name} ${error ? `${error.code}: ${error.message}` : outcome}`,
  );
}

if (reason !== undefined) test.skip('the fleet on real hosts', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: ['h1', 'h2', 'h3'].map(name => ({ name })) });
    bundle = await packSite(lab.dir, '20.10.24');
    await mkdir(join(lab.dir, 'home/.ssh/config.d'), { recursive: true });
    await cp(lab.knownHosts, join(lab.dir, 'home/.ssh/known_hosts'));
    await writeFile(join(lab.dir, 'sudo'), `${USERS.ops.password}\n`, { mode: 0o600 });
    fleetFile = join(lab.dir, 'fleet.yaml');
    await writeFile(
      fleetFile,
      `vars: { net: "10.77.0" }
defaults: { user: ops, identity: ${lab.keyFile}, sudo-password: { file: ./sudo } }
hosts:
  - { name: h1, address: "$\{net}.11", groups: [near] }
  - { name: h2, address: "$\{net}.12", groups: [far], roles: [edge] }
  - { name: h3, address: "$\{net}.13", groups: [far], sudo-password: { env: H3_SUDO } }
groups:
  near:
  far: { bastion: "root@$\{net}.11" }
`,
    );
  });

  test.after(async () => {
    await lab?.down();
  });

  test('variables, passwords out of a file and the environment, jumps and limits reach real hosts', async () => {
    const all = await documentOf(['host', 'status', '-F', fleetFile], { H3_SUDO: USERS.ops.password });
    assert.equal(outcomes(all), ['h1 unchanged', 'h2 unchanged', 'h3 unchanged']);
    const some = await documentOf(['host', 'status', '-F', fleetFile, '--limit', 'far,!h3'], {
      H3_SUDO: 'x',
    });
    assert.equal(outcomes(some), ['h2 unchanged']);
    const { code: status, stderr } = await airferry(['host', 'status', '-F', fleetFile, '--limit', 'far']);
    assert.is(status, 3);
    assert.match(stderr, 'the sudo password of h3 is to come from H3_SUDO, which is not set');
    assert.match(stderr, /fleet\.yaml:6:\d+/);
  });

  test("ssh's configuration is followed: aliases, Include, keys, a chain of jumps, hashed known_hosts", async () => {
    const home = join(lab.dir, 'home/.ssh');
    await writeFile(join(home, 'config'), 'Include config.d/*.conf\nHost *\n  User ops\n', { mode: 0o600 });
    await writeFile(
      join(home, 'config.d/lab.conf'),
      `Host one
  HostName 10.77.0.11
  User root
Host two
  HostName 10.77.0.12
  User root
  ProxyJump one
Host three
  HostName 10.77.0.13
  ProxyJump two
Match host 10.77.0.*
  IdentityFile ${lab.keyFile}
  IdentitiesOnly yes
  ConnectTimeout 5
`,
    );
    await must(['ssh-keygen', '-q', '-H', '-f', join(home, 'known_hosts')]);
    const answer = await documentOf(['host', 'status', '--host', 'three', '--host', 'two'], {
      AIRFERRY_SUDO_PASSWORD: USERS.ops.password,
    });
    assert.equal(outcomes(answer), ['three unchanged', 'two unchanged']);
    const without = await documentOf(['host', 'status', '--host', 'one', '--ssh-config', 'none']);
    assert.match(outcomes(without)[0] ?? '', /one HOST_UNREACHABLE: .*no name server/);
    await writeFile(join(home, 'config'), 'Host *\n  ProxyCommand nc %h %p\n', { mode: 0o600 });
    const { code: status, stderr } = await airferry(['host', 'status', '--host', '10.77.0.11']);
    assert.is(status, 3);
    assert.match(stderr, /ProxyCommand[\s\S]*config:2/);
    await rm(join(home, 'config'));
  });

  test('a new host key is shown when it is refused, and when it is recorded', async () => {
    await rm(join(lab.dir, 'home/.ssh/config'), { force: true });
    const known = join(lab.dir, 'new/known_hosts');
    const args = ['host', 'status', '--host', 'root@10.77.0.11', '-i', lab.keyFile, '--known-hosts', known];
    const refused = await airferry(args);
    const fingerprint = /SHA256:\S+/.exec(refused.stderr)?.[0] ?? refused.stderr;
    const own = await lab.host('h1').sh('ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
    assert.is(own.split(' ')[1], fingerprint);
    const met = await airferry([...args, '--host-key', 'accept-new']);
    assert.is(met.code, 0, met.stderr);
    assert.match(met.stderr, `met for the first time: ssh-ed25519 ${fingerprint}`);
    assert.is((await airferry([...args, '--host-key', 'strict'])).code, 0);
  });

  test('an sshd without SFTP, forwarding and more than two sessions at a time will do', async () => {
    const host = lab.host('h1');
    await host.sh(`sed -i '/^Subsystem/d' /etc/ssh/sshd_config
printf 'AllowTcpForwarding no\\nAllowStreamLocalForwarding no\\nMaxSessions 2\\nPermitTTY no\\n' > /etc/ssh/sshd_config.d/bare.conf
grep -q '^Include' /etc/ssh/sshd_config || sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
systemctl reload ssh`);
    const done = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h1'] }), 'h1');
    assert.is(done.outcome, 'changed', done.error?.message);
    assert.is(await host.sh('docker run --rm site/tiny-a:1.0'), 'a');
    const asked = statusOf('root@10.77.0.11');
    const byCommand = await documentOf(asked);
    await host.sh('rm /etc/ssh/sshd_config.d/bare.conf; systemctl reload ssh');
    const bySocket = await documentOf(asked);
    assert.match(JSON.stringify(byCommand.hosts[0]?.engine), '"version":"20.10.24');
    assert.equal(bySocket.hosts[0]?.engine, byCommand.hosts[0]?.engine);
  });

  test('an engine that hangs is waited for once, and costs the other hosts nothing', async () => {
    const asked = statusOf(...['11', '12', '13'].map(last => `root@10.77.0.${last}`));
    await lab.host('h1').sh('kill -STOP $(pidof dockerd)');
    try {
      const [hung, ...others] = (await documentOf(asked)).hosts;
      assert.equal([hung?.outcome, hung?.engine], ['unchanged', undefined], JSON.stringify(hung));
      assert.ok((hung?.durationMs ?? 0) > 20_000, 'it was given its time');
      assert.ok((hung?.durationMs ?? 0) < 60_000, `${hung?.durationMs} ms`);
      for (const { name, durationMs } of others) assert.ok(durationMs < 20_000, `${name}: ${durationMs} ms`);
    } finally {
      await lab.host('h1').sh('kill -CONT $(pidof dockerd)');
    }
  });

  test('a link that is cut in mid-upload and restored: the same run goes on from the byte where it stopped', async () => {
    const host = lab.host('h2');
    const seen: number[] = [];
    const notes: string[] = [];
    let part = 0;
    let cut: Promise<void> | undefined;
    const mend = async (): Promise<void> => {
      await host.cutLink();
      // Restored sooner, it would only have been slow.
      await until('the loss is told', 60_000, async () => notes.find(note => note.includes('was lost')));
      part = Number(await host.sh('stat -c %s /var/lib/airferry/blobs/sha256/*.part'));
      await host.restoreLink();
    };
    const answer = await act(
      lab,
      { action: 'install', bundle, hosts: ['h2', 'h3'], reconnectMs: 60_000 },
      event => {
        if (event.host !== 'h2') return;
        if (event.kind === 'phase-note') notes.push(event.text);
        if (event.kind !== 'phase-progress' || event.phase !== 'stage-engine') return;
        seen.push(event.done);
        if (event.done > 30 * MB) {
          cut ??= mend();
        }
      },
    );
    await cut;
    assert.is(resultOf(answer, 'h2').outcome, 'changed', resultOf(answer, 'h2').error?.message);
    assert.is(resultOf(answer, 'h3').outcome, 'changed', resultOf(answer, 'h3').error?.message);
    assert.ok(part > 5 * MB, `${part} bytes had arrived`);
    assert.match(notes.join('\n'), /the connection was lost[\s\S]*connected again/);
    assert.equal(
      seen,
      seen.toSorted((a, b) => a - b),
      'progress never goes back',
    );
    assert.is(await host.sh('docker run --rm site/tiny-b:1.0'), 'b');
    assert.is(await host.sh('ls -d /run/airferry.lock 2>/dev/null | wc -l'), '0');
    const again = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h2'] }), 'h2');
    assert.is(again.outcome, 'unchanged');
  });

  test('a link that is cut for good: the others finish, and the rerun converges', async () => {
    for (const name of ['h2', 'h3']) await act(lab, { action: 'uninstall', hosts: [name], purge: true });
    await lab.host('h3').sh('rm -rf /var/lib/airferry');
    const host = lab.host('h3');
    let cut: Promise<void> | undefined;
    const answer = await act(
      lab,
      { action: 'install', bundle, hosts: ['h2', 'h3'], reconnectMs: 5_000 },
      event => {
        if (event.host === 'h3' && event.kind === 'phase-progress' && event.phase === 'stage-engine')
          if (event.done > 30 * MB) cut ??= host.cutLink();
      },
    );
    await cut;
    const lost = resultOf(answer, 'h3');
    assert.is(lost.error?.code, 'HOST_CONNECTION_LOST');
    assert.match(lost.error?.message ?? '', 'was not back within 5 s');
    assert.is(resultOf(answer, 'h2').outcome, 'changed', resultOf(answer, 'h2').error?.message);
    await host.restoreLink();
    const again = resultOf(await act(lab, { action: 'install', bundle, hosts: ['h3'] }), 'h3');
    assert.is(again.outcome, 'changed', again.error?.message);
    assert.is(await host.sh('docker run --rm site/tiny-b:1.0'), 'b');
  });

  test('localhost without SSH: installed on the very machine that airferry runs on', async () => {
    const host = lab.host('h1');
    await act(lab, { action: 'uninstall', hosts: ['h1'], purge: true });
    const there = join(host.root, 'opt/carrier');
    await mkdir(there, { recursive: true });
    for (const part of ['src', 'package.json', 'units', 'systemd', 'templates'])
      await cp(join(root, part), join(there, part), { recursive: true }).catch(() => undefined);
    await must([
      'sh',
      '-c',
      `cd ${root} && tar -c --exclude=typescript --exclude=@typescript --exclude=@biomejs --exclude=.cache node_modules | tar -x -C ${there}`,
    ]);
    await cp(bundle, join(there, 'site.tar'));
    await writeFile(
      join(there, 'fleet.yaml'),
      'hosts: [{ name: me, connection: local, sudo-password: { env: PASSWORD }, images: ["site/tiny-a"] }]\n',
    );
    const run = (args: string): Promise<string> =>
      host.sh(
        `chown -R ops /opt/carrier; cd /opt/carrier; runuser -u ops -- env PASSWORD=${USERS.ops.password} HOME=/home/ops node_modules/node/bin/node src/main.ts ${args}`,
      );
    await run('host install -b site.tar -F fleet.yaml -y --quiet');
    assert.is(await host.sh('docker run --rm site/tiny-a:1.0'), 'a');
    assert.not.match(await host.sh('docker images'), 'tiny-b', 'the fleet wants one image here');
    const again = JSON.parse(await run('host install -b site.tar -F fleet.yaml -y --json')) as Document;
    assert.equal(outcomes(again), ['me unchanged']);
    await run('image load site.tar --host localhost -y --quiet').catch(() => undefined);
    const gone = JSON.parse(
      await run('host uninstall -F fleet.yaml -y --json --purge --stop-containers'),
    ) as Document;
    assert.equal(outcomes(gone), ['me changed']);
  });
}

test.run();
