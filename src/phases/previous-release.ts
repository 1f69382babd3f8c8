/** What a host can go back to, out of its state, and the engine that this is. */
import { engineRelease } from '../engine/release.ts';
import { unitNames } from '../engine/units.ts';
import { compareEngineVersions, parseEngineVersion } from '../engine/version.ts';
import { AirferryError } from '../errors.ts';
import type { Generation, HostState } from '../host/state.ts';
import { describeTarget, type HostTarget } from '../host/target.ts';
import type { RunnableEngine } from './wanted.ts';

/**
 * The generation that a rollback goes to: the one that an interrupted run was leaving or going back to, else the one
 * before the current. `to`: its version or its name. Undefined when the host is there already. Throws HOST_PREFLIGHT when
 * there is none.
 */
export function chooseGeneration(state: HostState, target: HostTarget, to?: string): Generation | undefined {
  const { trial, previous, release } = state;
  const known = [trial?.back, trial?.from, previous].filter(one => one !== undefined);
  if (to === undefined) {
    const [first] = known;
    if (first) return first;
    throw nothingKept(target, state);
  }
  const found = known.find(one => isCalled(one.release, to));
  if (found) return found;
  if (release && !trial && isCalled(release, to)) return undefined;
  throw nothingKept(target, state, to);
}

/** The engine of a generation as its programs lie on the host. Throws ENGINE_INVALID, DIGEST_INVALID. */
export function engineOf({ release }: Generation, state: HostState): RunnableEngine {
  const { version, archive, path } = release;
  const prefix = `${path}/bin/`;
  const components = state.files.flatMap(file =>
    file.kind === 'file' && file.path.startsWith(prefix) ? file.path.slice(prefix.length) : [],
  );
  return {
    version,
    archive: { digest: archive },
    release: engineRelease({ version, digest: archive, components }),
    unitNames: unitNames({ engine: version }),
  };
}

function isCalled({ version, path }: Generation['release'], name: string): boolean {
  return version === name || path.endsWith(`/${name}`) || sameNumbers(version, name);
}

function sameNumbers(version: string, name: string): boolean {
  try {
    return compareEngineVersions(parseEngineVersion(version), parseEngineVersion(name)) === 0;
  } catch {
    return false;
  }
}

function nothingKept(
  target: HostTarget,
  { previous, release, trial }: HostState,
  to?: string,
): AirferryError {
  const host = describeTarget(target);
  const kept = trial?.from ?? previous;
  const there = kept ? `: what is kept is ${kept.release.version}` : '';
  const what = to === undefined ? 'an earlier release' : `release ${to}`;
  return new AirferryError('HOST_PREFLIGHT', `${what} is not kept on ${host}${there}`, {
    where: { host: target.name },
    suggestions: [
      ...(kept && to !== undefined ? [`Go back to that one: --to ${kept.release.version}`] : []),
      'A bundle with another engine brings it: airferry host install -b FILE, with --allow-downgrade for an older one.',
      ...(release ? ['What was there before airferry comes back with: airferry host uninstall.'] : []),
    ],
  });
}
