/** From the flags of a host command to what the actions want to know: which hosts, how to log in, what to trust. */
import type { ReachOptions } from '../actions/fleet.ts';
import type { HostsOptions } from '../actions/host-results.ts';
import type { EngineLogin } from '../actions/image-engines.ts';
import { command } from '../host/quote.ts';
import type { Location } from '../transports/location.ts';
import { secret } from './prompts.ts';

/** The parsed `sshFlags`. */
export interface SshFlags {
  identity?: string[];
  user?: string;
  'known-hosts'?: string[];
  'host-key'?: 'strict' | 'accept-new';
  'accept-new': boolean;
  'ssh-config'?: string;
  'connect-timeout'?: number;
  'ask-password': boolean;
  'ask-passphrase': boolean;
  'ask-sudo-password': boolean;
  'no-sudo': boolean;
}

/** The parsed `hostFlags`, and `registryFlags` where a command has them. */
export interface HostFlags extends SshFlags {
  host?: string[];
  fleet?: string;
  limit?: string[];
  timeout?: number;
  reconnect?: number;
  parallel: number;
  yes: boolean;
  registry?: string;
  'registry-ip'?: string;
  'registry-ca'?: string;
  'insecure-registry'?: boolean;
}

/** Which hosts and how to reach them; asks for the secrets that are to be asked for. */
export async function reachOptions(flags: HostFlags): Promise<ReachOptions> {
  return {
    ...(await loginOptions(flags, flags.yes)),
    fleetFile: flags.fleet,
    hosts: flags.host,
    limit: flags.limit,
    registry: {
      address: flags.registry,
      ip: flags['registry-ip'],
      caFile: flags['registry-ca'],
      insecure: flags['insecure-registry'],
    },
  };
}

/** How to log in; asks for the secrets that are to be asked for, unless `yes` says that nobody is there. */
async function loginOptions(flags: SshFlags, yes: boolean): Promise<ReachOptions> {
  const password = await secret({
    title: 'SSH password',
    variable: 'AIRFERRY_SSH_PASSWORD',
    flag: '--ask-password',
    wanted: flags['ask-password'],
    yes,
  });
  const passphrase = await secret({
    title: 'passphrase of the private key',
    variable: 'AIRFERRY_SSH_PASSPHRASE',
    flag: '--ask-passphrase',
    wanted: flags['ask-passphrase'],
    yes,
  });
  const sudoPassword = await secret({
    title: password ? 'sudo password (empty: the SSH password)' : 'sudo password',
    variable: 'AIRFERRY_SUDO_PASSWORD',
    flag: '--ask-sudo-password',
    wanted: flags['ask-sudo-password'],
    yes,
  });
  return {
    identities: flags.identity,
    sshConfig: flags['ssh-config'],
    user: flags.user,
    sudo: flags['no-sudo'] ? false : undefined,
    password,
    passphrase,
    sudoPassword: sudoPassword ?? (flags['ask-sudo-password'] ? password : undefined),
  };
}

/** The options that are the same for every action on hosts. */
export function hostsOptions(
  flags: HostFlags,
): Pick<HostsOptions, 'knownHosts' | 'parallel' | 'connectTimeoutMs' | 'reconnectMs' | 'stepTimeoutMs'> {
  const { parallel, timeout, reconnect } = flags;
  return {
    ...connecting(flags),
    parallel,
    ...(timeout === undefined ? {} : { stepTimeoutMs: timeout * 1000 }),
    ...(reconnect === undefined ? {} : { reconnectMs: reconnect * 1000 }),
  };
}

/** How the engines of hosts are reached, where a place is `docker-daemon:ssh://…`. Asks only if one is. */
export async function engineLogin(
  flags: SshFlags & { fleet?: string },
  places: readonly Location[],
): Promise<EngineLogin | undefined> {
  const remote = places.some(
    place => place.transport === 'docker-daemon' && place.engine?.startsWith('ssh:'),
  );
  if (!remote) return undefined;
  const reach = { ...(await loginOptions(flags, false)), fleetFile: flags.fleet };
  return { reach, connect: connecting(flags) };
}

function connecting(flags: SshFlags): Pick<HostsOptions, 'knownHosts' | 'connectTimeoutMs'> {
  const hostKey = flags['accept-new'] ? 'accept-new' : flags['host-key'];
  const timeout = flags['connect-timeout'];
  return {
    knownHosts: {
      files: flags['known-hosts'] ?? [],
      acceptNew: hostKey === 'accept-new',
      ...(hostKey === 'strict' ? { strict: true } : {}),
    },
    ...(timeout === undefined ? {} : { connectTimeoutMs: timeout * 1000 }),
  };
}

/**
 * The command line that tries again on some hosts only: the same words, other hosts. `argv` are the words behind
 * `airferry`; a host without a fleet file is named as it was given, which its name may not tell. What stands behind `--`
 * stays there.
 */
export function retryCommand(argv: readonly string[], hosts: readonly string[]): string {
  const kept: string[] = [];
  const given: string[] = [];
  const end = argv.includes('--') ? argv.indexOf('--') : argv.length;
  for (let i = 0; i < end; i++) {
    const word = argv[i] ?? '';
    const joined = /^(?:--host=|-H=?)(.+)$/s.exec(word)?.[1];
    // The hosts that are named say more than any limit.
    if (word === '--limit') i++;
    else if (word.startsWith('--limit=')) continue;
    else if (joined !== undefined) given.push(joined);
    else if (word === '--host' || word === '-H') given.push(argv[++i] ?? '');
    else kept.push(word);
  }
  const named = hosts.map(name => given.find(host => host === name || host.endsWith(`@${name}`)) ?? name);
  const again = named.flatMap(name => ['--host', name]);
  return command(['airferry', ...kept, ...again, ...argv.slice(end)]);
}
