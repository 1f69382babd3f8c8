/** From one engine to another: what would lose sight of containers or images, and what goes backwards. */
import { parseDaemonJson } from '../../engine/daemon-json.ts';
import { atLeast, compareEngineVersions, parseEngineVersion } from '../../engine/version.ts';
import { emptyState } from '../../host/state.ts';
import { plural } from '../../support/format.ts';
import { isObject } from '../../support/is-object.ts';
import { DAEMON_JSON } from '../daemon-files.ts';
import type { Finding } from '../finding.ts';
import { DEFAULT_DATA_ROOT } from '../wanted.ts';
import { plannedDaemonJson } from '../write-daemon-json.ts';
import type { CheckInput } from './input.ts';

/** From here on shims have other names, and dockerd does not find the containers of the old ones. */
const SHIMS_RENAMED = '18.09';
/** Engines before the first start `containerd-shim`; from the second on it is neither brought along nor understood. */
const SHIM_V2 = { starts: '20.10', only: '23' };
/** Storage drivers that are gone, and since when. */
const DRIVERS_GONE: Record<string, string> = { aufs: '24', overlay: '24', devicemapper: '25' };
const CONTAINERD_STORE_SINCE = '29';

export function checkUpgrade(input: CheckInput): Finding[] {
  const { facts, state, wanted, survey } = input;
  const after = wanted?.engine?.version;
  const before =
    state?.release?.version ??
    survey?.engine?.version ??
    (input.adopt ? facts.binaries.dockerd?.version : undefined);
  if (after === undefined) return [];
  return [
    ...(before === undefined ? [] : orphaning(before, after, facts.processes.shims)),
    ...(before === undefined ? [] : checkDirection(before, after, input.allowDowngrade === true)),
    ...checkDriver(input, after),
    ...checkPlaces(input, after),
  ];
}

/** Upgrades, and rollbacks, after which the engine would not find the containers that run. */
export function orphaning(before: string | undefined, after: string, shims: number): Finding[] {
  if (before === undefined || shims === 0) return [];
  const [old, young] = [before, after].sort((a, b) =>
    compareEngineVersions(parseEngineVersion(a), parseEngineVersion(b)),
  );
  if (old === undefined || young === undefined) return [];
  const renamed = atLeast(old, SHIMS_RENAMED) !== atLeast(young, SHIMS_RENAMED);
  const gone = !atLeast(old, SHIM_V2.starts) && atLeast(young, SHIM_V2.only);
  if (!renamed && !gone) return [];
  const what = renamed ? 'renames their shims' : 'no longer knows their shims';
  return [
    {
      id: 'shims',
      level: 'error',
      title: `${plural(shims, 'container')} running, and ${before} → ${after} ${what}`,
      why: 'The new engine would not find these containers, and they could not be stopped any more.',
      fix: 'Stop all containers (docker stop $(docker ps -q)), then run the command again.',
    },
  ];
}

function checkDirection(before: string, after: string, allowed: boolean): Finding[] {
  if (!isOlder(after, before)) return [];
  return [
    {
      id: 'downgrade',
      level: allowed ? 'warn' : 'error',
      title: `the engine on the host is ${before}, and the bundle has the older ${after}`,
      why: 'Engines read what older ones wrote, and not the other way round: networks, volumes or images may be lost sight of.',
      fix: allowed
        ? 'Look afterwards whether all containers, networks and volumes are there.'
        : 'Give --allow-downgrade if that is meant; "airferry host rollback" goes back to the release before.',
    },
  ];
}

/** By number, whatever the suffixes say. */
function isOlder(a: string, b: string): boolean {
  const [x, y] = [parseEngineVersion(a), parseEngineVersion(b)];
  return (x.major - y.major || x.minor - y.minor || x.patch - y.patch) < 0;
}

function checkDriver({ survey }: CheckInput, after: string): Finding[] {
  const driver = survey?.engine?.storageDriver ?? '';
  const gone = DRIVERS_GONE[driver];
  if (gone === undefined || !atLeast(after, gone)) return [];
  return [
    {
      id: 'storage-driver',
      level: 'error',
      title: `images and containers are kept by the storage driver ${driver}, which engine ${after} no longer has (gone since ${gone})`,
      why: 'The new engine would not start, or start without any of them.',
      fix: `Save what you need (docker save, docker export), set "storage-driver": "overlay2", restart, and load it again; or stay with an engine before ${gone}.`,
    },
  ];
}

/** Images and containers that stay where they are, while the new engine looks elsewhere. */
function checkPlaces(input: CheckInput, after: string): Finding[] {
  const { survey, wanted } = input;
  const { engine } = survey ?? {};
  if (!survey || !engine || !wanted) return [];
  const config = plannedConfig(input);
  if (!config) return [];
  const count = engine.containers.all + engine.images;
  const findings: Finding[] = [];
  // Both as they are written: what the engine says has links followed, and a folder of its own for user namespaces.
  const [now, then] = [rootOf(currentConfig(input)), rootOf(config)];
  if (now !== then && count > 0)
    findings.push(
      moved(
        'data-root',
        `the data root moves from ${now} to ${then}`,
        engine.containers.running,
        `Move it while the engine is stopped (cp -a ${now}/. ${then}), or leave "data-root" as it is.`,
      ),
    );
  const features = config.features;
  const asked = isObject(features) ? features['containerd-snapshotter'] : undefined;
  // Without a word about it an engine stays with the store that its data root has.
  const store =
    typeof asked === 'boolean' ? asked : engine.containerdStore && atLeast(after, CONTAINERD_STORE_SINCE);
  if (store !== engine.containerdStore && count > 0)
    findings.push(
      moved(
        'image-store',
        `images and containers are in the ${storeName(engine.containerdStore)} store, and engine ${after} will look into the ${storeName(store)} one`,
        engine.containers.running,
        `Set "features": {"containerd-snapshotter": ${engine.containerdStore}} to stay with it, or load the images again afterwards.`,
      ),
    );
  return findings;
}

function moved(id: string, title: string, running: number, fix: string): Finding {
  const why = 'What is in the old place stays there, but the engine does not see it any more.';
  if (running === 0) return { id, level: 'warn', title, why, fix };
  const also = `${title}, while ${plural(running, 'container')} running would be lost sight of`;
  return { id, level: 'error', title: also, why, fix: `${fix} Stop the containers first.` };
}

function storeName(containerd: boolean): string {
  return containerd ? 'containerd' : 'classic';
}

function rootOf(config: Record<string, unknown>): string {
  const root = config['data-root'] ?? config.graph;
  return typeof root === 'string' && root !== '' ? root.replace(/(?<=.)\/+$/, '') : DEFAULT_DATA_ROOT;
}

function currentConfig({ survey }: CheckInput): Record<string, unknown> {
  const text = survey?.contents.get(DAEMON_JSON);
  return text === undefined || text.trim() === '' ? {} : parseDaemonJson(text, { file: DAEMON_JSON }).config;
}

/** What is wrong with it, the phase that has it checked says. */
function plannedConfig({ wanted, survey, state }: CheckInput): Record<string, unknown> | undefined {
  if (!wanted || !survey) return undefined;
  try {
    const { text } = plannedDaemonJson({ wanted, survey, state: state ?? emptyState() });
    return parseDaemonJson(text, { file: 'daemon.json' }).config;
  } catch {
    return undefined;
  }
}
