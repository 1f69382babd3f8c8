/** The fleet, `fleet.yaml`: the hosts behind the air gap, how to reach them, what each should be, and the registry. */
import { homedir } from 'node:os';
import { type DaemonSpec, daemonSpec } from './daemon.ts';
import { parseYaml, type YamlDocument } from './document.ts';
import { fleetSchema, type SettingsShape } from './fleet-schema.ts';
import { type HostEntry, hostEntries } from './hosts.ts';
import { mergeObjects } from './merge.ts';
import { absolutePath } from './paths.ts';
import { type Path, type Position, printable } from './problem.ts';
import { readText } from './read.ts';
import { type FleetRegistry, fleetRegistry } from './registry-address.ts';
import { Report } from './report.ts';
import { refuseSecrets } from './secrets.ts';
import { NAME } from './shapes.ts';
import { validate } from './validate.ts';

/** How to reach a host and what it should be. Undefined is left to flags, `~/.ssh/config` and the built-in defaults. */
export interface HostSettings {
  user?: string;
  port?: number;
  /** Absolute path of a private key. */
  identity?: string;
  agent?: boolean;
  sudo?: boolean;
  /** Jump hosts as `user@host[:port]`, nearest first; an empty list is a wish for none. */
  bastion?: string[];
  daemon?: DaemonSpec;
}

export interface Fleet {
  /** The fleet's path as the operator gave it. */
  file: string;
  defaults: HostSettings;
  registry?: FleetRegistry;
  groups: ReadonlyMap<string, HostSettings>;
  /** Ranges written out; what each host says itself, without its groups and the defaults: see `hostsOf`. */
  hosts: (HostEntry & { settings: HostSettings })[];
}

/** A host with everything that applies to it. */
export interface FleetHost extends HostSettings {
  name: string;
  address: string;
  bastion: string[];
  groups: string[];
  at: Position;
}

/** Read a fleet file. Throws FILE_NOT_FOUND, FILE_UNREADABLE or FLEET_INVALID with file, line and column. */
export async function loadFleet(file: string): Promise<Fleet> {
  const text = await readText(
    { file, code: 'FLEET_INVALID' },
    'Hosts can also be named without one: --host user@address.',
  );
  return parseFleet(text, { file });
}

/**
 * The fleet in a text; its relative paths are taken from the folder of `file`. Throws FLEET_INVALID.
 * @param options.home what `~` stands for
 */
export function parseFleet(text: string, options: { file: string; home?: string }): Fleet {
  const { file, home = homedir() } = options;
  const document = parseYaml(text, { file, code: 'FLEET_INVALID' });
  const shape = validate(document, fleetSchema, refuseSecrets);
  const report = new Report(document);
  const settings = (from: SettingsShape, path: Path): HostSettings =>
    hostSettings(from, path, document, home, report);
  checkGroupNames(Object.keys(shape.groups ?? {}), report);
  const groups = new Map(
    Object.entries(shape.groups ?? {}).map(([name, group]) => [
      name,
      settings(group ?? {}, ['groups', name]),
    ]),
  );
  const written = shape.hosts.map((host, index) => settings(host, ['hosts', index]));
  const fleet: Fleet = {
    file,
    defaults: settings(shape.defaults ?? {}, ['defaults']),
    registry: shape.registry && fleetRegistry(shape.registry, file, home, report),
    groups,
    hosts: hostEntries(shape.hosts, new Set(groups.keys()), report).map(entry => ({
      ...entry,
      settings: written[entry.index] ?? {},
    })),
  };
  report.throwIfAny();
  return fleet;
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
  return fleet.hosts.map(({ name, address, groups, at, settings }) => {
    const layers = [fleet.defaults, ...groups.map(group => fleet.groups.get(group) ?? {}), settings];
    const merged = layers.reduce(overlay, {});
    return { ...merged, name, address, groups, at, bastion: merged.bastion ?? [] };
  });
}

function overlay(base: HostSettings, over: HostSettings): HostSettings {
  const said = Object.fromEntries(Object.entries(over).filter(([, value]) => value !== undefined));
  return { ...base, ...said, daemon: overlayDaemon(base.daemon, over.daemon) };
}

function overlayDaemon(base?: DaemonSpec, over?: DaemonSpec): DaemonSpec | undefined {
  if (base === undefined || over === undefined) return over ?? base;
  return {
    template: over.template ?? base.template,
    values: mergeObjects(base.values, over.values),
    keys: { ...base.keys, ...over.keys },
    at: over.at,
  };
}

function hostSettings(
  shape: SettingsShape,
  path: Path,
  document: YamlDocument,
  home: string,
  report: Report,
): HostSettings {
  const { user, port, agent, sudo, identity, bastion } = shape;
  return {
    user,
    port,
    agent,
    sudo,
    identity:
      identity === undefined
        ? undefined
        : absolutePath(identity, [...path, 'identity'], document.file, home, report),
    bastion: typeof bastion === 'string' ? [bastion] : bastion,
    daemon: shape.daemon && daemonSpec(shape.daemon, [...path, 'daemon'], document),
  };
}
