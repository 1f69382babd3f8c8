/** `host status`: what runs on each host, and what has changed there since airferry left it. */
import type { Shell } from '../host/shell.ts';
import { type HostState, readState } from '../host/state.ts';
import { findDrift } from '../phases/drift.ts';
import { surveyFor } from '../phases/gather-facts.ts';
import { inspectEngine } from '../phases/inspect-engine.ts';
import { DEFAULT_DATA_ROOT } from '../phases/wanted.ts';
import type { HostStatus, HostStatusOptions, HostStatusResult } from './host-results.ts';
import { type Extra, type HostRun, onEveryHost } from './host-run.ts';

type Status = Extra<HostStatus>;

const UNKNOWN: Status = { versions: {}, drift: [] };

/** Look at every host of the fleet; nothing is changed, and no lock taken. */
export async function hostStatus(options: HostStatusOptions): Promise<HostStatusResult> {
  const hosts = await onEveryHost<HostStatus>(options, UNKNOWN, run =>
    run.connected(undefined, shell => status(run, shell)),
  );
  return { hosts, dryRun: false };
}

async function status(run: HostRun, shell: Shell): Promise<Status> {
  const { state, survey } = await run.step('gather-facts', async () => {
    const recorded = await readState(shell);
    return { state: recorded, survey: await surveyFor(shell, recorded) };
  });
  const dataRoot = survey.engine?.dataRoot || DEFAULT_DATA_ROOT;
  const inspection = await run.step('inspect-engine', () => inspectEngine(shell, dataRoot));
  const installed = state && installedOf(state);
  return {
    ...inspection,
    drift: state ? findDrift(state, survey) : [],
    ...(survey.engine ? { engine: survey.engine } : {}),
    ...(installed ? { installed } : {}),
  };
}

function installedOf({ bundle, release, installedAt, updatedAt }: HostState): Status['installed'] {
  if (!bundle) return undefined;
  return {
    bundle,
    at: installedAt ?? updatedAt,
    ...(release ? { release: release.path.slice(release.path.lastIndexOf('/') + 1) } : {}),
  };
}
