/** The whole way: from archives on the connected side to a container on the isolated one. */
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tinyCorpus } from '../lab/corpus.ts';
import { composePlugin, engineArchive } from '../lab/engines.ts';
import { Lab } from '../lab/lab.ts';
import type { Stage } from './stage.ts';

const VERSION = '20.10.24';

/** Boot, pack, verify, install, push, pull, run, tear down. */
export async function cross(stage: Stage): Promise<void> {
  stage.say(
    'Booting two hosts with systemd and sshd, and a registry (the first time, Debian is fetched for them) …',
  );
  const lab = await Lab.up({
    name: 'demo',
    hosts: [
      { name: 'h1', passwordlessSudo: true },
      { name: 'h2', passwordlessSudo: true },
    ],
  });
  stage.onClear(async () => {
    stage.say('Taking the hosts and the registry down.');
    await lab.down();
  });
  const registry = await lab.startRegistry({ tls: true });
  const hub = registry.address.replace(/^[^:]+/, 'hub.company.com');
  await writeFiles(stage, lab, hub, registry.caFile as string);

  stage.say('1. On the connected side: pack everything that the site needs into one file, and verify it.');
  await stage.airferry('bundle', 'create', '-f', 'bundle.yaml', '-o', 'site.tar');
  await stage.airferry('bundle', 'verify', 'site.tar');
  await stage.airferry('bundle', 'inspect', 'site.tar');

  stage.say(
    '2. Across the gap: hosts with nothing but sshd. Check them, install them, and install them again.',
  );
  stage.moveTo((argv, options) => lab.spawn(argv, options));
  const reach = ['--fleet', 'fleet.yaml', '--known-hosts', lab.knownHosts];
  await stage.airferry('host', 'check', ...reach, '--bundle', 'site.tar');
  await stage.airferry('host', 'install', ...reach, '--bundle', 'site.tar');
  await stage.airferry('host', 'install', ...reach, '--bundle', 'site.tar');
  await stage.airferry('host', 'status', ...reach);

  stage.say('3. Fill the registry of the site, with the names that it is to have there.');
  const push = ['image', 'push', 'site.tar', hub, '--ca', 'ca.crt', '--retag', 'site/*=plant-7/*'];
  await stage.airferry(...push, '--dry-run');
  await stage.airferry(...push);
  await stage.airferry(...push);

  stage.say('4. A host pulls an image back out of the registry and runs it.');
  const image = `${hub}/library/busybox:1.35`;
  await stage.command(
    ...lab.ssh('h1'),
    `docker rmi -f busybox:1.35 >/dev/null; docker run --rm ${image} /bin/busybox echo "It has crossed."`,
  );
}

async function writeFiles(stage: Stage, lab: Lab, hub: string, caFile: string): Promise<void> {
  const { save20 } = await tinyCorpus();
  const file = (name: string): string => join(stage.dir, name);
  copyFileSync(await engineArchive(VERSION), file(`docker-${VERSION}.tgz`));
  copyFileSync(await composePlugin(), file('docker-compose'));
  copyFileSync(save20, file('images.tar'));
  copyFileSync(caFile, file('ca.crt'));
  writeFileSync(file('motd'), 'Installed from plant-7, 2026.11.\n');
  writeFileSync(
    file('bundle.yaml'),
    `name: plant-7
version: "2026.11"
platforms: [linux/amd64]
engine: { version: ${VERSION}, archive: ./docker-${VERSION}.tgz }
compose: { version: 2.26.1, file: ./docker-compose }
daemon: { template: production }
images:
  - archive: ./images.tar
files:
  - { from: ./motd, to: /etc/motd, mode: "0644" }
`,
  );
  writeFileSync(
    file('fleet.yaml'),
    `defaults: { user: ops, identity: ${lab.keyFile} }
registry: { address: "${hub}", ip: ${lab.hosts[0]?.address.replace(/\d+$/, '1')}, ca: ./ca.crt }
hosts:
${lab.hosts.map(({ name, address }) => `  - { name: ${name}, address: ${address} }\n`).join('')}`,
  );
}
