/**
 * The images of the corpus, built by a real engine. Two sets: `tiny` for quick tests, and `site`, of the size and shape of
 * a real delivery: a Debian base, three applications on top of it, two of which share a runtime layer, with layers that
 * compress well (programs, libraries) and layers that do not (packages that are compressed already).
 */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EngineVersion, enginePackages } from './engines.ts';
import { must } from './exec.ts';
import type { Host } from './host.ts';
import { unpackedPackages } from './packages.ts';
import { rootfs } from './rootfs.ts';

export const TINY_IMAGES = ['busybox:1.35', 'site/tiny-a:1.0', 'site/tiny-b:1.0'];
export const SITE_IMAGES = ['site/base:1.0', 'site/app-a:1.0', 'site/app-b:1.0', 'site/app-c:1.0'];

/** Build all images of both sets on a host whose engine runs. */
export async function buildImages(host: Host): Promise<void> {
  await buildTiny(host);
  await buildSite(host);
}

/** `busybox:1.35` alone, made of Debian's busybox-static, on a host whose engine runs. */
export async function importBusybox(host: Host): Promise<void> {
  const packages = await unpackedPackages('packages-busybox-1', 'bookworm', ['busybox-static']);
  const context = join(host.root, 'srv/busybox');
  for (const folder of ['bin', 'etc', 'tmp', 'www']) await mkdir(join(context, folder), { recursive: true });
  await copyFile(join(packages, 'tree/bin/busybox'), join(context, 'bin/busybox'));
  await must(['chroot', context, '/bin/busybox', '--install', '/bin']);
  await writeFile(join(context, 'etc/passwd'), 'root:x:0:0:root:/:/bin/sh\n');
  await host.sh(`cd /srv/busybox && tar --sort=name --mtime=@1700000000 -c . |
    docker import --change 'CMD ["sh"]' - busybox:1.35 && rm -r /srv/busybox`);
}

async function buildTiny(host: Host): Promise<void> {
  await importBusybox(host);
  await build(
    host,
    'site/tiny-a:1.0',
    `FROM busybox:1.35
RUN mkdir /shared && seq 1 20000 >/shared/numbers
RUN echo a >/name
CMD ["cat", "/name"]
`,
  );
  await build(
    host,
    'site/tiny-b:1.0',
    `FROM busybox:1.35
RUN mkdir /shared && seq 1 20000 >/shared/numbers
RUN echo b >/name && ln -s /shared/numbers /link && touch -t 202001010000 /old
LABEL site=plant-7
CMD ["cat", "/name"]
`,
  );
}

async function buildSite(host: Host): Promise<void> {
  const base = await rootfs('bookworm');
  const put = async (from: string, name: string): Promise<void> => {
    await mkdir(join(host.root, 'srv/build'), { recursive: true });
    await must(['cp', '-a', '--reflink=auto', from, join(host.root, 'srv/build', name)]);
  };
  await put(base, 'base');
  const versions: EngineVersion[] = ['20.10.24', '26.1.5'];
  for (const version of versions) {
    const packages = await enginePackages(version);
    await put(join(packages, 'tree'), `tree-${version}`);
    await put(join(packages, 'debs'), `debs-${version}`);
  }
  await host.sh('tar -C /srv/build/base -c . | docker import - site/base:1.0 && rm -r /srv/build/base');
  const runtime = 'FROM site/base:1.0\nCOPY tree-20.10.24 /opt/runtime\n';
  await build(
    host,
    'site/app-a:1.0',
    `${runtime}COPY debs-20.10.24 /opt/a\nENV APP=a\nEXPOSE 8080\nCMD ["cat", "/etc/debian_version"]\n`,
  );
  await build(
    host,
    'site/app-b:1.0',
    `${runtime}COPY debs-26.1.5 /opt/b\nENV APP=b\nCMD ["cat", "/etc/hostname"]\n`,
  );
  await build(
    host,
    'site/app-c:1.0',
    'FROM site/base:1.0\nCOPY tree-26.1.5 /opt/c\nRUN rm -rf /usr/share/doc\nENV APP=c\n',
  );
  await host.sh('rm -r /srv/build');
}

async function build(host: Host, name: string, dockerfile: string): Promise<void> {
  await mkdir(join(host.root, 'srv/build'), { recursive: true });
  const line = ['docker', 'build', '--tag', name, '--file', '-', '/srv/build'];
  const outcome = await host.exec(['env', 'DOCKER_BUILDKIT=0', ...line], { input: dockerfile });
  if (outcome.code !== 0) throw new Error(`${name} was not built\n${outcome.stdout}\n${outcome.stderr}`);
}
