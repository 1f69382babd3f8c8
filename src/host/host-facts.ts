/** The facts about a host: what `host check` judges and phases decide on. */

export interface PathFacts {
  /** As asked for. */
  path: string;
  /** Itself, or its nearest parent that exists. */
  exists: string;
  device: string;
  /** `ext4`, `xfs`, `overlay` … */
  type: string;
  mount: string;
  /** Bytes. */
  total: number;
  /** Bytes that root may use. */
  free: number;
  inodesFree?: number;
  /** Whether an xfs keeps file types in its folders, which overlay needs; undefined where that is no question or cannot be told. */
  ftype?: boolean;
}

export interface BinaryFacts {
  /** On the PATH. */
  path: string;
  /** With links followed. */
  resolved: string;
  /** `--version`'s number; asked of a `dockerd` that airferry has not put there. */
  version?: string;
  /** What put it there: a package of dpkg or rpm, snap, airferry; unknown for files of no package. */
  origin: { kind: 'dpkg' | 'rpm' | 'snap' | 'airferry' | 'unknown'; package?: string };
}

/** A network that the host has a route of its own to, of IPv4 or IPv6; the default route is none. */
export interface Route {
  /** `10.77.0.0/24`, `fd00:1::/64` */
  network: string;
  device: string;
}

/** The kernel's build options, as far as they were asked for. */
export interface KernelConfig {
  /** Where they were read. */
  file: string;
  /** Those that are built in or a module; without `CONFIG_`. */
  enabled: string[];
}

export interface HostFacts {
  hostname: string;
  os: { id: string; idLike: string[]; versionId: string; prettyName: string };
  /** `uname -m`. */
  machine: string;
  /** `linux/amd64` …; undefined for a machine that Docker has no name for. */
  platform: string | undefined;
  kernel: string;
  /** Name of process 1. */
  init: string;
  /** 219, 252 …; undefined without systemd. */
  systemd: number | undefined;
  memory: { total: number; available: number; swap: number };
  cgroup: { version: 1 | 2 | 'hybrid' | undefined; controllers: string[] };
  /** `loaded`: in /proc/filesystems; `loadable`: a module that modprobe would find. */
  overlay: 'loaded' | 'loadable' | 'missing';
  iptables: { version: string; backend: 'legacy' | 'nf_tables' | 'unknown' } | undefined;
  ipForward: boolean;
  selinux: 'enforcing' | 'permissive' | 'disabled';
  /** Active firewalls. */
  firewalls: string[];
  tools: string[];
  /** TCP ports on which something listens, with the addresses; IPv4 and IPv6. */
  listening: { port: number; loopback: boolean }[];
  dockerGroup: { gid: number; members: string[] } | undefined;
  binaries: Partial<Record<string, BinaryFacts>>;
  /** How many of each run; shims are one per container, or per pod. */
  processes: { dockerd: number; containerd: number; shims: number };
  /** Unit files and drop-ins of docker and containerd. */
  units: string[];
  /** /etc/hosts, line by line. */
  etcHosts: string[];
  /** Of /etc/machine-id; empty where there is none. */
  machineId: string;
  /** Of /etc/resolv.conf; `upstream`: systemd-resolved keeps a list of servers behind its own address. */
  dns: { servers: string[]; upstream: boolean };
  routes: Route[];
  /** Undefined where no file tells them. */
  kernelConfig: KernelConfig | undefined;
  /** Modules that are loaded or could be; what is neither may be built in. */
  modules: { name: string; loaded: boolean }[];
  apparmor: boolean;
  /** By their names under /proc/sys: `fs/file-max`. */
  limits: Partial<Record<string, number>>;
  /** Installed packages that bring a Docker or stand for one; `snap:docker`. */
  packages: string[];
  /** What keeps the clock: `chronyd`; empty where nothing was found. */
  timeSync: string[];
  paths: PathFacts[];
  /** Seconds since 1970 on the host's clock, when it began to answer. */
  clock: number;
}
