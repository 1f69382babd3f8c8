/** A Docker that came as a package: refused, or taken over with its data and settings, and given back by an uninstall. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { enginePackages } from '../lab/engines.ts';
import { must } from '../lab/exec.ts';
import type { Host } from '../lab/host.ts';
import { importBusybox } from '../lab/images.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';
import { readCounter, startCounting } from './counting.ts';
import { packSite } from './host-bundles.ts';
import { type Answer, act, resultOf } from './host-operator.ts';

const test = suite('host install --adopt', { timeout: 240_000 });
const reason = whyNoLab();
const OWN = '{"live-restore": true, "labels": ["rack=12"],\n   "log-level": "warn"}';
let lab: Lab;
let host: Host;
let bundle: string;

const install = (more: Partial<Parameters<typeof act>[1]> = {}): Promise<Answer> =>
  act(lab, { action: 'install', hosts: ['h1'], bundle, ...more });
const units = (): Promise<string> =>
  host.sh(`for u in containerd.service docker.socket docker.service; do
  echo "$u $(systemctl is-enabled $u || :) $(systemctl is-active $u || :)"
done; systemctl show -p FragmentPath docker.service; readlink /proc/$(pidof dockerd)/exe
find /etc/systemd/system -name '*docker*' -o -name '*containerd*' | sort`);

/** Docker as the distribution packages it, with its maintainer scripts. */
async function installPackages(): Promise<void> {
  const debs = join(await enginePackages('20.10.24'), 'debs');
  const names = await readdir(debs);
  await must(['cp', ...names.map(name => join(debs, name)), join(host.root, 'var/tmp')]);
  await host.sh(
    'cd /var/tmp && mkdir -p /etc/docker && DEBIAN_FRONTEND=noninteractive dpkg -i --force-depends ./*.deb >/dev/null 2>&1; rm ./*.deb',
  );
  await host.sh(`cat > /etc/docker/daemon.json <<'EOF'
${OWN}
EOF
chmod 0640 /etc/docker/daemon.json; systemctl restart docker; docker info >/dev/null`);
}

if (reason !== undefined) test.skip('a packaged Docker is taken over', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: [{ name: 'h1', suite: 'trixie' }] });
    host = lab.host('h1');
    bundle = await packSite(
      lab.dir,
      '26.1.5',
      'daemon: { template: default, values: { live-restore: true } }',
    );
    await installPackages();
  });

  test.after(async () => {
    await lab?.down();
  });

  test('taken over, its containers are not interrupted, and given back it is what it was', async () => {
    const before = await units();
    assert.match(before, /docker\.socket enabled active\ndocker\.service enabled active/);
    const refused = resultOf(await install(), 'h1');
    assert.is(refused.error?.code, 'HOST_PREFLIGHT');
    assert.match(refused.error?.suggestions.join('\n') ?? '', /--adopt/);
    assert.is(await units(), before);

    await importBusybox(host);
    await startCounting(host);
    const counter = await readCounter(host);

    const dry = await install({ adopt: true, dryRun: true });
    assert.is(await units(), before);
    const wet = await install({ adopt: true });
    assert.not.ok(resultOf(wet, 'h1').error, resultOf(wet, 'h1').error?.message);
    const words = (answer: Answer): string[] =>
      resultOf(answer, 'h1')
        .changes.filter(({ phase }) => phase !== 'load-images')
        .map(({ what }) => what);
    assert.equal(words(wet), words(dry));
    assert.match(await host.sh('docker version --format "{{.Server.Version}}"'), /^26\.1\.5/);
    const after = await readCounter(host);
    assert.is(after.identity, counter.identity);
    assert.ok(after.unbroken && after.longestGap < 4, `${after.longestGap} s`);
    assert.match(await host.sh('cat /etc/docker/daemon.json'), /rack=12/);
    assert.is(await host.sh('systemctl is-enabled docker.socket || :'), 'masked');
    assert.is(await host.sh('ls /usr/sbin/dockerd'), '/usr/sbin/dockerd');
    const again = resultOf(await install({ adopt: true }), 'h1');
    assert.is(again.outcome, 'unchanged', JSON.stringify(again.changes));

    const gone = resultOf(await act(lab, { action: 'uninstall', hosts: ['h1'], stopContainers: true }), 'h1');
    assert.not.ok(gone.error, gone.error?.message);
    assert.is(await units(), before);
    assert.is(
      await host.sh('cat /etc/docker/daemon.json; stat -c %a /etc/docker/daemon.json'),
      `${OWN}\n640`,
    );
    assert.match(await host.sh('docker version --format "{{.Server.Version}}"'), /^20\.10\.24/);
    assert.is(await host.sh('docker ps -aq | wc -l'), '1');
  });
}

test.run();
