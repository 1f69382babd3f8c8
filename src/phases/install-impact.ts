/** What an install is about to change of a running engine, found out by planning the phases that do it. */
import { isObject } from '../support/is-object.ts';
import { jsonIn } from '../support/json.ts';
import { copyFiles } from './copy-files.ts';
import type { Impact } from './keep-previous.ts';
import type { HostContext, Phase, Reporter } from './phase.ts';
import { switchRelease } from './switch-release.ts';
import { plannedDaemonJson, writeDaemonJson } from './write-daemon-json.ts';
import { writeUnits } from './write-units.ts';

const CHANGING: readonly Phase[] = [writeUnits, writeDaemonJson, copyFiles, switchRelease];
const ENGINE = 'docker.service';

export async function installImpact(context: HostContext, quiet: Reporter): Promise<Impact> {
  if (!context.wanted.engine) return { changes: false, restarts: false, liveRestore: false };
  const plans = (await Promise.all(CHANGING.map(phase => phase.plan(context, quiet)))).flatMap(
    plan => plan ?? [],
  );
  const { state } = context;
  const touches = plans.some(plan => (plan.restart ?? plan.reload ?? []).length > 0);
  const left = (state.pending ?? state.reload ?? []).length > 0;
  return {
    changes: touches || left,
    restarts: [...plans.flatMap(plan => plan.restart ?? []), ...(state.pending ?? [])].includes(ENGINE),
    liveRestore: keepsContainers(plannedDaemonJson(context).text),
  };
}

/** Whether an engine with this daemon.json leaves containers alone when it stops, and takes them over when it starts. */
export function keepsContainers(daemonJson: string | undefined): boolean {
  if (daemonJson === undefined) return false;
  const config = jsonIn(daemonJson);
  return isObject(config) && config['live-restore'] === true;
}
