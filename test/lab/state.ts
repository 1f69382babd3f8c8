/** Where a lab keeps what belongs to one run, what is recorded of it, and how all of it is taken away again. */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheDir } from './cache.ts';
import { processesOf, removeCgroups } from './cgroups.ts';
import { must, run } from './exec.ts';
import type { HostRecord } from './host.ts';
import { removeNetwork } from './network.ts';

const RUN_DIR = '/run/airferry-lab';
const NAME = /^[a-z][a-z0-9]{0,11}$/;

export interface LabRecord {
  lab: string;
  hosts: HostRecord[];
}

/** The lab's name, if it is one: a letter, then up to eleven letters and digits. Throws otherwise. */
export function labName(name: string): string {
  if (!NAME.test(name))
    throw new Error(`"${name}" is no lab name: a letter, then up to 11 letters or digits`);
  return name;
}

/** The folder of one lab for keys, logs and configuration. */
export function runDir(lab: string): string {
  return join(RUN_DIR, labName(lab));
}

/** The folder of one lab for what is large: host roots, registry content. It is on the cache's disk. */
export function dataDir(lab: string): string {
  return join(cacheDir(), 'run', labName(lab));
}

/** The file by which one process at a time has the lab. */
export function lockFile(lab: string): string {
  return join(RUN_DIR, `${labName(lab)}.lock`);
}

/** Empty run and data folders for a new run. */
export async function makeFolders(lab: string): Promise<void> {
  await mkdir(runDir(lab), { recursive: true, mode: 0o700 });
  await mkdir(dataDir(lab), { recursive: true });
}

/** Record a lab whose hosts are up. */
export async function writeRecord(record: LabRecord): Promise<void> {
  await writeFile(join(runDir(record.lab), 'state.json'), `${JSON.stringify(record, undefined, 2)}\n`);
}

/** What is recorded of the lab, if it is up: nothing when no process of it is left. */
export async function readRecord(lab: string): Promise<LabRecord | undefined> {
  const text = await readFile(join(runDir(lab), 'state.json'), 'utf8').catch(() => undefined);
  if (text === undefined || (await processesOf(lab)).length === 0) return undefined;
  return JSON.parse(text);
}

/** The names of all labs that have left something here, up or not. */
export async function labNames(): Promise<string[]> {
  const entries = await readdir(RUN_DIR, { withFileTypes: true }).catch(() => []);
  return entries.filter(entry => entry.isDirectory()).map(entry => entry.name);
}

/** Take away all that a run of the lab made, whether it ended well or not: processes, network, mounts, files. */
export async function sweep(lab: string): Promise<void> {
  await removeCgroups(lab);
  await removeNetwork(lab);
  const data = dataDir(lab);
  const mounts = (await must(['findmnt', '--list', '--noheadings', '--output=TARGET'])).split('\n');
  for (const mount of mounts.reverse())
    if (mount.startsWith(`${data}/`)) await run(['umount', '--lazy', mount]);
  await must(['rm', '-rf', '--one-file-system', data]);
  await rm(runDir(lab), { recursive: true, force: true });
}
