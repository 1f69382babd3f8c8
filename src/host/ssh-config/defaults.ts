/** What ssh_config(5) has to say about reaching a host, in our words and with nothing left to expand. */
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { HostTarget } from '../target.ts';
import type { SshConfig } from './load.ts';
import type { Mistake } from './parse.ts';
import { resolveSshConfig, type Said, type SshSettings } from './resolve.ts';
import { expandPath, expandTokens, type Tokens } from './tokens.ts';

/** Whose configuration it is. */
export interface Around {
  home: string;
  localUser: string;
  environment: NodeJS.ProcessEnv;
}

/** Undefined, or absent: it says nothing. */
export interface SshDefaults
  extends Partial<
    Pick<
      HostTarget,
      | 'user'
      | 'port'
      | 'identities'
      | 'identitiesOnly'
      | 'agent'
      | 'knownHosts'
      | 'hostKey'
      | 'hostKeyAlias'
      | 'connectTimeoutMs'
      | 'keepaliveMs'
      | 'keepalivesMissed'
    >
  > {
  /** HostName, or the name that was asked for. */
  address: string;
  /** Jump hosts in order; empty for `none`. */
  jumps?: Said<string[]>;
  /** A command that airferry does not run. */
  proxyCommand?: Said<string>;
  mistakes: Mistake[];
}

const DEFAULT_USER_FILES = ['~/.ssh/known_hosts'];
const DEFAULT_GLOBAL_FILES = ['/etc/ssh/ssh_known_hosts'];

/**
 * The defaults for a host by the name that the operator gave it. `user` and `port` are what is known already: they go
 * into tokens, and `Match user` is held against them.
 */
export function sshDefaults(
  config: SshConfig,
  asked: { host: string; user?: string | undefined; port?: number | undefined },
  around: Around,
): SshDefaults {
  const { settings, mistakes } = resolveSshConfig(config.files, { ...asked, localUser: around.localUser });
  const address = settings.hostName
    ? (expandTokens(settings.hostName.value, { h: asked.host }) ?? settings.hostName.value)
    : asked.host;
  const user = asked.user ?? settings.user?.value;
  const port = asked.port ?? settings.port?.value;
  const tokens: Tokens = {
    h: address,
    n: asked.host,
    p: String(port ?? 22),
    r: user ?? around.localUser,
    u: around.localUser,
    d: around.home,
    i: String(process.getuid?.() ?? ''),
    l: hostname(),
    L: hostname().split('.')[0] ?? '',
    k: settings.hostKeyAlias?.value ?? asked.host,
  };
  const path = ({ value, file, line }: Said<string>): string[] => {
    const expanded = expandPath(value, { tokens, ...around });
    if (expanded === undefined)
      mistakes.push({ file, line, message: `${value} has a token that is not known` });
    return expanded === undefined ? [] : [expanded];
  };
  return {
    address,
    mistakes,
    ...said('user', user),
    ...said('port', port),
    ...identities(settings, path),
    ...said('agent', agentOf(settings, path, around.environment)),
    ...said('knownHosts', knownHosts(settings, path)),
    ...said('hostKey', settings.hostKey?.value),
    ...said('hostKeyAlias', settings.hostKeyAlias?.value),
    ...said('connectTimeoutMs', milliseconds(settings.connectTimeout?.value || undefined)),
    ...said('keepaliveMs', milliseconds(settings.aliveInterval?.value || undefined)),
    ...said('keepalivesMissed', settings.aliveCountMax?.value || undefined),
    ...said('jumps', jumps(settings)),
    ...said(
      'proxyCommand',
      settings.proxyCommand?.value.toLowerCase() === 'none' ? undefined : settings.proxyCommand,
    ),
  };
}

function said<K extends string, V>(key: K, value: V | undefined): { [_ in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [_ in K]?: V };
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** Files that do not exist are passed over, as OpenSSH does, which asks every host for the same list. */
function identities(
  { identityFiles, identitiesOnly }: SshSettings,
  path: (said: Said<string>) => string[],
): Pick<SshDefaults, 'identities' | 'identitiesOnly'> {
  const none = identityFiles.findIndex(({ value }) => value.toLowerCase() === 'none');
  const named = none < 0 ? identityFiles : identityFiles.slice(0, none);
  const files = [...new Set(named.flatMap(path))].filter(file => existsSync(file));
  return {
    ...(files.length > 0 ? { identities: files } : {}),
    ...(identitiesOnly ? { identitiesOnly: identitiesOnly.value } : {}),
  };
}

function agentOf(
  { identityAgent }: SshSettings,
  path: (said: Said<string>) => string[],
  environment: NodeJS.ProcessEnv,
): string | undefined {
  if (!identityAgent) return undefined;
  const { value } = identityAgent;
  if (value === 'none') return '';
  if (value === 'SSH_AUTH_SOCK') return environment.SSH_AUTH_SOCK;
  const variable = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(value)?.[1];
  return variable === undefined ? path(identityAgent)[0] : environment[variable];
}

function knownHosts(
  { userKnownHosts, globalKnownHosts }: SshSettings,
  path: (said: Said<string>) => string[],
): string[] | undefined {
  if (!userKnownHosts && !globalKnownHosts) return undefined;
  const files = (line: Said<readonly string[]> | undefined, otherwise: string[]): string[] =>
    (line?.value ?? otherwise)
      .filter(value => value.toLowerCase() !== 'none')
      .flatMap(value => path({ value, file: line?.file ?? '', line: line?.line ?? 0 }));
  return [...files(userKnownHosts, DEFAULT_USER_FILES), ...files(globalKnownHosts, DEFAULT_GLOBAL_FILES)];
}

function jumps({ proxyJump }: SshSettings): Said<string[]> | undefined {
  if (!proxyJump) return undefined;
  const { value, ...at } = proxyJump;
  return { value: value.toLowerCase() === 'none' ? [] : value.split(',').filter(jump => jump !== ''), ...at };
}
