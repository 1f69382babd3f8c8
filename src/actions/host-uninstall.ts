/** `host uninstall`: exactly what was installed is taken away, and what was there before comes back. */
import type { Shell } from '../host/shell.ts';
import { forgetHost } from '../phases/forget-host.ts';
import { gather, surveyFor } from '../phases/gather-facts.ts';
import type { BareContext, Phase } from '../phases/phase.ts';
import { purgeData } from '../phases/purge-data.ts';
import { removeFiles } from '../phases/remove-files.ts';
import { removeGroup } from '../phases/remove-group.ts';
import { returnDocker } from '../phases/return-docker.ts';
import { stopContainers } from '../phases/stop-containers.ts';
import { stopEngine } from '../phases/stop-engine.ts';
import type { HostUninstallOptions, HostUninstallResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';

/** Uninstall on every host of the fleet. A host on which airferry installed nothing stays as it is. */
export async function hostUninstall(options: HostUninstallOptions): Promise<HostUninstallResult> {
  const { dryRun = false } = options;
  const lock = dryRun ? undefined : { purpose: 'host uninstall' };
  const hosts = await onEveryHost(options, {}, async run => {
    await run.connected(lock, shell => uninstall(run, shell, options));
    return {};
  });
  return { hosts, dryRun };
}

async function uninstall(run: HostRun, shell: Shell, options: HostUninstallOptions): Promise<void> {
  const context = await run.step('gather-facts', () => prepare(run, shell, options));
  if (!context) return;
  const { purge = false, stopContainers: mayStop = false } = options;
  const phases: Phase<BareContext>[] = [stopContainers(mayStop), stopEngine];
  if (purge) phases.push(purgeData);
  phases.push(removeFiles, removeGroup, returnDocker, forgetHost(purge));
  for (const phase of phases) await run.phase(phase, context);
}

async function prepare(
  run: HostRun,
  shell: Shell,
  { dryRun = false, signal }: HostUninstallOptions,
): Promise<BareContext | undefined> {
  const { facts, recorded } = await gather(shell);
  if (facts.privilege.how === 'none') throw facts.privilege.problem;
  if (!recorded) return undefined;
  const survey = await surveyFor(shell, recorded);
  const { findings } = run;
  const context: BareContext = { shell, facts, survey, dryRun, findings, done: [], state: recorded };
  return signal ? { ...context, signal } : context;
}
