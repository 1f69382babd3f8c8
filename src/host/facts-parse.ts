/** What `factsScript` printed, as facts. Pure and bounded: a host may print anything. */
import { AirferryError } from '../errors.ts';
import {
  parseDns,
  parseKernelConfig,
  parseLimits,
  parseModules,
  parseRoutes,
  parseRoutes6,
} from './facts-parse-site.ts';
import type { BinaryFacts, HostFacts, PathFacts } from './host-facts.ts';

/** Lines that are read of a host's answer, and characters of each. */
const MAX_LINES = 5_000;
const MAX_LINE = 4_096;

/** Bytes of an answer that are kept. */
export const MAX_ANSWER = 1024 * 1024;

const PLATFORMS: Record<string, string> = {
  x86_64: 'linux/amd64',
  aarch64: 'linux/arm64',
  armv7l: 'linux/arm/v7',
  armv6l: 'linux/arm/v6',
  i686: 'linux/386',
  i386: 'linux/386',
  ppc64le: 'linux/ppc64le',
  s390x: 'linux/s390x',
  riscv64: 'linux/riscv64',
  loongarch64: 'linux/loong64',
};

/**
 * Facts out of the script's answer.
 * @throws {AirferryError} HOST_COMMAND_FAILED when the answer was cut short or is no answer at all
 */
export function parseFacts(answer: string): HostFacts {
  const lines = new Lines(answer);
  if (lines.one('end') !== '1') {
    throw new AirferryError('HOST_COMMAND_FAILED', 'the host did not answer all questions about itself', {
      suggestions: [
        'Check that /bin/sh and coreutils work there, and that its start-up files print nothing.',
      ],
    });
  }
  const machine = lines.one('machine');
  return {
    hostname: lines.one('hostname'),
    os: parseOs(lines.all('os')),
    machine,
    platform: PLATFORMS[machine],
    kernel: lines.one('kernel'),
    init: lines.one('init'),
    systemd: optionalInteger(/^systemd (\d+)/.exec(lines.one('systemd'))?.[1]),
    memory: parseMemory(lines.all('mem')),
    cgroup: parseCgroup(lines),
    overlay: parseOverlay(lines.all('overlay')),
    iptables: parseIptables(lines.one('iptables')),
    ipForward: lines.one('forward') === '1',
    selinux: parseSelinux(lines.one('selinux')),
    firewalls: lines.all('firewall'),
    tools: lines.all('tool'),
    listening: parseListening(lines.all('listen'), machine),
    dockerGroup: parseGroup(lines.all('group')[0]),
    binaries: parseBinaries(lines),
    processes: parseProcesses(lines.all('process')),
    units: lines.all('unit'),
    etcHosts: lines.all('hosts'),
    machineId: /^[0-9a-f]{32}$/.exec(lines.one('machineid'))?.[0] ?? '',
    dns: parseDns(lines.all('resolv'), lines.one('resolved-conf') === '1'),
    routes: [
      ...parseRoutes(lines.all('route'), BIG_ENDIAN.has(machine)),
      ...parseRoutes6(lines.all('route6')),
    ],
    kernelConfig: parseKernelConfig(lines.one('kconfig'), lines.all('kset')),
    modules: parseModules(lines.all('module')),
    apparmor: lines.one('apparmor') === 'Y',
    limits: parseLimits(lines.all('limit')),
    packages: lines.all('package'),
    timeSync: [...new Set(lines.all('timesync'))],
    paths: parsePaths(lines.sequence),
    clock: Number(/^\d+(?:\.\d+)?/.exec(lines.one('now'))?.[0] ?? 0),
  };
}

/** The lines of an answer: in order, and by key. */
class Lines {
  readonly sequence: [key: string, value: string][] = [];
  readonly #byKey = new Map<string, string[]>();

  constructor(answer: string) {
    for (const line of answer.split('\n', MAX_LINES)) {
      const equals = line.indexOf('=');
      if (equals <= 0 || line.length > MAX_LINE) continue;
      const key = line.slice(0, equals);
      const value = line.slice(equals + 1);
      this.sequence.push([key, value]);
      const values = this.#byKey.get(key);
      if (values) values.push(value);
      else this.#byKey.set(key, [value]);
    }
  }

  all(key: string): string[] {
    return this.#byKey.get(key) ?? [];
  }

  one(key: string): string {
    return this.all(key)[0] ?? '';
  }
}

function parseOs(lines: string[]): HostFacts['os'] {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined && value !== undefined) fields.set(key, value.replace(/^(["'])(.*)\1$/, '$2'));
  }
  return {
    id: fields.get('ID') ?? 'unknown',
    idLike: (fields.get('ID_LIKE') ?? '').split(/\s+/).filter(word => word !== ''),
    versionId: fields.get('VERSION_ID') ?? '',
    prettyName: fields.get('PRETTY_NAME') ?? fields.get('NAME') ?? 'unknown Linux',
  };
}

function parseMemory(lines: string[]): HostFacts['memory'] {
  const kilobytes = (name: string): number =>
    integer(lines.find(line => line.startsWith(`${name}: `))?.split(' ')[1]) * 1024;
  return { total: kilobytes('MemTotal'), available: kilobytes('MemAvailable'), swap: kilobytes('SwapTotal') };
}

/** v1 controllers are mounted and enabled; those of v2 are listed by its root. */
function parseCgroup(lines: Lines): HostFacts['cgroup'] {
  const mounts = lines.all('cgroup').map(line => line.split(' '));
  const enabled = new Set(
    lines
      .all('cgroups')
      .map(line => line.split(/\s+/))
      .filter(fields => fields[3] === '1')
      .map(fields => fields[0]),
  );
  const v1 = mounts
    .filter(([type]) => type === 'cgroup')
    .flatMap(([, , options]) => options?.split(',') ?? []);
  const v2 = mounts.some(([type]) => type === 'cgroup2');
  const mounted = [...new Set(v1)].filter(name => enabled.has(name));
  if (mounted.length > 0) return { version: v2 ? 'hybrid' : 1, controllers: mounted };
  const unified = lines.one('controllers').split(' ');
  return { version: v2 ? 2 : undefined, controllers: unified.filter(name => name !== '') };
}

function parseOverlay(values: string[]): HostFacts['overlay'] {
  return values.includes('loaded') ? 'loaded' : values.includes('loadable') ? 'loadable' : 'missing';
}

function parseIptables(text: string): HostFacts['iptables'] {
  const [, version, backend] = /v(\d+(?:\.\d+)+)(?: \((\w+)\))?/.exec(text) ?? [];
  if (version === undefined) return undefined;
  return { version, backend: backend === 'legacy' || backend === 'nf_tables' ? backend : 'unknown' };
}

function parseSelinux(text: string): HostFacts['selinux'] {
  if (/^(?:enforcing|1)$/i.test(text)) return 'enforcing';
  return /^(?:permissive|0)$/i.test(text) ? 'permissive' : 'disabled';
}

/** /proc/net/tcp: the address in hex, in 32-bit words of the machine's byte order, a colon, the port in hex. */
function parseListening(values: string[], machine: string): HostFacts['listening'] {
  const seen = new Map<number, boolean>();
  for (const value of values) {
    const [, words, hex] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(value) ?? [];
    if (words === undefined || hex === undefined) continue;
    const address = BIG_ENDIAN.has(machine) ? words : words.replace(/(..)(..)(..)(..)/g, '$4$3$2$1');
    const loopback = /^(?:7F.{6}|0{31}1|0{20}F{4}7F.{6})$/.test(address);
    const port = Number.parseInt(hex, 16);
    seen.set(port, (seen.get(port) ?? true) && loopback);
  }
  return [...seen].map(([port, loopback]) => ({ port, loopback })).sort((a, b) => a.port - b.port);
}

const BIG_ENDIAN = new Set(['s390x', 'ppc64', 's390']);

function parseGroup(value: string | undefined): HostFacts['dockerGroup'] {
  const [, gid, members] = /^(\d+):(.*)$/.exec(value ?? '') ?? [];
  if (gid === undefined) return undefined;
  return { gid: Number(gid), members: (members ?? '').split(',').filter(name => name !== '') };
}

function parseBinaries(lines: Lines): HostFacts['binaries'] {
  const value = (key: string, name: string): string | undefined =>
    lines
      .all(key)
      .find(line => line.startsWith(`${name} `))
      ?.slice(name.length + 1);
  const binaries: HostFacts['binaries'] = {};
  for (const [name = '', path = ''] of lines.all('binary').map(line => line.split(' '))) {
    const version = /\bv?(\d+\.\d+[\w.+~-]*)/.exec(value('version', name) ?? '')?.[1];
    binaries[name] = {
      path,
      resolved: value('resolved', name) ?? path,
      ...(version === undefined ? {} : { version }),
      origin: parseOrigin(value('origin', name) ?? ''),
    };
  }
  return binaries;
}

function parseOrigin(text: string): BinaryFacts['origin'] {
  const [kind, name] = text.split(' ');
  if ((kind === 'dpkg' || kind === 'rpm') && name) return { kind, package: name };
  return { kind: kind === 'snap' || kind === 'airferry' ? kind : 'unknown' };
}

/**
 * Name of the program file, where it may be read, a colon, and the process's name, which the kernel cuts to 15
 * characters: too short to tell 18.06's docker-containerd from its shim.
 */
function parseProcesses(values: string[]): HostFacts['processes'] {
  const names = values.map(value => {
    const [program, name] = value.split(':');
    return (program || name || '').replace(/^docker-/, '');
  });
  const count = (test: (name: string) => boolean): number => names.filter(test).length;
  return {
    dockerd: count(name => name === 'dockerd'),
    containerd: count(name => name === 'containerd' || name === 'containe'),
    shims: count(name => name.startsWith('containerd-shim')),
  };
}

function parsePaths(sequence: [string, string][]): PathFacts[] {
  const paths: PathFacts[] = [];
  for (const [key, value] of sequence) {
    const current = paths.at(-1);
    if (key === 'path') {
      paths.push({ path: value, exists: '/', device: '', type: 'unknown', mount: '', total: 0, free: 0 });
    } else if (!current) {
    } else if (key === 'exists') {
      current.exists = value;
    } else if (key === 'ftype') {
      current.ftype = value === '1';
    } else if (key === 'inodes') {
      const free = optionalInteger(/\s(\d+)\s+(?:\d+%|-)\s+\//.exec(value)?.[1]);
      if (free !== undefined) current.inodesFree = free;
    } else if (key === 'df') {
      const [, device, type, total, free, mount] = DF.exec(value) ?? [];
      if (device === undefined) continue;
      Object.assign(current, {
        device,
        type,
        mount,
        total: integer(total) * 1024,
        free: integer(free) * 1024,
      });
    }
  }
  return paths;
}

/** Device, type, 1024-byte blocks: total, used, available; capacity, mount point. */
const DF = /^(\S+)\s+(\S+)\s+(\d+)\s+\d+\s+(\d+)\s+\S+\s+(\/.*)$/;

function integer(text: string | undefined): number {
  return optionalInteger(text) ?? 0;
}

function optionalInteger(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
