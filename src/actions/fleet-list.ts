/** `fleet list` and `fleet check`: what a fleet file comes to, host by host. Nobody is spoken to. */
import { existsSync } from 'node:fs';
import { hostsOf, loadFleet } from '../config/fleet.ts';
import { formatAddress } from '../host/address.ts';
import type { HostTarget } from '../host/target.ts';
import { type FleetMember, type ReachOptions, resolveFleet, type SiteRegistry } from './fleet.ts';

/** A host with everything that applies to it, as plain data. */
export interface ListedHost {
  name: string;
  connection: 'ssh' | 'local';
  address: string;
  port: number;
  user: string;
  groups: readonly string[];
  roles: readonly string[];
  /** As `user@host[:port]`, nearest first. */
  bastions: string[];
  identities: readonly string[];
  agent: boolean;
  sudo: boolean;
  hostKey: 'strict' | 'accept-new';
  /** The version that it is to have; false for none of ours. Absent: what the bundle has. */
  engine?: string | false;
  /** Names and globs. Absent: all of the bundle's. */
  images?: readonly string[];
  /** Keys of daemon.json that are not the bundle's own. */
  daemon?: FleetMember['daemon'];
}

export interface FleetList {
  hosts: ListedHost[];
  registry?: Omit<SiteRegistry, 'ca'> & { ca: boolean };
  warnings: string[];
}

/** The hosts that the options mean. Throws what `resolveFleet` throws. */
export async function fleetList(options: ReachOptions): Promise<FleetList> {
  const { members, registry, notes = [] } = await resolveFleet({ ...options, withoutSecrets: true });
  return {
    hosts: members.map(listed),
    ...(registry ? { registry: { ...registry, ca: registry.ca !== undefined } } : {}),
    warnings: [...notes],
  };
}

export interface FleetCheck {
  file: string;
  hosts: number;
  groups: number;
  warnings: string[];
}

/**
 * Whether a fleet file is right, by itself and with the files that it names. What is wrong is thrown, as FLEET_INVALID and
 * its like; a warning is what may be meant.
 */
export async function fleetCheck(options: ReachOptions & { fleetFile: string }): Promise<FleetCheck> {
  const { fleetFile, environment } = options;
  const fleet = await loadFleet(fleetFile, environment);
  const { warnings } = await fleetList({ ...options, hosts: [], limit: [] });
  const hosts = hostsOf(fleet);
  const used = new Set(hosts.flatMap(({ groups }) => groups));
  for (const name of fleet.groups.keys())
    if (!used.has(name)) warnings.push(`no host is in the group ${name}`);
  const places = Map.groupBy(hosts, ({ address, port, bastion = [] }) =>
    JSON.stringify([address, port, bastion]),
  );
  for (const same of places.values())
    if (same.length > 1)
      warnings.push(
        `${same.map(({ name, at }) => `${name} (line ${at.line})`).join(' and ')} have the same address`,
      );
  const keys = new Set(hosts.flatMap(({ identity }) => identity ?? []));
  for (const key of keys) if (!existsSync(key)) warnings.push(`the private key ${key} does not exist here`);
  return { file: fleetFile, hosts: hosts.length, groups: fleet.groups.size, warnings };
}

function listed({ target, groups = [], roles = [], engine, images, daemon }: FleetMember): ListedHost {
  const { name, address, port, user, sudo, identities } = target;
  return {
    name,
    connection: target.local ? 'local' : 'ssh',
    ...{ address, port, user, groups, roles },
    bastions: target.bastions.map((bastion: HostTarget) => formatAddress(bastion)),
    identities,
    agent: Boolean(target.agent),
    sudo,
    hostKey: target.hostKey ?? 'strict',
    ...(engine === undefined ? {} : { engine }),
    ...(images ? { images } : {}),
    ...(daemon ? { daemon } : {}),
  };
}
