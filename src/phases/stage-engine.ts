/** Bring the engine's archive over, unless its release lies there already. Continues an interrupted upload. */
import { LAYOUT } from '../host/layout.ts';
import { uploadBlob } from '../host/transfer.ts';
import { formatBytes } from '../support/format.ts';
import type { Phase } from './phase.ts';
import { releaseIsWhole } from './release-state.ts';

/** Where a blob lies on a host until it is put to use. */
export function stagedPath({ digest }: { digest: string }): string {
  return `${LAYOUT.blobs}/sha256/${digest.replace('sha256:', '')}`;
}

export const stageEngine: Phase = {
  name: 'stage-engine',
  plan(context) {
    const { engine } = context.wanted;
    if (!engine || releaseIsWhole(context, engine)) return undefined;
    const { archive, version } = engine;
    const staged = context.survey.paths.get(stagedPath(archive));
    if (staged?.kind === 'file' && `sha256:${staged.sha256}` === archive.digest) return undefined;
    return {
      changes: [`upload engine ${version} (${formatBytes(archive.size)})`],
      async run(report) {
        await uploadBlob(context.shell, archive, {
          // It is unpacked next, and what comes out of it is synced.
          sync: false,
          onProgress: report.progress,
          ...(context.signal ? { signal: context.signal } : {}),
        });
      },
    };
  },
};
