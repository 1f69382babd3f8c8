/** `host rollback`: back to the release before, and to its configuration. Images and containers are left alone. */
import type { Shell } from '../host/shell.ts';
import { emptyState } from '../host/state.ts';
import { gather } from '../phases/gather-facts.ts';
import { chooseGeneration } from '../phases/previous-release.ts';
import type { HostRollbackOptions, HostRollbackResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';
import { rollBack } from './roll-back.ts';

/** Roll every host of the fleet back. A host that is at the wanted version already stays as it is. */
export async function hostRollback(options: HostRollbackOptions): Promise<HostRollbackResult> {
  const { dryRun = false } = options;
  const lock = dryRun ? undefined : { purpose: 'host rollback' };
  const hosts = await onEveryHost(options, {}, async run => {
    await run.connected(lock, shell => oneHost(run, shell, options));
    return {};
  });
  return { hosts, dryRun };
}

async function oneHost(run: HostRun, shell: Shell, options: HostRollbackOptions): Promise<void> {
  const { dryRun = false, to: version, signal } = options;
  const { facts, state, to } = await run.step('check-previous', async () => {
    const { facts, recorded } = await gather(shell);
    if (facts.privilege.how === 'none') throw facts.privilege.problem;
    const state = recorded ?? emptyState();
    return { facts, state, to: chooseGeneration(state, shell.target, version) };
  });
  if (to) await rollBack(run, { shell, facts, state, to, dryRun, ...(signal ? { signal } : {}) });
}
