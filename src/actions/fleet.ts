/** Which hosts an action is for: those of fleet.yaml, those named on the command line, and how to reach each. */
import type { DaemonSpec } from '../config/daemon.ts';
import { type Fleet, type FleetHost, type HostSettings, hostsOf, loadFleet } from '../config/fleet.ts';
import { limitHosts } from '../config/fleet-limit.ts';
import { AirferryError } from '../errors.ts';
import { namesPort, parseAddress } from '../host/address.ts';
import type { HostTarget } from '../host/target.ts';
import type { DaemonOverlay, SiteRegistry } from '../phases/wanted.ts';
import { closest } from '../support/suggest.ts';
import { LOCALHOST, type LoginOptions, Targets, type Wish } from './fleet-target.ts';
import { type RegistryChoice, siteRegistry } from './site-registry.ts';

export type { DaemonOverlay, SiteRegistry } from '../phases/wanted.ts';

/** A host, and what the fleet wants it to be besides what the bundle says. */
export interface FleetMember {
  target: HostTarget;
  groups?: readonly string[];
  roles?: readonly string[];
  daemon?: DaemonOverlay;
  /** The version that it is to have; false for no engine of ours. Undefined: what the bundle has. */
  engine?: string | false;
  /** Names and globs of the images that it gets, for `isInImageSet`. Undefined: all of the bundle's. */
  images?: readonly string[];
}

/** What `wantedFor` is to know of a host's own wishes. */
export function wishesOf({ daemon, engine, images }: FleetMember): {
  daemon?: DaemonOverlay;
  engine?: string | false;
  imageSet?: readonly string[];
} {
  return {
    ...(daemon ? { daemon } : {}),
    ...(engine === undefined ? {} : { engine }),
    ...(images ? { imageSet: images } : {}),
  };
}

export interface SiteFleet {
  members: FleetMember[];
  registry?: SiteRegistry;
  /** The fleet file, for the command to retry. */
  file?: string;
  /** What is worth a warning before anything begins. */
  notes?: readonly string[];
}

export interface ReachOptions extends LoginOptions {
  /** fleet.yaml. Without it and without hosts: USAGE. */
  fleetFile?: string;
  /** `user@addr[:port]`, or with a fleet file the names of some of its hosts; then only those. */
  hosts?: readonly string[];
  /** Of those hosts, the ones that `--limit` means; see `limitHosts`. */
  limit?: readonly string[];
  /** What flags say of the site's registry. */
  registry?: RegistryChoice;
}

/**
 * The hosts of an action with everything that applies to them. Throws USAGE for no host at all, for a name twice and for
 * an address that is none; FLEET_INVALID and what reading the fleet file and the CA throws.
 */
export async function resolveFleet(options: ReachOptions): Promise<SiteFleet> {
  const { fleetFile, hosts = [] } = options;
  const fleet = fleetFile === undefined ? undefined : await loadFleet(fleetFile, options.environment);
  if (!fleet && hosts.length === 0) throw noHosts();
  const targets = new Targets(options);
  const members = fleet
    ? fromFleet(fleet, hosts, options, targets)
    : limited(hosts, options).map(text => adHoc(text, {}, targets));
  const names = members.map(member => member.target.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new AirferryError('USAGE', `the host ${twice} is named twice`);
  const registry = await siteRegistry(fleet, options.registry ?? {});
  return {
    members,
    ...(registry ? { registry } : {}),
    ...(fleetFile === undefined ? {} : { file: fleetFile }),
    notes: targets.notes,
  };
}

/** Without a fleet file there are names alone. */
function limited(hosts: readonly string[], { limit = [] }: ReachOptions): string[] {
  if (limit.length === 0) return [...hosts];
  const all = hosts.map(text => ({ text, name: text.replace(/^.*@/, ''), groups: [], roles: [] }));
  return limitHosts(all, limit).map(({ text }) => text);
}

/** A name of the fleet stands for that host; any other is a host of its own, with the fleet's defaults. */
function fromFleet(
  fleet: Fleet,
  hosts: readonly string[],
  options: ReachOptions,
  targets: Targets,
): FleetMember[] {
  const known = hostsOf(fleet);
  const byName = new Map(known.map(host => [host.name, host]));
  const named = hosts.map(text => byName.get(text) ?? text);
  const strangers = named.filter(host => typeof host === 'string');
  const all = [...known, ...strangers.map(name => ({ name, groups: [], roles: [] }))];
  const limit = options.limit ?? [];
  const left =
    limit.length === 0
      ? undefined
      : new Set(limitHosts(all, limit, fleet.groups.keys()).map(({ name }) => name));
  const chosen = hosts.length === 0 ? known : named;
  const members = chosen
    .filter(host => left?.has(typeof host === 'string' ? host : host.name) ?? true)
    .map(host =>
      typeof host === 'string'
        ? adHoc(stranger(host, fleet, byName.keys()), fleet.defaults, targets)
        : member(host, fleet.file, targets),
    );
  if (members.length > 0) return members;
  throw new AirferryError('USAGE', 'none of the hosts that --host names is among those of --limit');
}

/** An address that is none of the fleet's names. Throws USAGE for what can only be a mistyped name. */
function stranger(text: string, fleet: Fleet, names: Iterable<string>): string {
  if (/[@.:]/.test(text) || text === LOCALHOST) return text;
  const near = closest(text, names);
  throw new AirferryError('USAGE', `${fleet.file} has no host called ${text}`, {
    where: { file: fleet.file },
    suggestions: [near ? `Did you mean ${near}?` : 'Write user@address for a host that is not in the file.'],
  });
}

function member(host: FleetHost, file: string, targets: Targets): FleetMember {
  const { daemon, engine, images, groups, roles } = host;
  return {
    target: targets.target({ ...host, file }),
    groups,
    roles,
    ...(daemon ? { daemon: overlay(daemon) } : {}),
    ...(engine === undefined ? {} : { engine }),
    ...(images ? { images } : {}),
  };
}

function overlay({ template, values }: DaemonSpec): DaemonOverlay {
  return { values, ...(template === undefined ? {} : { template }) };
}

/** What is named on the command line: reached as the fleet's defaults say, and made nothing of but what the bundle says. */
function adHoc(text: string, defaults: HostSettings, targets: Targets): FleetMember {
  const { user, address, port } = parseAddress(text);
  const wish: Wish = { ...defaults, address };
  if (user !== undefined) wish.user = user;
  if (namesPort(text)) wish.port = port;
  // Who logs in, or at which port, is a question to an sshd.
  if (user !== undefined || namesPort(text)) wish.connection = 'ssh';
  return { target: targets.target(wish) };
}

function noHosts(): AirferryError {
  return new AirferryError('USAGE', 'no hosts were named', {
    suggestions: ['Name some with --host user@address, or a fleet file with -F fleet.yaml.'],
  });
}
