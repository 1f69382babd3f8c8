/** Symbolic links on a host: made and switched in one step each, never in the place of what is not ours. */
import { posix } from 'node:path';
import { isOurs, type Link } from '../engine/release.ts';
import { AirferryError } from '../errors.ts';
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import type { InstalledFile } from '../host/state.ts';
import type { BareContext } from './phase.ts';
import { newFolders } from './place-files.ts';
import type { PathState } from './survey.ts';

export interface LinkPlan {
  /** Links that do not say what they should. */
  links: Link[];
  files: InstalledFile[];
}

/** Which links have to be set. Throws HOST_PREFLIGHT for what is in the way. */
export function planLinks(context: BareContext, wanted: readonly Link[]): LinkPlan {
  const { survey, state } = context;
  const stranger = wanted.find(link => !mayReplace(survey.paths.get(link.path)));
  if (stranger) throw inTheWay(stranger.path);
  const links = wanted.filter(({ path, target }) => {
    const now = survey.paths.get(path);
    const recorded = state.files.some(file => file.path === path && file.target === target);
    return !(now?.kind === 'link' && now.target === target && recorded);
  });
  const files = links.map(({ path, target }): InstalledFile => ({ path, kind: 'link', target }));
  return {
    links,
    files: [
      ...newFolders(
        context,
        links.map(link => link.path),
      ),
      ...files,
    ],
  };
}

/** Whether a link of ours may be put there: nothing lies there, or one that we made. */
export function mayReplace(now: PathState | undefined): boolean {
  if (now === undefined || now.kind === 'absent') return true;
  return now.kind === 'link' && (isOurs(now.target) || /^releases\/[^/]+$/.test(now.target));
}

/** Set links; each is whole at any time. */
export async function setLinks(shell: Shell, links: readonly Link[]): Promise<void> {
  if (links.length === 0) return;
  const folders = [...new Set(links.map(link => posix.dirname(link.path)))];
  const lines = [
    `mkdir -p -- ${folders.map(quote).join(' ')}`,
    ...links.map(({ path, target }) => `place ${quote(target)} ${quote(path)}`),
  ];
  const script = `set -e
place() { rm -f -- "$2.airferry"; ln -s -- "$1" "$2.airferry"; mv -f -T -- "$2.airferry" "$2"; }
${lines.join('\n')}`;
  await shell.run(script, { root: true, title: 'set links' });
}

function inTheWay(path: string): AirferryError {
  return new AirferryError('HOST_PREFLIGHT', `${path} is in the way: airferry did not put it there`, {
    where: { file: path },
    suggestions: [`Move it aside on the host (mv ${path} ${path}.before), then run the command again.`],
  });
}
