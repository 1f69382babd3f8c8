/** Which hosts an action is for: those of fleet.yaml, those named on the command line, and how to reach each. */
import { type Fleet, type FleetHost, hostsOf, loadFleet } from '../config/fleet.ts';
import { AirferryError } from '../errors.ts';
import { parseAddress } from '../host/address.ts';
import type { Secret } from '../host/secret.ts';
import { type HostTarget, hostTarget } from '../host/target.ts';
import type { DaemonOverlay, SiteRegistry } from '../phases/wanted.ts';
import { closest } from '../support/suggest.ts';
import { type RegistryChoice, siteRegistry } from './site-registry.ts';

export type { DaemonOverlay, SiteRegistry } from '../phases/wanted.ts';

/** A host, and what the fleet wants it to be besides what the bundle says. */
export interface FleetMember {
  target: HostTarget;
  daemon?: DaemonOverlay;
}

export interface SiteFleet {
  members: FleetMember[];
  registry?: SiteRegistry;
  /** The fleet file, for the command to retry. */
  file?: string;
}

export interface ReachOptions {
  /** fleet.yaml. Without it and without hosts: USAGE. */
  fleetFile?: string;
  /** `user@addr[:port]`, or with a fleet file the names of some of its hosts; then only those. */
  hosts?: readonly string[];
  /** Private keys (-i), before the fleet's. */
  identities?: readonly string[];
  /** Where neither the file nor the address says one. */
  user?: string;
  /** False: never sudo. */
  sudo?: boolean;
  password?: Secret;
  passphrase?: Secret;
  sudoPassword?: Secret;
  /** What flags say of the site's registry. */
  registry?: RegistryChoice;
  environment?: NodeJS.ProcessEnv;
}

/**
 * The hosts of an action with everything that applies to them. Throws USAGE for no host at all, for a name twice and for
 * an address that is none; FLEET_INVALID and what reading the fleet file and the CA throws.
 */
export async function resolveFleet(options: ReachOptions): Promise<SiteFleet> {
  const { fleetFile, hosts = [] } = options;
  const fleet = fleetFile === undefined ? undefined : await loadFleet(fleetFile);
  if (!fleet && hosts.length === 0) throw noHosts();
  const members = fleet ? fromFleet(fleet, hosts, options) : hosts.map(text => adHoc(text, {}, options));
  const names = members.map(member => member.target.name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) throw new AirferryError('USAGE', `the host ${twice} is named twice`);
  const registry = await siteRegistry(fleet, options.registry ?? {});
  return {
    members,
    ...(registry ? { registry } : {}),
    ...(fleetFile === undefined ? {} : { file: fleetFile }),
  };
}

/** A name of the fleet stands for that host; any other is a host of its own, with the fleet's defaults. */
function fromFleet(fleet: Fleet, hosts: readonly string[], options: ReachOptions): FleetMember[] {
  const known = hostsOf(fleet);
  if (hosts.length === 0) return known.map(host => member(host, options));
  return hosts.map(text => {
    const host = known.find(({ name }) => name === text);
    if (host) return member(host, options);
    if (/[@.:]/.test(text)) return adHoc(text, fleet.defaults, options);
    const near = closest(
      text,
      known.map(({ name }) => name),
    );
    throw new AirferryError('USAGE', `${fleet.file} has no host called ${text}`, {
      where: { file: fleet.file },
      suggestions: [
        near ? `Did you mean ${near}?` : 'Write user@address for a host that is not in the file.',
      ],
    });
  });
}

function member(host: FleetHost, options: ReachOptions): FleetMember {
  const { daemon } = host;
  const overlay: DaemonOverlay | undefined = daemon && {
    values: daemon.values,
    ...(daemon.template === undefined ? {} : { template: daemon.template }),
  };
  return { target: target(host, options), ...(overlay ? { daemon: overlay } : {}) };
}

type Settings = Partial<Omit<FleetHost, 'at' | 'groups'>>;

function adHoc(text: string, defaults: Settings, options: ReachOptions): FleetMember {
  const { user, address, port } = parseAddress(text);
  const settings: Settings = { ...defaults, address, ...(user === undefined ? {} : { user }) };
  if (port !== 22 || defaults.port === undefined) settings.port = port;
  return { target: target({ ...settings, bastion: defaults.bastion ?? [] }, options) };
}

function target(host: Settings, options: ReachOptions): HostTarget {
  const { environment = process.env } = options;
  const user = host.user ?? options.user;
  const login: Partial<HostTarget> = {
    identities: [...(options.identities ?? []), ...(host.identity === undefined ? [] : [host.identity])],
    ...(host.agent === false ? { agent: '' } : {}),
    ...(options.password ? { password: options.password } : {}),
    ...(options.passphrase ? { passphrase: options.passphrase } : {}),
  };
  const bastions = (host.bastion ?? []).map(text => {
    const { user: jumpUser, ...place } = parseAddress(text, 'FLEET_INVALID');
    const as = jumpUser ?? user;
    return hostTarget(
      { ...login, ...place, sudo: false, ...(as === undefined ? {} : { user: as }) },
      environment,
    );
  });
  return hostTarget(
    {
      ...login,
      address: host.address ?? '',
      bastions,
      sudo: options.sudo ?? host.sudo ?? true,
      ...(host.name === undefined ? {} : { name: host.name }),
      ...(host.port === undefined ? {} : { port: host.port }),
      ...(user === undefined ? {} : { user }),
      ...(options.sudoPassword ? { sudoPassword: options.sudoPassword } : {}),
    },
    environment,
  );
}

function noHosts(): AirferryError {
  return new AirferryError('USAGE', 'no hosts were named', {
    suggestions: ['Name some with --host user@address, or a fleet file with -F fleet.yaml.'],
  });
}
