/** For the audit log: what files were before a phase, and what they are after it. */
import type { AuditedFile } from '../host/audit.ts';
import type { Plan } from './phase.ts';
import type { PathState, Survey } from './survey.ts';

const ABSENT = 'absent';

/** Files and links that the plans write or take away, those that stay as they are left out. */
export function auditedFiles(plans: readonly Plan[], survey: Survey): AuditedFile[] {
  const files = new Map<string, AuditedFile>();
  const note = (path: string, after: string): void => {
    const before = files.get(path)?.before ?? standing(survey.paths.get(path));
    files.set(path, { path, before, after });
  };
  for (const { files: written = [], gone = [] } of plans) {
    for (const { path, kind, sha256 = '', target = '' } of written)
      if (kind !== 'dir') note(path, kind === 'link' ? `link to ${target}` : `sha256:${sha256}`);
    for (const path of gone) note(path, ABSENT);
  }
  return [...files.values()].filter(({ before, after }) => before !== after);
}

function standing(state: PathState | undefined): string {
  switch (state?.kind) {
    case 'file':
      return state.sha256 === '' ? 'a file that could not be read' : `sha256:${state.sha256}`;
    case 'link':
      return `link to ${state.target}`;
    case 'dir':
      return 'a folder';
    case 'other':
      return 'no plain file';
    default:
      return ABSENT;
  }
}
