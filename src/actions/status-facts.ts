/** The status of hosts as named values that can be compared: between hosts, and with what they were before. Pure. */
import type { HostStatus } from './host-results.ts';

/** What is compared between hosts, in the order in which it is shown. */
export const COMPARED = [
  'bundle',
  'engine',
  'containerd',
  'runc',
  'compose',
  'storage',
  'image store',
  'd_type',
  'live restore',
  'cgroups',
  'data root',
] as const;

export type ComparedName = (typeof COMPARED)[number];

export interface Difference {
  name: ComparedName;
  /** Values with the hosts that have them, the most common first; `-` where a host has none. */
  values: { value: string; hosts: string[] }[];
}

/** A change between two looks at a host. */
export interface StatusChange {
  host: string;
  what: string;
  before: string;
  after: string;
}

export const NONE = '-';

/** How a host is, in a word or two. */
export type StatusWord = 'failed' | 'drifted' | 'not ours' | 'as left' | 'down';

export function statusWord(host: HostStatus): StatusWord {
  if (host.outcome === 'failed') return 'failed';
  if (host.drift.length > 0) return 'drifted';
  if (!host.installed) return 'not ours';
  return host.engine ? 'as left' : 'down';
}

/** The compared values of a host; absent is what it does not have. */
export function comparedValues({
  installed,
  engine,
  versions,
}: HostStatus): Partial<Record<ComparedName, string>> {
  const { bundle } = installed ?? {};
  const values: Record<ComparedName, string | undefined> = {
    bundle: bundle && `${bundle.name} ${bundle.version}`,
    engine: engine?.version ?? versions.dockerd,
    containerd: versions.containerd,
    runc: versions.runc,
    compose: versions.compose,
    storage: engine?.storageDriver,
    'image store': engine && (engine.containerdStore ? 'containerd' : 'engine'),
    d_type: engine?.supportsDType === undefined ? undefined : engine.supportsDType ? 'yes' : 'no',
    'live restore': engine && (engine.liveRestore ? 'on' : 'off'),
    cgroups:
      engine &&
      [engine.cgroupDriver, engine.cgroupVersion && `v${engine.cgroupVersion}`].filter(Boolean).join(' '),
    'data root': engine?.dataRoot,
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** In what hosts that were reached differ. */
export function differences(hosts: readonly HostStatus[]): Difference[] {
  const reached = hosts.filter(({ outcome }) => outcome === 'changed' || outcome === 'unchanged');
  const rows = reached.map(host => ({ name: host.name, values: comparedValues(host) }));
  return COMPARED.flatMap((name): Difference[] => {
    const groups = [...Map.groupBy(rows, ({ values }) => values[name] ?? NONE)];
    if (groups.length < 2) return [];
    groups.sort(([, a], [, b]) => b.length - a.length);
    return [{ name, values: groups.map(([value, group]) => ({ value, hosts: group.map(row => row.name) })) }];
  });
}

/** What has changed on hosts from one look to the next. Free space and uptime move all the time and do not count. */
export function statusChanges(before: readonly HostStatus[], after: readonly HostStatus[]): StatusChange[] {
  const earlier = new Map(before.map(host => [host.name, host]));
  return after.flatMap(host => {
    const old = earlier.get(host.name);
    if (!old) return [];
    const [was, is] = [watched(old), watched(host)];
    const booted = (host.uptimeSeconds ?? Infinity) < (old.uptimeSeconds ?? 0);
    const reboot = { host: host.name, what: 'uptime', before: 'up', after: 'booted again' };
    const names = [...new Set([...Object.keys(was), ...Object.keys(is)])];
    const changed = names.flatMap((what): StatusChange[] =>
      // Of a host that cannot be reached nothing else is known.
      was[what] === is[what] || (what !== 'state' && [old, host].some(({ outcome }) => outcome === 'failed'))
        ? []
        : [{ host: host.name, what, before: was[what] ?? NONE, after: is[what] ?? NONE }],
    );
    return booted ? [reboot, ...changed] : changed;
  });
}

function watched(host: HostStatus): Record<string, string> {
  const { engine, drift, error } = host;
  const why = error ? `: ${error.message.split('\n', 1)[0]}` : '';
  return {
    state: statusWord(host) + why,
    ...comparedValues(host),
    ...(engine
      ? { running: String(engine.containers.running), containers: String(engine.containers.all) }
      : {}),
    ...(engine ? { images: String(engine.images) } : {}),
    drift: drift.map(({ what, kind }) => `${what} ${kind}`).join(', ') || NONE,
  };
}
