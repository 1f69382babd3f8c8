/**
 * The recipes that ship, on hosts: what the private registry and the Kubernetes node put there starts, and does what it is
 * for. Publishers are out of reach here, so engine and programs come from files, as on any site without the internet.
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createBundle } from '../../src/actions/bundle-create.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { Meter } from '../../src/support/meter.ts';
import { tinyCorpus } from '../lab/corpus.ts';
import { engineArchive } from '../lab/engines.ts';
import { must } from '../lab/exec.ts';
import type { Host } from '../lab/host.ts';
import { importBusybox } from '../lab/images.ts';
import { Lab } from '../lab/lab.ts';
import { whyNoLab } from '../lab/readiness.ts';
import { suite } from '../support/suite.ts';
import { act, resultOf } from './host-operator.ts';

const test = suite('recipes that ship', { timeout: 240_000 });
const reason = whyNoLab();
const PLATFORM = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';
const CLI = new URL('../../bin/airferry.js', import.meta.url).pathname;
let lab: Lab;

/** A recipe that ships, with what it would fetch taken from files instead. */
async function pack(name: string, instead: string): Promise<string> {
  const shipped = new URL(`../../bundles/${name}.yaml`, import.meta.url).pathname;
  const file = join(lab.dir, `${name}.yaml`);
  await writeFile(file, `extends: ${shipped}\nplatforms: [${PLATFORM}]\n${instead}\n`);
  const output = join(lab.dir, `${name}.tar`);
  await createBundle({ recipe: await loadRecipe(file), output, meter: new Meter() });
  return output;
}

/** A publisher's archive: programs under the names that it gives them. */
async function archived(name: string, programs: Record<string, string>): Promise<string> {
  const folder = join(lab.dir, `${name}-programs`);
  await mkdir(folder);
  for (const [program, from] of Object.entries(programs)) await copyFile(from, join(folder, program));
  const archive = join(lab.dir, `${name}.tar.gz`);
  await must(['tar', '-czf', archive, '-C', folder, ...Object.keys(programs)]);
  await rm(folder, { recursive: true });
  return archive;
}

/** Install on a host, which has to go well; gives back the host. */
async function installed(bundle: string, name: string): Promise<Host> {
  const result = resultOf(await act(lab, { action: 'install', hosts: [name], bundle }), name);
  assert.is(result.outcome, 'changed', JSON.stringify(result.error));
  return lab.host(name);
}

if (reason !== undefined) test.skip('recipes that ship are installed', reason);
else {
  test.before(async () => {
    lab = await Lab.up({ hosts: [{ name: 'h1' }, { name: 'h2', suite: 'trixie' }] });
  });

  test.after(async () => {
    await lab?.down();
  });

  test('private-registry: the service starts, takes a push, and gives it back; an uninstall takes it away', async () => {
    const registry = await archived('registry', { registry: '/usr/bin/docker-registry' });
    const bundle = await pack(
      'private-registry',
      `tools: { registry: { version: 2.8.3, file: ${registry} } }`,
    );
    const host = await installed(bundle, 'h1');
    assert.is(await host.sh('command -v dockerd || echo none'), 'none');
    await host.sh('systemctl enable --now registry');
    const address = `${host.address}:5000`;
    const { save20 } = await tinyCorpus();
    const airferry = (...argv: string[]) => lab.run([process.execPath, CLI, ...argv, '--plain-http']);
    for (let tries = 0; ; tries++) {
      const listed = await airferry('registry', 'list', address);
      if (listed.code === 0) break;
      assert.ok(tries < 20, listed.stderr);
    }
    for (const outcome of ['copied', 'present']) {
      const pushed = await airferry('image', 'push', save20, address, '--json');
      assert.is(pushed.code, 0, pushed.stderr);
      const { images } = JSON.parse(pushed.stdout) as { images: { outcome: string }[] };
      assert.equal([...new Set(images.map(image => image.outcome))], [outcome]);
    }
    assert.match(await host.sh('ls /var/lib/registry/docker/registry/v2'), /repositories/);
    assert.is(
      await host.sh('systemctl is-enabled registry; systemctl is-active registry'),
      'enabled\nactive',
    );

    const gone = resultOf(await act(lab, { action: 'uninstall', hosts: ['h1'] }), 'h1');
    assert.is(gone.outcome, 'changed', JSON.stringify(gone.error));
    assert.is(await host.sh('ls /usr/local/bin/registry /etc/distribution 2>/dev/null || :'), '');
    assert.match(await host.sh('ls /var/lib/registry/docker/registry'), 'v2', 'images are data, and stay');
  });

  test('kubernetes-node: containerd has its CRI plugin and systemd’s cgroups, and containers run', async () => {
    const stand = { crictl: '/usr/bin/true', nerdctl: '/usr/bin/true' };
    const tools = await archived('crictl', { crictl: stand.crictl });
    const nerdctl = await archived('nerdctl', { nerdctl: stand.nerdctl });
    const bundle = await pack(
      'kubernetes-node',
      `engine: { version: 26.1.5, archive: ${await engineArchive('26.1.5')} }
tools: { crictl: { version: 1.34.0, file: ${tools} }, nerdctl: { version: 2.1.6, file: ${nerdctl} } }`,
    );
    const host = await installed(bundle, 'h2');
    await host.sh('systemctl restart containerd');
    const dump = await host.sh('containerd config dump');
    assert.match(dump, /SystemdCgroup = true/);
    assert.match(dump, /config_path = "\/etc\/containerd\/certs\.d"/);
    const plugins = await host.sh('ctr plugins ls');
    assert.match(plugins, /io\.containerd\.grpc\.v1 +cri +\S+ +ok/);
    assert.match(await host.sh('crictl; nerdctl; echo $?'), /^0$/m);
    assert.is((await host.sh("docker info --format '{{.CgroupDriver}}'")).trim(), 'systemd');
    await importBusybox(host);
    assert.is(await host.sh('docker run --rm busybox:1.35 echo runs'), 'runs');
    assert.match(await host.sh('cat /etc/modules-load.d/kubernetes.conf'), 'br_netfilter');
  });
}

test.run();
