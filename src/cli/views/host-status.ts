/** `host status`: what runs on each host, and how far that is from what airferry left there. */
import type { HostStatus, HostStatusResult } from '../../actions/host-results.ts';
import {
  type ComparedName,
  comparedValues,
  differences,
  NONE,
  statusWord,
} from '../../actions/status-facts.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { type Cell, type Column, pairs, table } from '../table.ts';
import { type Look, proseColumns } from '../terminal.ts';
import { clean, wrap } from '../text.ts';
import { failuresOf, namesOf } from './hosts.ts';

const KINDS: Record<HostStatus['drift'][number]['kind'], string> = {
  changed: 'was changed',
  missing: 'is gone',
  'not-enabled': 'is not enabled',
  'not-running': 'is not running',
};
/** Hosts that each get a row; of more, those that are alike share one. */
const MOST_ROWS = 30;

export function statusView({ hosts }: HostStatusResult, look: Look): string[] {
  const reached = hosts.filter(({ outcome }) => outcome !== 'failed');
  const details = look.verbose || hosts.length === 1 ? reached.flatMap(host => detailsOf(host, look)) : [];
  return [
    ...overview(hosts, look),
    ...details,
    ...differencesOf(hosts, look),
    ...driftOf(hosts, look),
    ...warningsOf(hosts, look),
    ...failuresOf(hosts, look),
  ];
}

function overview(hosts: readonly HostStatus[], look: Look): string[] {
  const usual = usualValues(hosts);
  const alike = hosts.length > MOST_ROWS && !look.verbose;
  const key = (host: HostStatus): string =>
    alike ? JSON.stringify([statusWord(host), comparedValues(host)]) : host.name;
  const groups = [...Map.groupBy(hosts, key).values()];
  const columns: Column[] = [
    { title: 'HOST', folds: true },
    { title: 'BUNDLE', folds: true },
    { title: 'ENGINE' },
    { title: 'STORAGE' },
    { title: 'RUNNING', align: 'right' },
    { title: 'DISK', align: 'right' },
    { title: 'UP', align: 'right' },
    { title: 'STATE' },
  ];
  const rows = groups.map(group => {
    const [first] = group as [HostStatus, ...HostStatus[]];
    const values = comparedValues(first);
    const compared = (name: ComparedName): Cell => {
      const text = values[name] ?? NONE;
      const odd = first.outcome !== 'failed' && usual.get(name) !== undefined && text !== usual.get(name);
      return odd ? { text, paint: look.paint.yellow } : text;
    };
    return [
      group.length > 1 ? `${first.name} and ${plural(group.length - 1, 'more', 'more')}` : first.name,
      compared('bundle'),
      compared('engine'),
      compared('storage'),
      range(group, ({ engine }) => engine?.containers.running, String),
      diskCell(group, look),
      range(group, ({ uptimeSeconds }) => uptimeSeconds, uptime),
      state(first, look),
    ];
  });
  return table(columns, rows, look);
}

/** What most of the hosts have; nothing where there is no most. */
function usualValues(hosts: readonly HostStatus[]): Map<ComparedName, string> {
  return new Map(
    differences(hosts).flatMap(({ name, values: [first, second] }) =>
      first && second && first.hosts.length > second.hosts.length ? [[name, first.value] as const] : [],
    ),
  );
}

/** `3`, or for hosts that share a row `3-12`. */
function range(
  group: readonly HostStatus[],
  value: (host: HostStatus) => number | undefined,
  format: (value: number) => string,
): string {
  const values = group.map(value).filter(each => each !== undefined);
  if (values.length === 0) return NONE;
  const [least, most] = [format(Math.min(...values)), format(Math.max(...values))];
  return least === most ? least : `${least}-${most}`;
}

/** How full the fullest data root is. */
function diskCell(group: readonly HostStatus[], { paint }: Look): Cell {
  const parts = group.flatMap(({ disk }) => (disk && disk.total > 0 ? [1 - disk.free / disk.total] : []));
  if (parts.length === 0) return NONE;
  const percent = Math.round(Math.max(...parts) * 100);
  const text = `${percent}%`;
  if (percent >= 95) return { text, paint: paint.red };
  return percent >= 85 ? { text, paint: paint.yellow } : text;
}

/** `12 d`, `5 h`, `3 min`. */
function uptime(seconds: number): string {
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)} d`;
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 60)} min`;
}

/** In what hosts differ: how many have the most common value, and who has another. */
function differencesOf(hosts: readonly HostStatus[], look: Look): string[] {
  const found = differences(hosts);
  if (found.length === 0) return [];
  const entries = found.map(({ name, values }): [string, string] => [
    name,
    values
      .map(({ value, hosts: members }, i) => {
        const named = members.map(member => ({ name: member }));
        return `${value} (${i === 0 && members.length > 1 ? plural(members.length, 'host') : namesOf(named)})`;
      })
      .join('; '),
  ]);
  return ['', look.paint.bold('Hosts differ in'), ...pairs(entries, look, '  ')];
}

function state(host: HostStatus, { paint }: Look): Cell {
  const text = statusWord(host);
  if (text === 'failed' || text === 'down') return { text, paint: paint.red };
  if (text === 'drifted') return { text, paint: paint.yellow };
  return { text, paint: text === 'as left' ? paint.green : paint.dim };
}

function detailsOf(host: HostStatus, look: Look): string[] {
  const { name, address, versions, engine, installed, disk, uptimeSeconds } = host;
  const entries: [string, string][] = [['address', address]];
  if (installed) {
    const { at, release, bundle } = installed;
    entries.push(['installed', `${at}${release ? `, release ${release}` : ''}`]);
    entries.push(['bundle', `${bundle.name} ${bundle.version}, ${shortDigest(bundle.digest)}`]);
  }
  const named = Object.entries(versions).map(([component, version]) => `${component} ${version}`);
  if (named.length > 0) entries.push(['versions', named.join(', ')]);
  if (engine) {
    const { running, paused, stopped } = engine.containers;
    const { storage = '', d_type: dType, cgroups = '' } = comparedValues(host);
    entries.push([
      'storage',
      `${storage}${dType === undefined ? '' : `, d_type ${dType}`}, in ${engine.dataRoot}`,
    ]);
    entries.push(['cgroups', cgroups]);
    entries.push(['containers', `${running} running, ${paused} paused, ${stopped} stopped`]);
    entries.push([
      'images',
      `${engine.images}, in the store of ${engine.containerdStore ? 'containerd' : 'the engine'}`,
    ]);
    entries.push(['live restore', engine.liveRestore ? 'on' : 'off']);
  }
  if (disk)
    entries.push(['disk', `${formatBytes(disk.free)} of ${formatBytes(disk.total)} free on ${disk.mount}`]);
  if (uptimeSeconds !== undefined) entries.push(['up', uptime(uptimeSeconds)]);
  return ['', look.paint.bold(clean(name)), ...pairs(entries, look, '  ')];
}

function driftOf(hosts: readonly HostStatus[], look: Look): string[] {
  const drifted = hosts.filter(({ drift }) => drift.length > 0);
  const groups = Map.groupBy(drifted, ({ drift }) => JSON.stringify(drift));
  return [...groups.values()].flatMap(group => {
    const drift = group[0]?.drift ?? [];
    return [
      '',
      `${look.paint.yellow(look.glyphs.warning)} ${look.paint.bold(namesOf(group))}: ${plural(drift.length, 'difference')} from what was installed`,
      ...drift.map(({ what, kind }) => `  ${clean(what)} ${KINDS[kind]}`),
      look.paint.dim('  airferry host install puts it back'),
    ];
  });
}

function warningsOf(hosts: readonly HostStatus[], look: Look): string[] {
  const all = hosts.flatMap(({ name, engine }) => (engine?.warnings ?? []).map(text => ({ name, text })));
  const groups = Map.groupBy(all, ({ text }) => text);
  return [...groups].flatMap(([text, group]) => [
    '',
    ...wrap(`${clean(text)} (${namesOf(group)})`, proseColumns(look) - 2).map(
      (line, i) => `${i === 0 ? look.paint.yellow(look.glyphs.warning) : ' '} ${line}`,
    ),
  ]);
}

/** As much of a digest as Docker shows of an ID. */
function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
