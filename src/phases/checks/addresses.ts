/** Do the networks of containers clash with those that the host itself speaks to? */
import { type Network, overlaps, parseNetwork } from '../../support/ip-network.ts';
import type { Finding } from '../finding.ts';
import { plannedDaemonJson } from '../write-daemon-json.ts';
import { type CheckInput, ok } from './input.ts';

/** What the engine takes for its bridge docker0 unless it is told otherwise, or a route is there already. */
const DEFAULT_BRIDGE = '172.17.0.0/16';
/** Keys of daemon.json that give the bridge a network of IPv6. */
const BRIDGE_6 = ['bip6', 'fixed-cidr-v6'] as const;

interface Outside {
  what: string;
  network: Network;
}

export function checkAddresses(input: CheckInput): Finding[] {
  const { facts, registry } = input;
  const config = daemonConfig(input);
  const bridge = typeof config.bip === 'string' ? config.bip : undefined;
  const outside = [
    ...facts.routes.flatMap(({ network, device }) => named(`the route to ${network} (${device})`, network)),
    ...facts.dns.servers.flatMap(server => named(`the name server ${server}`, server)),
    ...(registry?.ip === undefined ? [] : named(`the registry at ${registry.ip}`, registry.ip)),
  ];
  const findings = [
    ...checkBridge(bridge, outside),
    ...BRIDGE_6.flatMap(key => checkBridge6(key, config[key], outside)),
    ...poolsOf(config).flatMap(pool => checkPool(pool, outside)),
  ];
  return findings.length > 0
    ? findings
    : [ok('addresses', 'no network of the host meets those of containers')];
}

function named(what: string, text: string): Outside[] {
  const network = parseNetwork(text.replace(/%.*$/, ''));
  return network ? [{ what, network }] : [];
}

/** `bip` is taken as it is; the default moves out of the way of routes, but not of what lies behind the default route. */
function checkBridge(bip: string | undefined, outside: readonly Outside[]): Finding[] {
  const network = parseNetwork(bip ?? DEFAULT_BRIDGE);
  if (!network) return [];
  const clashes = meeting(network, outside).filter(
    what => bip !== undefined || !what.startsWith('the route'),
  );
  if (clashes.length === 0) return [];
  return [
    {
      id: 'bridge-address',
      level: 'error',
      title: `${bip === undefined ? `the default bridge network ${DEFAULT_BRIDGE}` : `bip ${bip}`} clashes with ${clashes.join(', ')}`,
      why: 'Once the bridge is up, the host sends what is meant for them into it: they can no longer be reached.',
      fix: 'Set bip in daemon.json to a network that is free at your site, such as 10.200.0.1/24.',
    },
  ];
}

/** A part of the host's own network may be meant for containers, with neighbours told of it by an NDP proxy. */
function checkBridge6(key: string, value: unknown, outside: readonly Outside[]): Finding[] {
  const network = typeof value === 'string' ? parseNetwork(value) : undefined;
  const clashes = network ? meeting(network, outside) : [];
  if (clashes.length === 0) return [];
  return [
    {
      id: `bridge-address-${key}`,
      level: 'warn',
      title: `${key} ${value} clashes with ${clashes.join(', ')}`,
      why: 'Once the bridge is up, the host sends what is meant for them into it, unless a proxy for NDP is set up for that.',
      fix: `Set ${key} in daemon.json to a network that is free at your site, such as one out of fd00::/8.`,
    },
  ];
}

/** The engine passes over parts of a pool that a route covers; of what has no route it does not know. */
function checkPool(base: string, outside: readonly Outside[]): Finding[] {
  const network = parseNetwork(base);
  const clashes = network ? meeting(network, outside) : [];
  if (clashes.length === 0) return [];
  return [
    {
      id: `address-pool-${base}`,
      level: 'warn',
      title: `the address pool ${base} meets ${clashes.join(', ')}`,
      why: 'A network that is made of it (compose makes one for each project) may cut the host off from them.',
      fix: 'Take another base for default-address-pools in daemon.json.',
    },
  ];
}

function meeting(network: Network, outside: readonly Outside[]): string[] {
  return outside.filter(other => overlaps(network, other.network)).map(({ what }) => what);
}

/** daemon.json as it would become; empty where that cannot be said, which the phase that writes it will explain. */
export function daemonConfig({ wanted, survey, state }: CheckInput): Record<string, unknown> {
  if (!wanted?.engine || !survey) return {};
  try {
    const files = state ? { state } : { state: { files: [] } };
    const { text } = plannedDaemonJson({ wanted, survey, ...files } as Parameters<
      typeof plannedDaemonJson
    >[0]);
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function poolsOf(config: Record<string, unknown>): string[] {
  const pools: unknown = config['default-address-pools'];
  if (!Array.isArray(pools)) return [];
  return pools.flatMap((pool: unknown) => {
    const base = (pool as { base?: unknown } | null)?.base;
    return typeof base === 'string' ? [base] : [];
  });
}
