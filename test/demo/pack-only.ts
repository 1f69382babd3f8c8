/** The part of the demo that needs no hosts: pack an image archive, verify it, look inside, see where it would go. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack as tarPack } from 'tar-stream';
import type { Stage } from './stage.ts';

/** Pack, verify, inspect and plan a push; `reason` is why there are no hosts. */
export async function pack(stage: Stage, reason: string): Promise<void> {
  stage.say(`Left out, since ${reason}: installing hosts, filling a registry, running a container from it.`);
  stage.say('Run it as root on Debian to see the whole way. Here is the part that needs no hosts.');
  const file = (name: string): string => join(stage.dir, name);
  writeFileSync(file('hello.tar'), await savedImage('site/hello:1.0', 'Hello across the gap.\n'));
  writeFileSync(file('motd'), 'Installed from plant-7, 2026.11.\n');
  writeFileSync(
    file('bundle.yaml'),
    `name: plant-7
version: "2026.11"
images:
  - archive: ./hello.tar
files:
  - { from: ./motd, to: /etc/motd, mode: "0644" }
`,
  );
  await stage.airferry('bundle', 'create', '-f', 'bundle.yaml', '-o', 'site.tar');
  await stage.airferry('bundle', 'verify', 'site.tar');
  await stage.airferry('bundle', 'inspect', 'site.tar');
  await stage.airferry(
    'image',
    'push',
    'site.tar',
    'hub.company.com',
    '--retag',
    'site/*=plant-7/*',
    '--dry-run',
  );
}

/** An archive as `docker save` before 25 writes it: one image whose only layer has one file. */
async function savedImage(name: string, text: string): Promise<Uint8Array> {
  const layer = await tar([['hello.txt', text]]);
  const config = JSON.stringify({
    architecture: 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
  });
  const configName = `${sha256(config)}.json`;
  const layerName = `${sha256(layer)}/layer.tar`;
  const manifest = JSON.stringify([{ Config: configName, RepoTags: [name], Layers: [layerName] }]);
  return tar([
    [layerName, layer],
    [configName, config],
    ['manifest.json', manifest],
  ]);
}

async function tar(files: [string, string | Uint8Array][]): Promise<Uint8Array> {
  const archive = tarPack();
  for (const [name, content] of files) archive.entry({ name, mtime: new Date(0) }, Buffer.from(content));
  archive.finalize();
  return Buffer.concat(await Array.fromAsync(archive as AsyncIterable<Uint8Array>));
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}
