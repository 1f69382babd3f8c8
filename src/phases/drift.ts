/** What has changed on a host since airferry left it: files by their hash, links by where they lead, units by their state. */
import { unitNames } from '../engine/units.ts';
import type { HostState, InstalledFile } from '../host/state.ts';
import { ETC_HOSTS, ourLines } from './etc-hosts.ts';
import type { PathState, Survey } from './survey.ts';

/** A difference between a host and what airferry left there. */
export interface Drift {
  /** A file's path, or a unit's name. */
  what: string;
  kind: 'changed' | 'missing' | 'not-enabled' | 'not-running';
}

export function findDrift(state: HostState, survey: Survey): Drift[] {
  const etcHosts = survey.contents.get(ETC_HOSTS)?.split('\n') ?? [];
  return [
    ...state.files.flatMap(file => fileDrift(file, survey.paths.get(file.path) ?? { kind: 'absent' })),
    ...state.changes.flatMap((change): Drift[] =>
      change.kind === 'hosts-line' && !ourLines(etcHosts).includes(change.line.trim())
        ? [{ what: '/etc/hosts', kind: 'changed' }]
        : [],
    ),
    ...(state.release ? unitDrift(state.release.version, survey) : []),
  ];
}

function fileDrift(file: InstalledFile, now: PathState): Drift[] {
  const { path } = file;
  if (now.kind === 'absent') return [{ what: path, kind: 'missing' }];
  const same =
    (file.kind === 'dir' && now.kind === 'dir') ||
    (file.kind === 'link' && now.kind === 'link' && now.target === file.target) ||
    (file.kind === 'file' && now.kind === 'file' && now.sha256 === file.sha256 && now.mode === file.mode);
  return same ? [] : [{ what: path, kind: 'changed' }];
}

function unitDrift(version: string, { units }: Survey): Drift[] {
  return unitNames({ engine: version }).flatMap((what): Drift[] => {
    const unit = units.get(what);
    return [
      ...(unit?.enabled === 'enabled' ? [] : [{ what, kind: 'not-enabled' as const }]),
      ...(unit?.active === 'active' ? [] : [{ what, kind: 'not-running' as const }]),
    ];
  });
}
