/**
 * Which unit files a host gets: verbatim files of systemd/, chosen by the engine's version and the host's systemd.
 * The base units hold what every version takes, each drop-in one thing that depends on a version.
 */
import { AirferryError } from '../errors.ts';
import { readAsset } from './assets.ts';
import { atLeast, type EngineVersion, supportedEngineVersion } from './version.ts';

export interface UnitChoice {
  /** Absolute path on the host; mode 0644, root:root. */
  path: string;
  /** The file's name under systemd/ in the package, and in a bundle: `drop-ins/tasks-max.conf`. */
  source: string;
}

export interface UnitFile extends UnitChoice {
  content: string;
}

export interface UnitOptions {
  /** `20.10.24` */
  engine: string;
  /** The major version that `systemctl --version` tells: 219, 252. */
  systemd: number;
  /** Socket activation by docker.socket, which needs the group docker. Default false: see docker.socket. */
  socket?: boolean;
}

export const UNIT_DIR = '/etc/systemd/system';

/** Delegate= came with 218; without it systemd takes containers' cgroups away when units are reloaded. */
export const OLDEST_SYSTEMD = 218;

interface Rule {
  source: string;
  /** Under /etc/systemd/system. Variants of one thing share a path, so that each replaces the other. */
  path: string;
  when: (engine: EngineVersion, systemd: number, socket: boolean) => boolean;
}

const ownContainerd = (engine: EngineVersion): boolean => atLeast(engine, '18.09');
const nofileByDefault = (engine: EngineVersion): boolean => atLeast(engine, '25');

const RULES: readonly Rule[] = [
  { source: 'docker.service', path: 'docker.service', when: () => true },
  { source: 'docker.socket', path: 'docker.socket', when: (_e, _s, socket) => socket },
  { source: 'containerd.service', path: 'containerd.service', when: ownContainerd },
  ...dropIn('docker-containerd.conf', 'exec', ['docker'], (e, _s, socket) => ownContainerd(e) && !socket),
  ...dropIn('docker-socket.conf', 'exec', ['docker'], (e, _s, socket) => !ownContainerd(e) && socket),
  ...dropIn(
    'docker-containerd-socket.conf',
    'exec',
    ['docker'],
    (e, _s, socket) => ownContainerd(e) && socket,
  ),
  ...dropIn('containerd-notify.conf', 'notify', ['containerd'], e => atLeast(e, '20.10')),
  ...dropIn('start-limit.conf', 'start-limit', ['docker'], (_e, s) => s >= 230),
  ...dropIn('start-limit-219.conf', 'start-limit', ['docker'], (_e, s) => s < 230),
  ...dropIn('tasks-max.conf', 'tasks-max', ['docker', 'containerd'], (_e, s) => s >= 226),
  ...dropIn('nofile-infinity.conf', 'nofile', ['docker', 'containerd'], e => !nofileByDefault(e)),
  ...dropIn(
    'nofile-soft-hard.conf',
    'nofile',
    ['docker', 'containerd'],
    (e, s) => nofileByDefault(e) && s >= 229 && s < 240,
  ),
  ...dropIn('nofile-hard.conf', 'nofile', ['docker', 'containerd'], (e, s) => nofileByDefault(e) && s < 229),
];

/**
 * Every path that airferry may write under /etc/systemd/system, for any version: one of these that is in a host's
 * state and not in `unitsFor` of the new engine is to be removed.
 */
export const UNIT_PATHS: readonly string[] = [...new Set(RULES.map(rule => `${UNIT_DIR}/${rule.path}`))];

/** The names of all unit files, to be packed: which of them a host gets depends on its systemd. */
export const UNIT_SOURCES: readonly string[] = [...new Set(RULES.map(rule => rule.source))].sort();

/**
 * Which unit files a host gets, and where. Throws ENGINE_INVALID, and UNIT_INVALID for a systemd that cannot keep
 * containers alive.
 */
export function chooseUnits(options: UnitOptions): UnitChoice[] {
  const engine = supportedEngineVersion(options.engine);
  const { systemd, socket = false } = options;
  if (!Number.isInteger(systemd) || systemd < OLDEST_SYSTEMD) {
    throw new AirferryError('UNIT_INVALID', `systemd ${systemd} is too old for Docker: it has no Delegate=`, {
      suggestions: [`Update systemd to ${OLDEST_SYSTEMD} or newer (CentOS and RHEL have 219 since 7.2).`],
    });
  }
  return RULES.filter(rule => rule.when(engine, systemd, socket)).map(({ source, path }) => ({
    path: `${UNIT_DIR}/${path}`,
    source,
  }));
}

/** `chooseUnits` with the files of this package. Throws as it does. */
export function unitsFor(options: UnitOptions): UnitFile[] {
  return chooseUnits(options).map(unit => ({ ...unit, content: readUnit(unit.source) }));
}

/** A unit file of this package, one of `UNIT_SOURCES`. */
export function readUnit(source: string): string {
  return readAsset('systemd', source);
}

/** The units to enable and start, in this order (stop them in the reverse one). Throws ENGINE_INVALID. */
export function unitNames({ engine, socket = false }: Pick<UnitOptions, 'engine' | 'socket'>): string[] {
  const names = ownContainerd(supportedEngineVersion(engine)) ? ['containerd.service'] : [];
  if (socket) names.push('docker.socket');
  return [...names, 'docker.service'];
}

/** The daemon.json keys that the units give as flags already, and that dockerd must not meet twice. */
export function unitFlags({ engine, socket = false }: Pick<UnitOptions, 'engine' | 'socket'>): string[] {
  const keys = ownContainerd(supportedEngineVersion(engine)) ? ['containerd'] : [];
  return socket ? [...keys, 'hosts'] : keys;
}

function dropIn(
  source: string,
  topic: string,
  services: readonly ('docker' | 'containerd')[],
  when: Rule['when'],
): Rule[] {
  return services.map(service => ({
    source: `drop-ins/${source}`,
    path: `${service}.service.d/10-${topic}.conf`,
    when: (engine, systemd, socket) =>
      (service === 'docker' || ownContainerd(engine)) && when(engine, systemd, socket),
  }));
}
