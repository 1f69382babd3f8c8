/** For the tests of phases: hosts out of thin air, and a shell that runs scripts on this machine. */
import { spawnSync } from 'node:child_process';
import { buildDaemonJson } from '../../src/engine/daemon-json.ts';
import { engineRelease } from '../../src/engine/release.ts';
import { unitNames, unitsFor } from '../../src/engine/units.ts';
import type { GatheredFacts } from '../../src/host/facts.ts';
import { ASKED_KERNEL_OPTIONS } from '../../src/host/kernel-options.ts';
import type { Shell } from '../../src/host/shell.ts';
import { emptyState, type HostState } from '../../src/host/state.ts';
import type { HostContext, Reporter } from '../../src/phases/phase.ts';
import type { PathState, Survey } from '../../src/phases/survey.ts';
import type { Wanted, WantedEngine } from '../../src/phases/wanted.ts';

/** A Debian 12 host without Docker, root by sudo. */
export const FACTS: GatheredFacts = {
  hostname: 'h1',
  os: { id: 'debian', idLike: [], versionId: '12', prettyName: 'Debian GNU/Linux 12 (bookworm)' },
  machine: 'x86_64',
  platform: 'linux/amd64',
  kernel: '6.1.0-18-amd64',
  init: 'systemd',
  systemd: 252,
  memory: { total: 4e9, available: 3e9, swap: 0 },
  cgroup: { version: 2, controllers: ['cpuset', 'cpu', 'io', 'memory', 'pids'] },
  overlay: 'loaded',
  iptables: { version: '1.8.9', backend: 'nf_tables' },
  ipForward: false,
  selinux: 'disabled',
  firewalls: [],
  tools: ['tar', 'gzip', 'xz', 'sha256sum', 'ps', 'iptables', 'systemctl'],
  listening: [],
  dockerGroup: undefined,
  binaries: {},
  processes: { dockerd: 0, containerd: 0, shims: 0 },
  units: [],
  etcHosts: ['127.0.0.1 localhost'],
  paths: ['/opt/airferry', '/var/lib/airferry', '/var/lib/docker'].map(path => ({
    path,
    exists: '/',
    device: '/dev/sda1',
    type: 'ext4',
    mount: '/',
    total: 50e9,
    free: 40e9,
    inodesFree: 3_000_000,
  })),
  machineId: '0123456789abcdef0123456789abcdef',
  dns: { servers: ['10.77.0.1'], upstream: false },
  routes: [{ network: '10.77.0.0/24', device: 'eth0' }],
  kernelConfig: { file: '/boot/config-6.1.0-18-amd64', enabled: [...ASKED_KERNEL_OPTIONS] },
  modules: [
    { name: 'overlay', loaded: true },
    { name: 'br_netfilter', loaded: true },
  ],
  apparmor: false,
  limits: {
    'fs/file-max': 9_000_000,
    'fs/inotify/max_user_instances': 1024,
    'kernel/keys/root_maxkeys': 1_000_000,
    'kernel/pid_max': 4_194_304,
  },
  packages: [],
  timeSync: ['systemd-timesyn'],
  clock: 1_790_000_000,
  privilege: { how: 'sudo' },
  clockSkewMs: 0,
};

const DIGEST = `sha256:${'ab'.repeat(32)}`;

export function wantedEngine(version = '20.10.24'): WantedEngine {
  const components = ['dockerd', 'docker', 'containerd'];
  return {
    version,
    archive: { digest: DIGEST, size: 80_000_000, open: () => nothing() },
    components,
    release: engineRelease({ version, digest: DIGEST, components }),
    unitNames: unitNames({ engine: version }),
    units: systemd => unitsFor({ engine: version, systemd }),
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

export function wanted(over: Partial<Wanted> = {}): Wanted {
  return {
    bundle: { name: 'plant-7', version: '1', digest: DIGEST },
    platform: { os: 'linux', architecture: 'amd64' },
    engine: wantedEngine(),
    files: [],
    daemonJson: own => ({
      text: buildDaemonJson([own, { debug: true }], { engine: '20.10.24' }).text,
      warnings: [],
    }),
    ...over,
  };
}

export function survey(paths: Record<string, PathState> = {}, over: Partial<Survey> = {}): Survey {
  return {
    paths: new Map(Object.entries(paths)),
    units: new Map(),
    contents: new Map(),
    hostsOpenEnded: false,
    readOnly: [],
    engine: undefined,
    images: new Map(),
    ...over,
  };
}

/** A shell whose scripts run here, as this user, in `sh`. */
export function localShell(): Shell {
  const run = async (script: string, { stdin }: { stdin?: string | Uint8Array } = {}): Promise<unknown> => {
    const child = spawnSync('sh', ['-c', script], { input: stdin ?? '' });
    if (child.status !== 0) throw new Error(`status ${child.status}: ${child.stderr}`);
    return {
      status: 0,
      stdout: child.stdout.toString(),
      bytes: child.stdout,
      stderr: child.stderr.toString(),
    };
  };
  return { run, target: { name: 'h1', address: '10.77.0.11', port: 22, user: 'ops' } } as unknown as Shell;
}

export function context(over: Partial<HostContext> & { state?: HostState } = {}): HostContext {
  return {
    shell: localShell(),
    facts: FACTS,
    survey: survey(),
    wanted: wanted(),
    dryRun: false,
    findings: [],
    done: [],
    state: emptyState(),
    ...over,
  };
}

/** Keeps what is noted. */
export function reporter(): Reporter & { notes: string[] } {
  const notes: string[] = [];
  return { notes, progress: () => undefined, note: text => notes.push(text) };
}
