/** Root file systems of hosts: a small Debian with systemd and sshd, and no Python, curl or compiler in it. */
import { chmod, glob, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached } from './cache.ts';
import { must } from './exec.ts';
import type { Suite } from './packages.ts';

/** The ordinary users of every host, with their passwords. `ops` may use sudo with it, `plain` may not use sudo at all. */
export const USERS = {
  ops: { password: 'ferry-ops-77' },
  plain: { password: 'ferry-plain-77' },
} as const;

const PACKAGES = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'openssh-server',
  'iproute2',
  'iptables',
  'sudo',
  'procps',
  'ca-certificates',
  'kmod',
  'libdevmapper1.02.1',
  'xz-utils',
];

/** Units that make no sense in a container, or that would work in the background while tests measure. */
const MASKED = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'systemd-pstore.service',
  'getty@tty1.service',
  'console-getty.service',
];

/** Gives dockerd what a machine of its own would: cgroups and /proc/sys that can be written. */
const CONTAINER_UNIT = `[Unit]
Description=Make cgroups and sysctls writable
DefaultDependencies=no
Before=sysinit.target

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for c in /sys/fs/cgroup/*; do mountpoint -q $c && mount -o remount,rw,bind $c; done; mount -o remount,rw,bind /proc/sys'

[Install]
WantedBy=sysinit.target
`;

const SSHD_CONFIG = `PermitRootLogin prohibit-password
PasswordAuthentication yes
UseDNS no
`;

/** The root file system of `suite` in the cache, as no host yet: without host name, machine id, keys of any kind. */
export function rootfs(suite: Suite): Promise<string> {
  return cached(`rootfs-${suite}-1`, async root => {
    await must(['debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, root]);
    await must(['chroot', root, 'apt-get', 'clean']);
    for await (const file of glob('var/lib/apt/lists/*_*', { cwd: root })) await rm(join(root, file));
    for await (const file of glob('etc/ssh/ssh_host_*', { cwd: root })) await rm(join(root, file));
    for (const file of ['etc/machine-id', 'etc/fstab', 'etc/resolv.conf'])
      await writeFile(join(root, file), '');
    await rm(join(root, 'var/lib/dbus/machine-id'), { force: true });
    await writeFile(join(root, 'etc/ssh/sshd_config.d/lab.conf'), SSHD_CONFIG);

    const units = join(root, 'etc/systemd/system');
    for (const unit of MASKED) {
      await rm(join(units, unit), { force: true });
      await symlink('/dev/null', join(units, unit));
    }
    await writeFile(join(units, 'lab-container.service'), CONTAINER_UNIT);
    await must(['systemctl', `--root=${root}`, 'enable', 'lab-container.service']);

    await must(['chroot', root, 'useradd', '--create-home', '--shell=/bin/bash', '--groups=sudo', 'ops']);
    await must(['chroot', root, 'useradd', '--create-home', '--shell=/bin/bash', 'plain']);
    const passwords = Object.entries(USERS).map(([name, { password }]) => `${name}:${password}\n`);
    await must(['chroot', root, 'chpasswd'], { input: passwords.join('') });
    await chmod(root, 0o755);
  });
}

export interface Personality {
  hostname: string;
  /** Public key that may log in as root, ops and plain, in the form of an authorized_keys line. */
  publicKey: string;
  /** Whether `ops` may use sudo without its password. */
  passwordlessSudo: boolean;
}

/** Copy the root of `suite` to `root` and make it one host, with ssh host keys of its own. */
export async function makeRoot(suite: Suite, root: string, host: Personality): Promise<void> {
  await mkdir(join(root, '..'), { recursive: true });
  await must(['cp', '-a', '--reflink=auto', await rootfs(suite), root]);
  await writeFile(join(root, 'etc/hostname'), `${host.hostname}\n`);
  await writeFile(join(root, 'etc/hosts'), `127.0.0.1 localhost\n127.0.1.1 ${host.hostname}\n`);
  await must([
    'ssh-keygen',
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    '',
    '-f',
    `${root}/etc/ssh/ssh_host_ed25519_key`,
  ]);
  await must([
    'ssh-keygen',
    '-q',
    '-t',
    'ecdsa',
    '-N',
    '',
    '-C',
    '',
    '-f',
    `${root}/etc/ssh/ssh_host_ecdsa_key`,
  ]);
  for (const [user, home] of Object.entries({ root: 'root', ops: 'home/ops', plain: 'home/plain' })) {
    const folder = join(root, home, '.ssh');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, 'authorized_keys'), `${host.publicKey}\n`, { mode: 0o600 });
    await must(['chroot', root, 'chown', '-R', `${user}:${user}`, `/${home}/.ssh`]);
  }
  if (host.passwordlessSudo)
    await writeFile(join(root, 'etc/sudoers.d/ops'), 'ops ALL=(ALL) NOPASSWD: ALL\n', { mode: 0o440 });
}

/** The known_hosts lines of a host made by `makeRoot`, for the names under which it is reached. */
export async function knownHostsLines(root: string, names: string[]): Promise<string[]> {
  const keys = ['ed25519', 'ecdsa'].map(type => readFile(`${root}/etc/ssh/ssh_host_${type}_key.pub`, 'utf8'));
  return (await Promise.all(keys)).map(key => `${names.join(',')} ${key.trim()}`);
}
