/**
 * Before anything that runs is changed: keep the configuration that belongs to the release that is current, and remember which
 * containers run. From here until the health check the change is on trial, and a rollback knows where to go.
 */
import type { Generation, RanBefore, Trial } from '../host/state.ts';
import { plural } from '../support/format.ts';
import { generationOf, keepFiles } from './backups.ts';
import type { BareContext, Phase, Plan, Reporter } from './phase.ts';
import { askContainers, ranBefore } from './running-containers.ts';

/** Containers that a warning names. */
const MOST_NAMED = 6;

/** What the phases after this one are going to do. */
export interface Impact {
  /** Whether anything changes that the engine has to take note of. */
  changes: boolean;
  /** Whether dockerd restarts for it. */
  restarts: boolean;
  /** Whether containers are left alone while it does, as the daemon.json that is to come says. */
  liveRestore: boolean;
}

/** `back`: where a rollback goes. */
export function keepPrevious<Context extends BareContext>(
  impactOf: (context: Context, quiet: Reporter) => Promise<Impact> | Impact,
  back?: Generation,
): Phase<Context> {
  return {
    name: 'keep-previous',
    async plan(context, report): Promise<Plan | undefined> {
      const { state } = context;
      if (state.trial) return onTrial(state.trial, back);
      const impact = await impactOf(context, { progress: () => undefined, note: () => undefined });
      if (!impact.changes) return undefined;
      const before = await containersOf(context);
      const live = !impact.restarts || impact.liveRestore;
      if (!live) warnOfRestart(before, report.note);
      const from = generationOf(context);
      const trial: Trial = { ...(from ? { from } : {}), ...(back ? { back } : {}), containers: before, live };
      return {
        changes: from ? [`keep the configuration of engine ${from.release.version} for the way back`] : [],
        // Nothing refers to what is not kept yet; a dry run keeps nothing, but the phases to come look at it.
        ...(context.dryRun ? { trial } : {}),
        async run() {
          if (from) await keepFiles(context.shell, from);
          context.state = { ...context.state, trial };
        },
      };
    },
  };
}

/** An earlier run was interrupted: what it found is the truth, only the direction may be another one now. */
function onTrial(trial: Trial, back: Generation | undefined): Plan | undefined {
  if (trial.back === back || JSON.stringify(trial.back) === JSON.stringify(back)) return undefined;
  const { back: _, ...rest } = trial;
  return { changes: [], trial: { ...rest, ...(back ? { back } : {}) }, run: async () => undefined };
}

async function containersOf({ shell, survey, facts }: BareContext): Promise<RanBefore[]> {
  if (!survey.engine || survey.engine.containers.running === 0) return [];
  return ranBefore(await askContainers(shell), facts.clock);
}

/** Units are never killed as a group, but a daemon that is told to stop stops its containers, unless live-restore is on. */
function warnOfRestart(containers: readonly RanBefore[], note: (text: string) => void): void {
  if (containers.length === 0) return;
  const lost = containers.filter(container => !container.returns);
  const names = lost.slice(0, MOST_NAMED).map(({ name }) => name);
  const more = lost.length > names.length ? ` and ${lost.length - names.length} more` : '';
  note(
    `${plural(containers.length, 'container')} running, and live-restore is off: the engine stops them as it restarts` +
      (lost.length > 0
        ? `; without a restart policy, so that they stay stopped: ${names.join(', ')}${more}`
        : ', and starts them again') +
      '. "live-restore": true in daemon.json would keep them running',
  );
}
