/**
 * The way back, for each kind of thing that is recorded: links and files of ours are removed, what was there before is
 * put back, and nothing that somebody else put into the place meanwhile is touched. A step may be done twice.
 */
import { INSTALL_ROOT } from '../engine/release.ts';
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import type { InstalledFile } from '../host/state.ts';
import { SAVED_SUFFIX } from './place-files.ts';
import type { PathState, Survey } from './survey.ts';

export interface UndoStep {
  /** `remove /etc/motd`, `restore /etc/motd` … */
  change: string;
  /** A call of the script's functions. */
  call: string;
}

const RELEASE_DIR = new RegExp(`^${INSTALL_ROOT}/(?:releases|compose)/[A-Za-z0-9][A-Za-z0-9.+_~-]*$`);
/** Linux takes 128 KiB in one argument; the script is one. */
const MAX_CALLS = 60_000;

/** What has to be done to take these away again, in the order in which it has to be. */
export function planUndo(files: readonly InstalledFile[], survey: Pick<Survey, 'paths'>): UndoStep[] {
  const state = (path: string): PathState => survey.paths.get(path) ?? { kind: 'absent' };
  const dirs = files.filter(file => file.kind === 'dir').sort((a, b) => b.path.length - a.path.length);
  const releases = dirs.filter(dir => RELEASE_DIR.test(dir.path));
  const inReleases = (path: string): boolean => releases.some(dir => path.startsWith(`${dir.path}/`));
  const links = files.filter(file => file.kind === 'link');
  const plain = files.filter(file => file.kind === 'file' && !inReleases(file.path));
  return [
    ...links.flatMap(file => undoLink(file, state(file.path))),
    ...plain.flatMap(file => undoFile(file, state(file.path), state(file.replaced ?? ''))),
    ...releases
      .filter(dir => state(dir.path).kind === 'dir')
      .map(({ path }) => ({ change: `remove ${path}`, call: `rm -rf -- ${quote(path)}` })),
    ...dirs
      .filter(dir => !releases.includes(dir) && !inReleases(dir.path) && state(dir.path).kind === 'dir')
      .map(({ path }) => ({ change: `remove ${path} if it is empty`, call: `empty ${quote(path)}` })),
  ];
}

/** Do it; a step that finds things otherwise than they were surveyed leaves them alone. */
export async function runUndo(shell: Shell, steps: readonly UndoStep[]): Promise<void> {
  let batch: string[] = [];
  let size = 0;
  const flush = async (): Promise<void> => {
    if (batch.length > 0)
      await shell.run(`${FUNCTIONS}\n${batch.join('\n')}`, {
        root: true,
        title: 'take away what was installed',
      });
    batch = [];
    size = 0;
  };
  for (const { call } of steps) {
    if (size + call.length > MAX_CALLS) await flush();
    batch.push(call);
    size += call.length + 1;
  }
  await flush();
}

const FUNCTIONS = `set -e
unlink_ours() { if [ -L "$1" ] && [ "$(readlink -- "$1")" = "$2" ]; then rm -f -- "$1"; fi; }
put_back() { if [ -e "$2" ] || [ -L "$2" ]; then mv -f -T -- "$2" "$1"; fi; }
save() { if [ -e "$1" ]; then mv -f -T -- "$1" "$1${SAVED_SUFFIX}"; fi; }
empty() { rmdir -- "$1" 2>/dev/null || :; }`;

function undoLink({ path, target = '', replaced }: InstalledFile, now: PathState): UndoStep[] {
  if (now.kind !== 'link' || now.target !== target) return [];
  const steps = [{ change: `remove ${path}`, call: `unlink_ours ${quote(path)} ${quote(target)}` }];
  if (replaced) steps.push({ change: `restore ${path}`, call: `put_back ${quote(path)} ${quote(replaced)}` });
  return steps;
}

function undoFile(file: InstalledFile, now: PathState, original: PathState): UndoStep[] {
  const { path, replaced } = file;
  const has = (sha256: string | undefined): boolean =>
    now.kind === 'file' && sha256 !== undefined && now.sha256 === sha256;
  const ours = has(file.sha256) || has(file.before);
  const restore = { change: `restore ${path}`, call: `put_back ${quote(path)} ${quote(replaced ?? '')}` };
  if (replaced && original.kind !== 'absent') {
    const untouched = original.kind === 'file' && has(original.sha256);
    if (now.kind === 'absent' || ours || untouched) return [restore];
    return [save(path), restore];
  }
  if (ours) return [{ change: `remove ${path}`, call: `rm -f -- ${quote(path)}` }];
  // Without the original, which was to be kept first, this is the original: an install was interrupted before it.
  return now.kind === 'absent' || replaced ? [] : [save(path)];
}

function save(path: string): UndoStep {
  return {
    change: `move ${path} aside to ${path}${SAVED_SUFFIX}: somebody changed it`,
    call: `save ${quote(path)}`,
  };
}
