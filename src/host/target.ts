/** A host as the rest of this room wants it: where it is, who logs in there and how. */
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { formatAddress, SSH_PORT } from './address.ts';
import type { Secret } from './secret.ts';

export interface HostTarget {
  /** What the operator calls it; in every message. */
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** This machine itself: commands are run without SSH. */
  readonly local?: boolean;
  /** Private key files. None: OpenSSH's default ones. `~/` is the operator's home. */
  readonly identities: readonly string[];
  /** Of the agent's keys only those of the private key files, and no others. */
  readonly identitiesOnly?: boolean;
  /** Socket of an SSH agent. */
  readonly agent?: string;
  readonly password?: Secret;
  /** Opens the private key files. */
  readonly passphrase?: Secret;
  /** Those that files have of their own, by the absolute path of the file. */
  readonly passphrases?: ReadonlyMap<string, Secret>;
  /** Become root with sudo where the user is not root. */
  readonly sudo: boolean;
  readonly sudoPassword?: Secret;
  /** The hosts to go through, the one nearest to the operator first. */
  readonly bastions: readonly HostTarget[];
  /** known_hosts files of this host, where the command line names none. */
  readonly knownHosts?: readonly string[];
  /** Whether the key of a first meeting is recorded, where the command line does not say. */
  readonly hostKey?: 'strict' | 'accept-new';
  /** The name that it has in known_hosts, instead of its address; with a port of its own too. */
  readonly hostKeyAlias?: string;
  /** Milliseconds, where the command line does not say. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds; 0 for no keepalives. */
  readonly keepaliveMs?: number;
  /** Unanswered keepalives that make a lost connection. */
  readonly keepalivesMissed?: number;
}

/**
 * A target out of what is known, the rest as `ssh` would take it: port 22, the operator's own user name, the agent of
 * `SSH_AUTH_SOCK`; and sudo. Pass `agent: ''` for no agent.
 */
export function hostTarget(
  known: Pick<HostTarget, 'address'> & Partial<HostTarget>,
  environment: NodeJS.ProcessEnv = process.env,
): HostTarget {
  const agent = known.agent ?? environment.SSH_AUTH_SOCK;
  const { agent: _, ...rest } = known;
  const user = known.user ?? localUser();
  const port = known.port ?? SSH_PORT;
  return {
    ...rest,
    ...(agent ? { agent } : {}),
    name: known.name ?? formatAddress({ address: known.address, port }),
    port,
    user,
    identities: known.identities ?? [],
    sudo: known.sudo ?? true,
    bastions: known.bastions ?? [],
  };
}

/** The name of whoever runs airferry; in a container it may have none but a number. */
export function localUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

/** `h1 (ops@10.77.0.11)`, or only the address when the host has no other name. */
export function describeTarget(target: HostTarget): string {
  if (target.local) return target.name === target.address ? target.name : `${target.name} (this machine)`;
  const place = formatAddress(target);
  const bare = formatAddress({ address: target.address, port: target.port });
  return target.name === bare || target.name === place ? place : `${target.name} (${place})`;
}

/** `~/x` as a path of the operator. */
export function expandHome(path: string): string {
  return path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path;
}
