/** The fleet, `fleet.yaml`: the hosts behind the air gap, how to reach them, what each should be, and the registry. */
import { homedir } from 'node:os';
import { parseYaml } from './document.ts';
import {
  type FleetShape,
  fleetSchema,
  type HostShape,
  type SharedShape,
  sharedSchema,
} from './fleet-schema.ts';
import { type HostSettings, hostSettings, layered } from './fleet-settings.ts';
import { type Environment, FleetVariables } from './fleet-variables.ts';
import { type HostEntry, hostEntries } from './hosts.ts';
import { type Path, type Position, printable } from './problem.ts';
import { readText } from './read.ts';
import { type FleetRegistry, fleetRegistry } from './registry-address.ts';
import { Report } from './report.ts';
import { refuseSecrets } from './secrets.ts';
import { NAME } from './shapes.ts';
import { validate } from './validate.ts';

export type { HostSettings, SecretSource } from './fleet-settings.ts';

export interface Fleet {
  /** The fleet's path as the operator gave it. */
  file: string;
  defaults: HostSettings;
  registry?: FleetRegistry;
  groups: ReadonlyMap<string, HostSettings>;
  /** Ranges written out; with what applies to each: see `hostsOf`. */
  hosts: (HostEntry & { settings: HostSettings; roles: string[] })[];
}

/** A host with everything that applies to it. */
export interface FleetHost extends HostSettings {
  name: string;
  address: string;
  /** Undefined where nobody says anything about jumps; empty where there are to be none. */
  bastion?: string[];
  groups: string[];
  roles: string[];
  at: Position;
}

export interface FleetOptions {
  file: string;
  /** What `~` stands for. */
  home?: string;
  environment?: Environment;
}

/** Read a fleet file. Throws FILE_NOT_FOUND, FILE_UNREADABLE or FLEET_INVALID with file, line and column. */
export async function loadFleet(file: string, environment: Environment = process.env): Promise<Fleet> {
  const text = await readText(
    { file, code: 'FLEET_INVALID' },
    'Hosts can also be named without one: --host user@address.',
  );
  return parseFleet(text, { file, environment });
}

/** The fleet in a text; its relative paths are taken from the folder of `file`. Throws FLEET_INVALID. */
export function parseFleet(text: string, options: FleetOptions): Fleet {
  const { file, home = homedir(), environment = process.env } = options;
  const written = parseYaml(text, { file, code: 'FLEET_INVALID' });
  const report = new Report(written);
  const variables = new FleetVariables(written, report, environment);
  const document = variables.all();
  report.throwIfAny();
  const shape = validate(document, fleetSchema, refuseSecrets);
  const settings = (from: Omit<HostShape, 'name'>, path: Path): HostSettings =>
    hostSettings(from, path, document, home, report);
  checkGroupNames(Object.keys(shape.groups ?? {}), report);
  const shared = (from: SharedShape): Shared => ({
    defaults: settings(from.defaults ?? {}, ['defaults']),
    groups: new Map(
      Object.entries(from.groups ?? {}).map(([name, group]) => [
        name,
        settings(group ?? {}, ['groups', name]),
      ]),
    ),
  });
  const common = shared(shape);
  const sharedFor = (host: HostShape, index: number): Shared => {
    if (!variables.shared || report.full) return common;
    const own = variables.sharedFor(index, host.groups ?? []);
    report.throwIfAny();
    return shared(validate(own, sharedSchema, refuseSecrets));
  };
  const applied = shape.hosts.map((host, index) => {
    const { defaults, groups } = sharedFor(host, index);
    const ofGroups = (host.groups ?? []).map(name => groups.get(name) ?? {});
    return {
      settings: layered(defaults, ofGroups, settings(host, ['hosts', index])),
      roles: rolesOf(host, shape),
    };
  });
  const fleet: Fleet = {
    file,
    ...common,
    registry: shape.registry && fleetRegistry(shape.registry, file, home, report),
    hosts: hostEntries(shape.hosts, new Set(common.groups.keys()), report).map(entry => ({
      ...entry,
      ...(applied[entry.index] ?? { settings: {}, roles: [] }),
    })),
  };
  report.throwIfAny();
  return fleet;
}

interface Shared {
  defaults: HostSettings;
  groups: ReadonlyMap<string, HostSettings>;
}

function rolesOf(host: HostShape, { groups = {} }: FleetShape): string[] {
  const ofGroups = (host.groups ?? []).flatMap(name =>
    Object.hasOwn(groups, name) ? (groups[name]?.roles ?? []) : [],
  );
  return [...new Set([...ofGroups, ...(host.roles ?? [])])];
}

/** Groups of a fleet. Too many are told at once, before every host is held against them. */
const MOST_GROUPS = 1000;

function checkGroupNames(names: readonly string[], report: Report): void {
  if (names.length > MOST_GROUPS) report.add(['groups'], `the fleet has more than ${MOST_GROUPS} groups`);
  for (const name of names.filter(name => !NAME.test(name)).slice(0, 10))
    report.add(
      ['groups', name],
      `${printable(name)} cannot be the name of a group: it must be letters, digits and . _ + -`,
      'key',
    );
  report.throwIfAny();
}

/** Every host with the defaults, then its groups in the order that it lists them, then its own settings laid over. */
export function hostsOf(fleet: Fleet): FleetHost[] {
  return fleet.hosts.map(({ name, address, groups, roles, at, settings }) => ({
    ...settings,
    name,
    address,
    groups,
    roles,
    at,
  }));
}
