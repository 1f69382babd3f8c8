/** The hosts of a fleet, ranges written out. */
import { isIP } from 'node:net';
import { closest } from '../support/suggest.ts';
import type { HostShape } from './fleet-schema.ts';
import { type Path, type Position, pathText, printable } from './problem.ts';
import { expandRange } from './range.ts';
import type { Report } from './report.ts';

/** Hosts of a fleet, after ranges are written out. */
export const MOST_HOSTS = 5000;

export interface HostEntry {
  name: string;
  address: string;
  groups: string[];
  /** Where in the file's list it comes from, from 0. */
  index: number;
  at: Position;
}

const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$/;

/** One entry for each host; mistakes are reported, and the entries then of no use. */
export function hostEntries(
  hosts: readonly HostShape[],
  groups: ReadonlySet<string>,
  report: Report,
): HostEntry[] {
  if (hosts.length === 0) report.add(['hosts'], '`hosts` must list at least one host');
  const entries: HostEntry[] = [];
  const taken = new Map<string, number>();
  for (const [index, host] of hosts.entries()) {
    if (report.full) break;
    const path = ['hosts', index];
    checkGroups(host.groups ?? [], groups, [...path, 'groups'], report);
    const names = expand(host.name, [...path, 'name'], report);
    const addresses = host.address === undefined ? names : expand(host.address, [...path, 'address'], report);
    if (names.length === 0 || addresses.length === 0) continue;
    if (names.length !== addresses.length) {
      report.add(
        [...path, 'address'],
        `\`${pathText([...path, 'name'])}\` stands for ${names.length} and \`address\` for ${addresses.length} of them`,
        'value',
        'Use the same ranges in both.',
      );
      continue;
    }
    if (entries.length + names.length > MOST_HOSTS) {
      report.add(
        path,
        `the fleet has more than ${MOST_HOSTS} hosts`,
        'value',
        'Divide it into several files.',
      );
      break;
    }
    const at = report.at(path);
    const one = { path, index, at, groups: host.groups ?? [] };
    checkName(names[0] ?? '', [...path, 'name'], report);
    if (host.address !== undefined) checkAddress(addresses[0] ?? '', [...path, 'address'], report);
    for (const [position, name] of names.entries()) {
      checkUnique(name, one.path, taken, report);
      taken.set(name, taken.get(name) ?? index);
      entries.push({ name, address: addresses[position] ?? name, groups: one.groups, index, at });
    }
  }
  return entries;
}

function expand(pattern: string, path: Path, report: Report): string[] {
  const unbracketed = /^\[([0-9A-Fa-f:.]+)\]$/.exec(pattern)?.[1];
  if (unbracketed !== undefined && isIP(unbracketed) === 6) {
    report.add(
      path,
      `\`${pathText(path)}\` must be an IPv6 address without brackets`,
      'value',
      `Write "${unbracketed}".`,
    );
    return [];
  }
  const range = expandRange(pattern, MOST_HOSTS);
  if ('names' in range) return range.names;
  report.add(
    path,
    `\`${pathText(path)}\` ${range.problem}`,
    'value',
    ...(range.suggestion === undefined ? [] : [range.suggestion]),
  );
  return [];
}

function checkUnique(name: string, path: Path, taken: ReadonlyMap<string, number>, report: Report): void {
  const first = taken.get(name);
  if (first === undefined) return;
  const { line, column } = report.at(['hosts', first, 'name']);
  report.add(
    [...path, 'name'],
    `a second host is called ${printable(name)}; the first is at ${line}:${column}`,
    'value',
    'Give each host a name of its own.',
  );
}

function checkName(name: string, path: Path, report: Report): void {
  if (!NAME.test(name))
    report.add(
      path,
      `\`${pathText(path)}\` must be letters, digits and . _ -, e.g. h1, not ${printable(name)}`,
    );
}

function checkAddress(address: string, path: Path, report: Report): void {
  if (isIP(address) !== 0 || NAME.test(address)) return;
  const [, user, host, port] = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?([^:\s]+?)(?::(\d+))?\/?$/.exec(address) ?? [];
  const parts = [host && `address: ${host}`, user && `user: ${user}`, port && `port: ${port}`].filter(
    Boolean,
  );
  const hint = host !== undefined && NAME.test(host) ? [`Write \`${printable(parts.join(', '))}\`.`] : [];
  report.add(path, `\`${pathText(path)}\` must be a host name or an IP address alone`, 'value', ...hint);
}

function checkGroups(
  named: readonly string[],
  groups: ReadonlySet<string>,
  path: Path,
  report: Report,
): void {
  for (const [index, name] of named.entries()) {
    if (named.indexOf(name) < index)
      report.add([...path, index], `the group ${printable(name)} is named twice`);
    if (groups.has(name)) continue;
    const near = closest(name, groups);
    const hint =
      near === undefined ? `Define it: \`groups: { ${printable(name)}: {} }\`.` : `Did you mean ${near}?`;
    report.add([...path, index], `there is no group called ${printable(name)}`, 'value', hint);
  }
}
