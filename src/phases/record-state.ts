/** Write down what this host now is, and who made it so. */
import { audit } from '../host/audit.ts';
import { writeState } from '../host/state.ts';
import type { EngineContext, Phase } from './phase.ts';

export const recordState: Phase<EngineContext> = {
  name: 'record-state',
  plan(context) {
    const { wanted, state, done } = context;
    const { bundle } = wanted;
    const known = bundle === undefined || state.bundle?.digest === bundle.digest;
    if (known && done.length === 0) return undefined;
    return {
      changes: known ? [] : [`record bundle ${bundle.name} ${bundle.version}`],
      async run() {
        const now = new Date().toISOString();
        context.state = {
          ...context.state,
          ...(bundle ? { bundle } : {}),
          installedAt: context.state.installedAt ?? now,
          updatedAt: now,
        };
        await writeState(context.shell, context.state);
        await recordDone(context);
      },
    };
  },
};

/** One line in the audit log for each thing that was done. */
async function recordDone({ shell, wanted: { bundle }, done }: EngineContext): Promise<void> {
  await audit(
    shell,
    done.map(({ phase, what, files }) => ({
      phase,
      action: what,
      ...(files ? { files } : {}),
      result: 'changed',
      ...(bundle ? { bundle: bundle.digest } : {}),
    })),
  );
}
