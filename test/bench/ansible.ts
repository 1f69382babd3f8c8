/** Installing hosts by Ansible: python3 for the hosts, an inventory, and the command that plays the playbook. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must } from '../lab/exec.ts';
import type { Lab } from '../lab/lab.ts';
import { unpackedPackages } from '../lab/packages.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const PLAYBOOK = new URL('playbook.yml', import.meta.url).pathname;

/** What the playbook installs; paths on this machine. */
export interface Load {
  engine: string;
  daemon: string;
  image: { name: string; id: string; archive: string };
}

export interface Play {
  command: string[];
  env: Record<string, string>;
}

/** What python3 consists of, as far as the hosts' minimal system has it not. */
const PYTHON = [
  ...['python3', 'python3-minimal', 'python3.11', 'python3.11-minimal', 'libpython3-stdlib'],
  ...['libpython3.11-minimal', 'libpython3.11-stdlib', 'libsqlite3-0', 'libreadline8', 'media-types'],
];

/** Put python3, which Ansible needs and airferry does not, onto every host of a lab. */
export async function addPython(lab: Lab): Promise<void> {
  const packages = await unpackedPackages('packages-python3-1', 'bookworm', PYTHON);
  const tar = join(packages, 'python3.tar');
  await must(['tar', '--create', '--file', tar, '--directory', join(packages, 'tree'), '.']);
  // Debian's /lib is a link to /usr/lib, and has to stay one.
  const unpack = ['tar', '--extract', '--file', tar, '--keep-directory-symlink', '--no-overwrite-dir'];
  for (const host of lab.hosts) {
    await must([...unpack, '--directory', host.root]);
    await host.exec(['python3', '-c', 'import json, zipfile, ctypes']);
  }
}

/**
 * The command that installs every host of the lab, tuned as Ansible's documentation advises: pipelining, connections that
 * persist, a fork for each host. `compressed` is Ansible's default: it calls `ssh -C`.
 */
export async function play(lab: Lab, dir: string, load: Load, compressed: boolean): Promise<Play> {
  const units = join(dir, 'units');
  await mkdir(units, { recursive: true });
  await writeFile(join(units, 'docker.service'), await flat('docker.service', 'docker-containerd.conf'));
  await writeFile(
    join(units, 'containerd.service'),
    await flat('containerd.service', 'containerd-notify.conf'),
  );
  const inventory = join(dir, 'inventory.json');
  const hosts = Object.fromEntries(lab.hosts.map(host => [host.name, { ansible_host: host.address }]));
  const vars = {
    ansible_user: 'root',
    ansible_ssh_private_key_file: lab.keyFile,
    ansible_python_interpreter: '/usr/bin/python3',
    units,
    ...load,
  };
  await writeFile(inventory, JSON.stringify({ all: { hosts, vars } }, undefined, 2));
  return {
    command: ['ansible-playbook', '--inventory', inventory, PLAYBOOK],
    env: {
      ANSIBLE_FORKS: String(lab.hosts.length),
      ANSIBLE_PIPELINING: 'True',
      ANSIBLE_SSH_ARGS: `${compressed ? '-C ' : ''}-o ControlMaster=auto -o ControlPersist=60s`,
      ANSIBLE_SSH_COMMON_ARGS: `-o UserKnownHostsFile=${lab.knownHosts}`,
      ANSIBLE_SSH_CONTROL_PATH_DIR: lab.dir,
      ANSIBLE_HOME: join(dir, 'ansible'),
      ANSIBLE_LOCAL_TEMP: join(dir, 'ansible-tmp'),
      ANSIBLE_NOCOLOR: '1',
    },
  };
}

/** Throws unless a play's output says that no host was changed. */
export function expectUnchanged(output: string): void {
  if (!/ok=\d+/.test(output) || /changed=[1-9]|failed=[1-9]|unreachable=[1-9]/.test(output))
    throw new Error(`the second run of the playbook changed something\n${output.slice(-2000)}`);
}

/** A unit of airferry's with one drop-in, as one file. */
async function flat(unit: string, dropIn: string): Promise<string> {
  const texts = [join(ROOT, 'systemd', unit), join(ROOT, 'systemd/drop-ins', dropIn)].map(file =>
    readFile(file, 'utf8'),
  );
  return (await Promise.all(texts)).join('\n');
}
