/**
 * The lab for tests: real hosts with systemd, sshd and an address each, and an operator beside them.
 *
 *   const lab = await Lab.up({ hosts: [{ name: 'h1' }, { name: 'h2', suite: 'trixie' }] });
 *   const outcome = await lab.run(['node', 'src/main.ts', 'host', 'check', '--host', `ops@${lab.host('h1').address}`]);
 *   await lab.down();
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { must, type Outcome, type RunOptions, run } from './exec.ts';
import { attachHost, bootHost, type Host, type HostRecord, type HostSpec } from './host.ts';
import { takeLock } from './lock.ts';
import { hostAddress, makeOperatorNetwork, operatorNamespace } from './network.ts';
import { ensurePackages } from './packages.ts';
import { whyNoLab } from './readiness.ts';
import { type Registry, type RegistryOptions, startRegistry } from './registry.ts';
import { knownHostsLines, rootfs } from './rootfs.ts';
import { dataDir, labName, lockFile, makeFolders, readRecord, runDir, sweep, writeRecord } from './state.ts';

export interface LabOptions {
  hosts: HostSpec[];
  /** Labs of different names do not meet. Default `$AIRFERRY_LAB`, or `e2e`. */
  name?: string;
  /** How long to wait for another process that has the lab. Default 10 minutes. */
  waitMs?: number;
}

export interface Lab {
  name: string;
  hosts: Host[];
  /** The host of that name; throws when there is none. */
  host(name: string): Host;
  /** The operator's private key (ed25519), which logs in as root, ops and plain on every host. */
  keyFile: string;
  /** A known_hosts file with the keys of all hosts, by address and by name. */
  knownHosts: string;
  /** A folder for files of this run, emptied by `down`. */
  dir: string;
  /** Run a program where the operator sits: in the network namespace that reaches hosts and registries. */
  run(argv: string[], options?: RunOptions): Promise<Outcome>;
  /** Start a program where the operator sits, for tests that talk to it or interrupt it. */
  spawn(argv: string[], options?: SpawnOptions): ChildProcess;
  /** The ssh command line that logs in to a host; append a command. Default user `root`. */
  ssh(host: string, user?: string): string[];
  startRegistry(options?: RegistryOptions): Promise<Registry>;
  /** End the lab and take away all that it made. */
  down(): Promise<void>;
}

const HOST_NAME = /^[a-z][a-z0-9-]{0,10}$/;
const MAX_HOSTS = 40;

export const Lab = { up, attach };

/** The name of the lab that tests use unless told otherwise. */
export function defaultLabName(): string {
  return process.env.AIRFERRY_LAB || 'e2e';
}

/**
 * Boot a lab, after clearing what an earlier run of the same name left behind. The first time on a machine this makes
 * the cached root file systems, which takes a minute each. Throws when this machine cannot carry a lab, when another
 * process has the lab for longer than `waitMs`, or when a host does not boot; then nothing is left behind.
 */
async function up(options: LabOptions): Promise<Lab> {
  const reason = whyNoLab();
  if (reason !== undefined) throw new Error(reason);
  const name = labName(options.name ?? defaultLabName());
  checkNames(options.hosts);
  await ensurePackages();
  const lock = await takeLock(lockFile(name), options.waitMs ?? 600_000);
  try {
    await sweep(name);
    for (const suite of new Set(options.hosts.map(host => host.suite ?? 'bookworm'))) await rootfs(suite);
    const record = { lab: name, hosts: await bootAll(name, options.hosts) };
    await writeRecord(record);
    return describe(name, record.hosts, () => lock.release());
  } catch (error) {
    await sweep(name);
    await lock.release();
    throw error;
  }
}

/** The lab `name` that another process brought up and left running; throws when it is not up. */
async function attach(name: string): Promise<Lab> {
  const record = await readRecord(labName(name));
  if (record === undefined) throw new Error(`the lab "${name}" is not up`);
  return describe(name, record.hosts, async () => {});
}

async function bootAll(lab: string, specs: HostSpec[]): Promise<HostRecord[]> {
  await makeFolders(lab);
  const dir = runDir(lab);
  await must([
    'ssh-keygen',
    '-q',
    '-t',
    'ed25519',
    '-N',
    '',
    '-C',
    'operator',
    '-f',
    join(dir, 'id_ed25519'),
  ]);
  const publicKey = (await readFile(join(dir, 'id_ed25519.pub'), 'utf8')).trim();
  const plans = specs.map((spec, index) => ({
    name: spec.name,
    suite: spec.suite ?? 'bookworm',
    passwordlessSudo: spec.passwordlessSudo ?? false,
    address: hostAddress(index),
    root: join(dataDir(lab), spec.name),
    logFile: join(dir, `${spec.name}.log`),
    publicKey,
  }));
  await makeOperatorNetwork(lab, plans);
  // All are waited for, so that no host is still booting while another's failure is swept up.
  const booted = await Promise.allSettled(plans.map(plan => bootHost(lab, plan)));
  const failed = booted.find(result => result.status === 'rejected');
  if (failed) throw failed.reason;
  const records = booted.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []));
  const lines = await Promise.all(records.map(host => knownHostsLines(host.root, [host.name, host.address])));
  await writeFile(join(dir, 'known_hosts'), `${lines.flat().join('\n')}\n`);
  return records;
}

function describe(name: string, records: HostRecord[], onDown: () => Promise<void>): Lab {
  const dir = runDir(name);
  const hosts = records.map(record => attachHost(name, record));
  const keyFile = join(dir, 'id_ed25519');
  const knownHosts = join(dir, 'known_hosts');
  // Records of runs are the lab's, not those of whoever runs it.
  const ownState = { XDG_STATE_HOME: join(dir, 'state') };
  const inNamespace = ['ip', 'netns', 'exec', operatorNamespace(name)];
  const host = (wanted: string): Host => {
    const found = hosts.find(one => one.name === wanted);
    if (found === undefined) throw new Error(`the lab has no host "${wanted}"`);
    return found;
  };
  return {
    name,
    hosts,
    host,
    keyFile,
    knownHosts,
    dir,
    run: (argv, options) =>
      run([...inNamespace, ...argv], { ...options, env: { ...ownState, ...options?.env } }),
    spawn: (argv, options = {}) =>
      spawn('ip', [...inNamespace.slice(1), ...argv], {
        ...options,
        env: { ...ownState, ...(options.env ?? process.env) },
      }),
    ssh: (to, user = 'root') => [
      ...['ssh', '-F', '/dev/null', '-i', keyFile, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', `UserKnownHostsFile=${knownHosts}`, '-o', 'ConnectTimeout=5', `${user}@${host(to).address}`],
    ],
    startRegistry: options => startRegistry(name, options),
    async down() {
      await sweep(name);
      await onDown();
    },
  };
}

function checkNames(hosts: HostSpec[]): void {
  const names = hosts.map(host => host.name);
  const wrong = names.find(name => !HOST_NAME.test(name));
  if (wrong !== undefined)
    throw new Error(`"${wrong}" is no host name for the lab: a letter, then up to 10 more`);
  if (new Set(names).size < names.length) throw new Error('two hosts of the lab have the same name');
  if (names.length > MAX_HOSTS) throw new Error(`the lab carries ${MAX_HOSTS} hosts at most`);
}
