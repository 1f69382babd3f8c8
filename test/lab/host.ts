/** One host of the lab: systemd in a container with its own address, processes and cgroups. */
import { open, readFile } from 'node:fs/promises';
import { cgroupsOf, makeCgroups, onlyUnified, removeCgroups } from './cgroups.ts';
import { launch, type Outcome, type RunOptions, run, until } from './exec.ts';
import { hostNamespace, makeHostNetwork, setLink } from './network.ts';
import type { Suite } from './packages.ts';
import { makeRoot } from './rootfs.ts';

export interface HostSpec {
  /** A letter, then up to ten letters, digits or hyphens. */
  name: string;
  /** Default `bookworm`. The engine 26.1.5 needs `trixie`; 20.10.24 runs on both. */
  suite?: Suite;
  /** Let the user `ops` use sudo without its password. Default false. */
  passwordlessSudo?: boolean;
}

/** What is known of a running host; all of it is plain data that can be written to a file. */
export interface HostRecord {
  name: string;
  suite: Suite;
  address: string;
  /** Its root directory as seen from this machine. */
  root: string;
  /** What it says while it boots. */
  logFile: string;
  /** The id of the host's systemd on this machine. */
  leader: number;
}

export interface Host extends HostRecord {
  /** Run a program on the host as root, over no network: it works with the link cut. Never throws for its status. */
  exec(argv: string[], options?: RunOptions): Promise<Outcome>;
  /** Run a shell script that the test spells out on the host as root; throws unless it ends with status 0. */
  sh(script: string, options?: RunOptions): Promise<string>;
  /** Pull the host's network cable out. Connections hang, as they do in a machine room. */
  cutLink(): Promise<void>;
  restoreLink(): Promise<void>;
  /** Cut its power, whatever it is doing, and boot it again from the same disk; comes back when it is up. */
  powerCycle(): Promise<void>;
}

/** Of a host before it is started. */
export interface HostPlan extends Required<HostSpec> {
  address: string;
  root: string;
  publicKey: string;
  logFile: string;
}

const BOOT_MS = 90_000;

/** Make the root and the network of a host and boot it; comes back when systemd is up and sshd listens. */
export async function bootHost(lab: string, plan: HostPlan): Promise<HostRecord> {
  const { name, suite, address, root } = plan;
  await makeRoot(suite, root, {
    hostname: name,
    publicKey: plan.publicKey,
    passwordlessSudo: plan.passwordlessSudo,
  });
  await makeHostNetwork(lab, name, address);
  return { name, suite, address, root, logFile: plan.logFile, leader: await bootRoot(lab, plan) };
}

/** Boot what lies in a host's root; gives back the id of its systemd. */
async function bootRoot(
  lab: string,
  plan: Pick<HostPlan, 'name' | 'suite' | 'root' | 'logFile'>,
): Promise<number> {
  const { name } = plan;
  const enter = await makeCgroups(lab, name);
  const log = await open(plan.logFile, 'w');
  const child = launch([...enter, ...nspawn(lab, plan, !(await onlyUnified()))], log.fd);
  await log.close();
  const ended = new Promise<string>(resolve => child.on('exit', code => resolve(`ended with ${code}`)));
  const booted = waitUntilBooted(name, child.pid ?? -1);
  const outcome = await Promise.race([booted, ended]);
  if (typeof outcome === 'string')
    throw new Error(`host ${name}: systemd-nspawn ${outcome}\n${await readFile(plan.logFile, 'utf8')}`);
  return outcome;
}

/** Words for systemd's command line: from 256 on it refuses to boot on cgroup v1 unless it is told twice. */
const LEGACY_CGROUPS = ['systemd.unified_cgroup_hierarchy=0', 'SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1'];

function nspawn(
  lab: string,
  { name, suite, root }: Pick<HostPlan, 'name' | 'suite' | 'root'>,
  legacyCgroups: boolean,
): string[] {
  return [
    ...['systemd-nspawn', '--quiet', '--keep-unit', '--register=no', '--boot'],
    ...[`--directory=${root}`, `--machine=${lab}-${name}`, `--hostname=${name}`],
    `--network-namespace-path=/run/netns/${hostNamespace(lab, name)}`,
    ...['--resolv-conf=off', '--timezone=off', '--link-journal=no', '--capability=all'],
    '--system-call-filter=add_key keyctl bpf perf_event_open @keyring',
    ...(suite === 'trixie' && legacyCgroups ? LEGACY_CGROUPS : []),
  ];
}

async function waitUntilBooted(name: string, nspawnPid: number): Promise<number> {
  const leader = await until(`host ${name} has a systemd`, BOOT_MS, () => childOf(nspawnPid));
  const booted = until(`host ${name} is up`, BOOT_MS, async () => {
    const state = await run([...inside(leader), 'systemctl', 'is-system-running']);
    // One failed unit makes it `degraded`, which is the business of the test that looks at it.
    return ['running', 'degraded'].includes(state.stdout.trim()) ? true : undefined;
  });
  await booted.catch(async error => {
    throw new Error(`${error.message}\n${await whatItWaitsFor(leader)}`);
  });
  return leader;
}

/** What systemd has under way on a host that does not come up. */
async function whatItWaitsFor(leader: number): Promise<string> {
  const told = [];
  for (const question of [['is-system-running'], ['list-jobs', '--no-pager'], ['--failed', '--no-pager']]) {
    const { stdout, stderr } = await run([...inside(leader), 'systemctl', ...question]);
    told.push(`${stdout}${stderr}`.trimEnd());
  }
  return told.join('\n');
}

/** The host's first process. nspawn has short-lived helpers of its own, which bear its name. */
async function childOf(pid: number): Promise<number | undefined> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const children = text.split(' ').filter(Boolean).map(Number);
  for (const child of children)
    if ((await readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')).trim() === 'systemd') return child;
  return undefined;
}

/** The prefix that runs a program inside all namespaces of the host with this leader. */
function inside(leader: number): string[] {
  return [
    'nsenter',
    `--target=${leader}`,
    '--mount',
    '--uts',
    '--ipc',
    '--net',
    '--pid',
    '--cgroup',
    '--root',
    '--wd',
    '--',
  ];
}

/** The environment of a program on a host: that of a login as root, and nothing of ours. */
const LOGIN_ENV = [
  'env',
  '-i',
  'HOME=/root',
  'USER=root',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
];

/** The host of `record` with the things that one can do to it. */
export function attachHost(lab: string, record: HostRecord): Host {
  const exec = async (argv: string[], options: RunOptions = {}): Promise<Outcome> => {
    return run(
      [...(await cgroupsOf(record.leader)), ...inside(record.leader), ...LOGIN_ENV, ...argv],
      options,
    );
  };
  return {
    ...record,
    exec,
    async sh(script, options) {
      const outcome = await exec(['sh', '-euc', script], options);
      if (outcome.code === 0) return outcome.stdout.trimEnd();
      throw new Error(
        `on host ${record.name}: ${script}\nended with ${outcome.code}\n${outcome.stderr.slice(-2000)}`,
      );
    },
    cutLink: () => setLink(lab, record.name, 'down'),
    restoreLink: () => setLink(lab, record.name, 'up'),
    async powerCycle() {
      await removeCgroups(lab, record.name);
      record.leader = await bootRoot(lab, record);
    },
  };
}
