/** Whether this machine can carry the lab at all. */
import { existsSync } from 'node:fs';

/** Why the lab cannot run here, in one sentence; nothing when it can. Asks only, changes nothing. */
export function whyNoLab(): string | undefined {
  if (process.platform !== 'linux') return 'the lab needs Linux namespaces';
  if (process.getuid?.() !== 0) return 'the lab needs root: it makes namespaces, mounts and cgroups';
  if (process.arch !== 'x64') return 'the lab is made of amd64 packages';
  if (!existsSync('/etc/debian_version')) return 'the lab is made of Debian packages, and this is not Debian';
  if (!existsSync('/sys/fs/cgroup')) return 'no cgroups are mounted under /sys/fs/cgroup';
  return undefined;
}
