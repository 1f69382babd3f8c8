/** The Debian packages that the lab is made with: those it installs on this machine, and those it only unpacks. */
import { glob, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir, cached, exists } from './cache.ts';
import { must } from './exec.ts';
import { withLock } from './lock.ts';

export type Suite = 'bookworm' | 'trixie';

/** A program of each package, by which we see that the package is there. */
const NEEDED: Record<string, string> = {
  debootstrap: '/usr/sbin/debootstrap',
  'debian-archive-keyring': '/usr/share/keyrings/debian-archive-keyring.gpg',
  'systemd-container': '/usr/bin/systemd-nspawn',
  'docker-registry': '/usr/bin/docker-registry',
  skopeo: '/usr/bin/skopeo',
  iproute2: '/usr/sbin/ip',
  'openssh-client': '/usr/bin/ssh',
  openssl: '/usr/bin/openssl',
  'util-linux': '/usr/bin/nsenter',
  zstd: '/usr/bin/zstd',
  'xz-utils': '/usr/bin/xz',
  'apache2-utils': '/usr/bin/htpasswd',
};

/** Answers "do not start it" to every package that wants to start a service while it is installed. */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

/**
 * Install packages on this machine, the lab's own unless others are given as a program of each by its package's name.
 * Does nothing, and needs no network, when all of them are there.
 */
export async function ensurePackages(needed: Record<string, string> = NEEDED): Promise<void> {
  if ((await missingPackages(needed)).length === 0) return;
  await withLock(join(cacheDir(), 'apt.lock'), 600_000, async () => {
    const missing = await missingPackages(needed);
    if (missing.length === 0) return;
    const hadPolicy = await exists(POLICY_FILE);
    if (!hadPolicy) await writeFile(POLICY_FILE, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
    try {
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      await must(['apt-get', 'update', '-q'], { env });
      await must(['apt-get', 'install', '-q', '-y', '--no-install-recommends', ...missing], { env });
    } finally {
      if (!hadPolicy) await rm(POLICY_FILE, { force: true });
    }
  });
}

async function missingPackages(needed: Record<string, string>): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, file] of Object.entries(needed)) if (!(await exists(file))) missing.push(name);
  return missing;
}

/**
 * The .deb files of `packages` from `suite`, unpacked over one another into the cache entry `name`: `debs/` has the
 * files, `tree/` their content. apt's lists for the suite are kept apart from those of this machine, and so is what is
 * installed here: a security update that this machine has would be chosen, and then not be found in the suite.
 */
export function unpackedPackages(name: string, suite: Suite, packages: string[]): Promise<string> {
  return cached(name, async dir => {
    const apt = join(dir, 'apt');
    const debs = join(dir, 'debs');
    const tree = join(dir, 'tree');
    for (const made of [`${apt}/lists/partial`, `${apt}/archives/partial`, debs, tree])
      await mkdir(made, { recursive: true });
    const keyring = NEEDED['debian-archive-keyring'];
    await writeFile(
      join(apt, 'sources.list'),
      `deb [signed-by=${keyring}] http://deb.debian.org/debian ${suite} main\n`,
    );
    await writeFile(join(apt, 'status'), '');
    const options = [
      `Dir::Etc::SourceList=${apt}/sources.list`,
      'Dir::Etc::SourceParts=/dev/null',
      `Dir::State::Lists=${apt}/lists`,
      `Dir::State::status=${apt}/status`,
      `Dir::Cache=${apt}`,
      'APT::Sandbox::User=root',
    ].flatMap(option => ['-o', option]);
    await must(['apt-get', ...options, 'update', '-q']);
    await must(['apt-get', ...options, 'download', '-q', ...packages], { cwd: debs });
    const files = await Array.fromAsync(glob('*.deb', { cwd: debs }));
    for (const file of files.sort()) await must(['dpkg', '-x', join(debs, file), tree]);
    await rm(apt, { recursive: true });
  });
}
