/** What defaults, groups and hosts say, one laid over the other. */
import { type DaemonSpec, daemonSpec } from './daemon.ts';
import type { YamlDocument } from './document.ts';
import type { HostShape } from './fleet-schema.ts';
import { mergeObjects } from './merge.ts';
import { absolutePath } from './paths.ts';
import type { Path, Position } from './problem.ts';
import type { Report } from './report.ts';

/** Where a password comes from: one of the two. */
export interface SecretSource {
  env?: string;
  /** Absolute path. */
  file?: string;
  at: Position;
}

/** How to reach a host and what it should be. Undefined is left to flags, `~/.ssh/config` and the built-in defaults. */
export interface HostSettings {
  user?: string;
  port?: number;
  /** Absolute path of a private key. */
  identity?: string;
  agent?: boolean;
  sudo?: boolean;
  sudoPassword?: SecretSource;
  /** Jump hosts as `user@host[:port]`, nearest first; an empty list is a wish for none. */
  bastion?: string[];
  connection?: 'ssh' | 'local';
  hostKey?: 'strict' | 'accept-new';
  /** Absolute path. */
  knownHosts?: string;
  /** Milliseconds. */
  connectTimeoutMs?: number;
  /** The engine's version; false for none of ours. */
  engine?: string | false;
  /** Names and globs of the bundle's images. */
  images?: string[];
  daemon?: DaemonSpec;
}

/** The settings in a map of the file; paths are made absolute. */
export function hostSettings(
  shape: Omit<HostShape, 'name'>,
  path: Path,
  document: YamlDocument,
  home: string,
  report: Report,
): HostSettings {
  const { user, port, agent, sudo, bastion, connection, engine, images } = shape;
  const file = (text: string | undefined, ...key: string[]): string | undefined =>
    text === undefined ? undefined : absolutePath(text, [...path, ...key], document.file, home, report);
  const secret: { env?: string; file?: string } | undefined = shape['sudo-password'];
  const seconds = shape['connect-timeout'];
  return {
    user,
    port,
    agent,
    sudo,
    sudoPassword: secret && {
      ...(secret.env === undefined ? {} : { env: secret.env }),
      ...(secret.file === undefined ? {} : { file: file(secret.file, 'sudo-password', 'file') }),
      at: report.at([...path, 'sudo-password']),
    },
    identity: file(shape.identity, 'identity'),
    bastion: typeof bastion === 'string' ? [bastion] : bastion,
    connection,
    hostKey: shape['host-key'],
    knownHosts: file(shape['known-hosts'], 'known-hosts'),
    connectTimeoutMs: seconds === undefined ? undefined : seconds * 1000,
    engine,
    images,
    daemon: shape.daemon && daemonSpec(shape.daemon, [...path, 'daemon'], document),
  };
}

/**
 * Host over groups over defaults, later groups over earlier ones. Keys of daemon.json are merged, the images of groups
 * add up; everything else replaces what lies below.
 */
export function layered(
  defaults: HostSettings,
  groups: readonly HostSettings[],
  own: HostSettings,
): HostSettings {
  const images = groups.some(group => group.images) ? groups.flatMap(group => group.images ?? []) : undefined;
  const layers = [defaults, ...groups, { images: images && [...new Set(images)] }, own];
  return layers.reduce(overlay, {});
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
