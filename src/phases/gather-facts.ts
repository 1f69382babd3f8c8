/** Everything that the phases decide on, in three questions: facts, the state of an earlier run, and how things stand. */
import { BIN_DIR, INSTALL_ROOT } from '../engine/release.ts';
import { UNIT_DIR } from '../engine/units.ts';
import { type GatheredFacts, gatherFacts } from '../host/facts.ts';
import type { Shell } from '../host/shell.ts';
import { emptyState, type HostState, type InstalledFile, readState } from '../host/state.ts';
import { CONFIG_PATHS } from './backups.ts';
import { DAEMON_JSON, OWN_DAEMON_JSON } from './daemon-files.ts';
import { SYSCTL_FILE } from './enable-ip-forward.ts';
import { askEngineNow } from './engine-now.ts';
import { ETC_HOSTS } from './etc-hosts.ts';
import { foldersAbove } from './place-files.ts';
import { stagedPath } from './stage-engine.ts';
import { type KnownFile, type Survey, surveyHost } from './survey.ts';
import { caPath } from './trust-registry.ts';
import { DEFAULT_DATA_ROOT, type Wanted } from './wanted.ts';

/** Where airferry keeps its things besides the releases. */
export const KEPT_ROOT = '/var/lib/airferry';
const UNITS = ['containerd.service', 'docker.service', 'docker.socket'];
/** Folders without which nothing can be installed. */
const WRITTEN = [INSTALL_ROOT, KEPT_ROOT, BIN_DIR, UNIT_DIR, '/etc/docker'];

export interface Gathered {
  facts: GatheredFacts;
  /** Undefined where airferry was never before. */
  recorded: HostState | undefined;
}

/** Facts and state at once. `dataRoot` is where images will lie. Throws HOST_STATE_INVALID and what a connection throws. */
export async function gather(shell: Shell, dataRoot = DEFAULT_DATA_ROOT): Promise<Gathered> {
  const paths = [...new Set([INSTALL_ROOT, KEPT_ROOT, dataRoot])];
  const [facts, recorded] = await Promise.all([gatherFacts(shell, { paths }), readState(shell)]);
  return { facts, recorded };
}

/**
 * How everything stands that is recorded or wanted, and what else is asked for. With `trustInodes`, files whose inodes say
 * that nobody has touched them since they were hashed are not hashed again.
 */
export async function surveyFor(
  shell: Shell,
  state: HostState | undefined,
  wanted?: Wanted,
  more: { paths?: readonly string[]; contents?: readonly string[]; trustInodes?: boolean } = {},
): Promise<Survey> {
  const recorded = recordedPaths(state ?? emptyState());
  const ours = [...recorded, ...(wanted ? wantedPaths(wanted) : []), ...(more.paths ?? [])];
  const [files, engine] = await Promise.all([
    surveyHost(shell, {
      paths: [...new Set(ours.flatMap(path => [path, ...foldersAbove(path)]))],
      known: more.trustInodes && state ? state.files.flatMap(knownFile) : [],
      contents: [DAEMON_JSON, OWN_DAEMON_JSON, ETC_HOSTS, ...(more.contents ?? [])],
      units: UNITS,
      folders: WRITTEN,
    }),
    askEngineNow(shell),
  ]);
  return { ...files, ...engine };
}

function knownFile({ path, sha256, seen }: InstalledFile): KnownFile[] {
  return sha256 !== undefined && seen !== undefined ? [{ path, sha256, seen }] : [];
}

function recordedPaths(state: HostState): string[] {
  return state.files.flatMap(file => (file.replaced ? [file.path, file.replaced] : [file.path]));
}

function wantedPaths({ engine, compose, registry, files }: Wanted): string[] {
  const paths = files.map(file => file.path);
  if (registry) paths.push(caPath(registry.address));
  if (compose) paths.push(compose.release.file, ...compose.release.links.map(link => link.path));
  if (engine) {
    const { release } = engine;
    paths.push(OWN_DAEMON_JSON, SYSCTL_FILE, ...CONFIG_PATHS);
    paths.push(
      stagedPath(engine.archive),
      release.current.path,
      ...[...release.files, ...release.links].map(({ path }) => path),
    );
  }
  return paths;
}
