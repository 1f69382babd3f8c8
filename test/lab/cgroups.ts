/**
 * Cgroups of the lab. Every process of a lab lives below `airferry-lab/LAB` in each hierarchy, so that two systemd never
 * share a tree, and so that what an earlier run left behind is found without trusting process ids.
 */
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exists } from './cache.ts';
import { until } from './exec.ts';

const MOUNT = '/sys/fs/cgroup';
const PARENT = 'airferry-lab';

/** Puts itself into the cgroups whose cgroup.procs files come before `--`, then becomes the program after it. */
const ENTER = [
  'sh',
  '-c',
  'while [ "$1" != -- ]; do echo $$ >"$1" || exit 125; shift; done; shift; exec "$@"',
  'enter',
];

/** Whether this machine has cgroup v2 and nothing else. */
export function onlyUnified(): Promise<boolean> {
  return exists(join(MOUNT, 'cgroup.controllers'));
}

/** The roots of the mounted hierarchies: one for each v1 controller, or the v2 one alone. */
async function hierarchies(): Promise<string[]> {
  if (await onlyUnified()) return [MOUNT];
  const names = await readdir(MOUNT);
  const roots = names.map(name => join(MOUNT, name));
  const mounted = await Promise.all(roots.map(root => exists(join(root, 'cgroup.procs'))));
  return roots.filter((_, i) => mounted[i]);
}

/** Make the cgroups of the member `member` of `lab`; gives back the prefix that runs a program in them. */
export async function makeCgroups(lab: string, member: string): Promise<string[]> {
  const files: string[] = [];
  for (const root of await hierarchies()) {
    let folder = root;
    for (const part of [PARENT, lab, member]) {
      folder = join(folder, part);
      await mkdir(folder, { recursive: true });
      // A new cpuset group is empty, and takes no process until it is told its processors and memory nodes.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (root.endsWith('/cpuset'))
          await writeFile(join(folder, file), await readFile(join(dirname(folder), file)));
    }
    files.push(join(folder, 'cgroup.procs'));
  }
  return [...ENTER, ...files, '--'];
}

/** The prefix that runs a program in the cgroups of the process `pid`, in every hierarchy. */
export async function cgroupsOf(pid: number): Promise<string[]> {
  const unified = await onlyUnified();
  const lines = (await readFile(`/proc/${pid}/cgroup`, 'utf8')).trim().split('\n');
  const mounted = unified ? lines.filter(line => line.startsWith('0::')) : lines;
  const folders = mounted.map(line => {
    const [, controllers = '', ...path] = line.split(':');
    const hierarchy = unified ? '' : controllers.replace(/^name=/, '') || 'unified';
    return join(MOUNT, hierarchy, path.join(':'));
  });
  return [...ENTER, ...folders.map(folder => join(folder, 'cgroup.procs')), '--'];
}

/** End every process in the cgroups of `lab`, or of one member of it, and take the cgroups away. */
export async function removeCgroups(lab: string, member = ''): Promise<void> {
  const folders = (await hierarchies()).map(root => join(root, PARENT, lab, member));
  await until(`the processes of lab ${lab} have ended`, 20_000, async () => {
    const pids = new Set((await Promise.all(folders.map(processesBelow))).flat());
    for (const pid of pids) kill(pid);
    return pids.size === 0 ? true : undefined;
  });
  for (const folder of folders) await removeTree(folder);
}

/** The ids of all processes in the cgroups of `lab`, or of one member of it. */
export async function processesOf(lab: string, member = ''): Promise<number[]> {
  const folders = (await hierarchies()).map(root => join(root, PARENT, lab, member));
  return [...new Set((await Promise.all(folders.map(processesBelow))).flat())];
}

async function processesBelow(folder: string): Promise<number[]> {
  const pids: number[] = [];
  for (const group of await groupsBelow(folder)) {
    const text = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
    pids.push(...text.split('\n').filter(Boolean).map(Number));
  }
  return pids;
}

/** `folder` and every group below it, the deepest first. */
async function groupsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  if (entries.length === 0) return [];
  const below = entries
    .filter(entry => entry.isDirectory())
    .map(entry => groupsBelow(join(folder, entry.name)));
  return [...(await Promise.all(below)).flat(), folder];
}

async function removeTree(folder: string): Promise<void> {
  for (const group of await groupsBelow(folder)) await rmdir(group).catch(() => {});
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended since it was listed.
  }
}
