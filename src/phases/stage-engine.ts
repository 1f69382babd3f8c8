/** Bring the engine's archive over, unless its release lies there already. Continues an interrupted upload. */
import { uploadBlob } from '../host/transfer.ts';
import { formatBytes } from '../support/format.ts';
import type { Phase } from './phase.ts';
import { releaseIsWhole } from './release-state.ts';

export const stageEngine: Phase = {
  name: 'stage-engine',
  plan(context) {
    const { engine } = context.wanted;
    if (!engine || releaseIsWhole(context, engine)) return undefined;
    const { archive, version } = engine;
    return {
      changes: [`upload engine ${version} (${formatBytes(archive.size)})`],
      async run(report) {
        await uploadBlob(context.shell, archive, {
          onProgress: report.progress,
          ...(context.signal ? { signal: context.signal } : {}),
        });
      },
    };
  },
};
