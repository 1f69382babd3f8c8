/** The programs that airferry is measured beside, as Debian ships them, and how they are run. */
import { join } from 'node:path';
import { ensurePackages, unpackedPackages } from '../lab/packages.ts';

/** Install on this machine what any part of the benchmark needs beyond the lab. */
export function ensureMeasuring(): Promise<void> {
  return ensurePackages({ time: '/usr/bin/time', skopeo: '/usr/bin/skopeo' });
}

/** Install ansible-core on this machine. */
export function ensureAnsible(): Promise<void> {
  return ensurePackages({ 'ansible-core': '/usr/bin/ansible-playbook', 'openssh-client': '/usr/bin/ssh' });
}

/** The path of `oras`, which only the release after bookworm has: unpacked in the cache, not installed. */
export async function oras(): Promise<string> {
  return join(await unpackedPackages('packages-oras-1', 'trixie', ['oras']), 'tree/usr/bin/oras');
}

/** `skopeo copy` of one image. */
export function skopeoCopy(from: string, to: string, ...options: string[]): string[] {
  return ['skopeo', '--insecure-policy', 'copy', '--quiet', ...options, from, to];
}

/**
 * An environment in which skopeo keeps what it learns about blobs in `folder`. In the folder of the machine it would
 * know them all from the run before, and the first run would be another than the second.
 */
export function skopeoMemory(folder: string): Record<string, string> {
  return { XDG_DATA_HOME: folder, _CONTAINERS_ROOTLESS_UID: '1000' };
}
