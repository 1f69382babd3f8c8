/** The way back of one host: to a release that is kept on it, and its configuration. Images and containers stay. */
import type { AirferryError } from '../errors.ts';
import type { GatheredFacts } from '../host/facts.ts';
import type { Shell } from '../host/shell.ts';
import type { Generation, HostState } from '../host/state.ts';
import { backupPath, CONFIG_PATHS } from '../phases/backups.ts';
import { checkHealth } from '../phases/check-health.ts';
import { checkPrevious } from '../phases/check-previous.ts';
import { DAEMON_JSON } from '../phases/daemon-files.ts';
import { surveyFor } from '../phases/gather-facts.ts';
import { keepsContainers } from '../phases/install-impact.ts';
import { keepPrevious } from '../phases/keep-previous.ts';
import type { EngineContext, Phase } from '../phases/phase.ts';
import { engineOf } from '../phases/previous-release.ts';
import { recordState } from '../phases/record-state.ts';
import { restoreConfig } from '../phases/restore-config.ts';
import { startEngine } from '../phases/start-engine.ts';
import { switchRelease } from '../phases/switch-release.ts';
import { waitReady } from '../phases/wait-ready.ts';
import type { HostRun } from './host-run.ts';

const ENGINE = 'docker.service';

export interface RollBack {
  shell: Shell;
  facts: GatheredFacts;
  state: HostState;
  /** Where to. */
  to: Generation;
  dryRun?: boolean;
  /** After a change that failed: nobody asked for it, and it is taken whatever runs. */
  unasked?: boolean;
  signal?: AbortSignal;
}

/** Go back. Throws what its phases throw. */
export async function rollBack(run: HostRun, back: RollBack): Promise<void> {
  const { to, unasked = false } = back;
  const { context, daemonJson } = await run.step('gather-facts', () => prepare(run, back));
  const restoring: readonly Phase<EngineContext>[] = [restoreConfig(to), switchRelease];
  const impact = keepPrevious<EngineContext>(async (ahead, quiet) => {
    const plans = await Promise.all(restoring.map(phase => phase.plan(ahead, quiet)));
    const pending = [...plans.flatMap(plan => plan?.restart ?? []), ...(ahead.state.pending ?? [])];
    const changes = plans.some(plan => plan !== undefined) || pending.length > 0;
    return { changes, restarts: pending.includes(ENGINE), liveRestore: keepsContainers(daemonJson) };
  }, to);
  const phases = [
    checkPrevious(to, unasked),
    impact,
    ...restoring,
    startEngine,
    waitReady,
    checkHealth(unasked),
    recordState,
  ];
  for (const phase of phases) await run.phase(phase, context);
}

async function prepare(
  run: HostRun,
  { shell, facts, state, to, dryRun = false, signal }: RollBack,
): Promise<{ context: EngineContext; daemonJson: string | undefined }> {
  const engine = engineOf(to, state);
  const kept = to.files.find(({ path }) => path === DAEMON_JSON);
  const survey = await surveyFor(shell, state, undefined, {
    paths: [
      ...CONFIG_PATHS,
      ...to.files.flatMap(file => [file.path, backupPath(file)]),
      ...[...to.links, ...engine.release.links].map(({ path }) => path),
    ],
    contents: kept ? [backupPath(kept)] : [],
  });
  const wanted = { engine, ...(to.bundle ? { bundle: to.bundle } : {}) };
  const context = { shell, facts, survey, wanted, dryRun, findings: run.findings, done: [], state };
  return {
    context: signal ? { ...context, signal } : context,
    daemonJson: kept && survey.contents.get(backupPath(kept)),
  };
}

/**
 * Failures that end nothing but the change itself: the host can still be spoken to, and nobody called it off. A timeout is
 * that of a command on the host, such as one that asks an engine which hangs.
 */
export function canRollBack(error: AirferryError): boolean {
  return ['ENGINE_NOT_READY', 'HEALTH_CHECK_FAILED', 'HOST_COMMAND_FAILED', 'HOST_TIMEOUT'].includes(
    error.code,
  );
}
