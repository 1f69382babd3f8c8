/** A fleet for the eye: a host in each line, or everything about the only one. */
import type { FleetCheck, FleetList, ListedHost } from '../../actions/fleet-list.ts';
import { formatAddress } from '../../host/address.ts';
import { plural } from '../../support/format.ts';
import { pairs, table } from '../table.ts';
import type { Look } from '../terminal.ts';

export function fleetListView({ hosts }: FleetList, look: Look): string[] {
  const [only] = hosts;
  if (hosts.length === 1 && only) return pairs(details(only), look);
  return table(
    [
      { title: 'HOST' },
      { title: 'ADDRESS' },
      { title: 'GROUPS', folds: true },
      { title: 'ROLES', folds: true },
      { title: 'BY WAY OF', folds: true },
      { title: 'ENGINE' },
      { title: 'IMAGES', folds: true },
    ],
    hosts.map(host => [
      host.name,
      place(host),
      words(host.groups),
      words(host.roles),
      words(host.bastions),
      engine(host),
      images(host),
    ]),
    look,
  );
}

export function fleetCheckView({ file, hosts, groups }: FleetCheck): string[] {
  return [`${file} is right: ${plural(hosts, 'host')} in ${plural(groups, 'group')}.`];
}

function details(host: ListedHost): [string, string][] {
  const daemon = host.daemon && JSON.stringify(host.daemon.values);
  return [
    ['host', host.name],
    ['address', place(host)],
    ['groups', words(host.groups)],
    ['roles', words(host.roles)],
    ['by way of', words(host.bastions)],
    ['keys', host.identities.length > 0 ? host.identities.join(', ') : "ssh's own"],
    ['agent', host.agent ? 'yes' : 'no'],
    ['sudo', host.sudo ? 'yes' : 'no'],
    ['host key', host.hostKey],
    ['engine', engine(host)],
    ['images', images(host)],
    ['daemon.json', [host.daemon?.template, daemon].filter(Boolean).join(' with ') || "the bundle's"],
  ];
}

function place(host: ListedHost): string {
  return host.connection === 'local' ? 'this machine' : formatAddress(host);
}

function words(list: readonly string[]): string {
  return list.length === 0 ? '-' : list.join(', ');
}

function engine({ engine }: ListedHost): string {
  return engine === undefined ? "the bundle's" : engine === false ? 'none' : engine;
}

function images({ images }: ListedHost): string {
  return images === undefined ? 'all' : images.length === 0 ? 'none' : images.join(', ');
}
