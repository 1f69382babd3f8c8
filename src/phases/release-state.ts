/** Whether a release lies on a host as it was laid out: every binary recorded, there, and with its hash. */
import type { BareContext } from './phase.ts';
import type { RunnableEngine } from './wanted.ts';

export function releaseIsWhole(
  { survey, state }: Pick<BareContext, 'survey' | 'state'>,
  engine: RunnableEngine,
): boolean {
  return engine.release.files.every(({ path }) => {
    const recorded = state.files.find(file => file.path === path)?.sha256;
    const now = survey.paths.get(path);
    return recorded !== undefined && now?.kind === 'file' && now.sha256 === recorded && now.mode === '0755';
  });
}
