/** Runtimes other than Docker, put on hosts out of Debian's packages of bookworm: containerd alone, podman, skopeo. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { enginePackages } from './engines.ts';
import { must } from './exec.ts';
import type { Host } from './host.ts';
import { unpackedPackages } from './packages.ts';

/** With what both need at run time and the root file system lacks. */
const STORAGE_PACKAGES = [
  'podman',
  'skopeo',
  'conmon',
  'runc',
  'golang-github-containers-common',
  'golang-github-containers-image',
  'libgpgme11',
  'libassuan0',
  'libsubid4',
  'libglib2.0-0',
  'libseccomp2',
];

const CONTAINERD_UNIT = `[Unit]
Description=containerd container runtime
After=network.target

[Service]
ExecStart=/usr/bin/containerd
Type=notify
Delegate=yes
KillMode=process

[Install]
WantedBy=multi-user.target
`;

/** One tree over another whose `lib` is a link into `usr`. */
const UNPACK = 'tar -C "$1" -c . | tar -C "$2" -x --no-same-owner --keep-directory-symlink';

/** containerd 1.6.20 and ctr, as a unit of their own, started. */
export async function installContainerd(host: Host): Promise<void> {
  const tree = join(await enginePackages('20.10.24'), 'tree/usr/bin');
  for (const name of ['containerd', 'containerd-shim-runc-v2', 'ctr'])
    await must(['cp', join(tree, name), join(host.root, 'usr/bin', name)]);
  await must(['cp', join(tree, '../sbin/runc'), join(host.root, 'usr/sbin/runc')]);
  await writeFile(join(host.root, 'etc/systemd/system/containerd.service'), CONTAINERD_UNIT);
  await host.sh('systemctl daemon-reload && systemctl enable --now containerd');
}

/** podman 4.3.1, skopeo 1.9.3 or both, with the policy that Debian gives them. They need no service. */
export async function installStorageTools(host: Host, ...tools: ('podman' | 'skopeo')[]): Promise<void> {
  const tree = join(await unpackedPackages('packages-podman-1', 'bookworm', STORAGE_PACKAGES), 'tree');
  await must(['sh', '-c', UNPACK, 'sh', tree, host.root]);
  for (const tool of ['podman', 'skopeo'] as const)
    if (!tools.includes(tool)) await must(['rm', '-f', join(host.root, 'usr/bin', tool)]);
  await host.sh('ldconfig');
}
