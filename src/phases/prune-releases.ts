/** Of the releases on a host, compose's among them, the current one and the one before it stay; older ones go, but never one that is in use. */
import { posix } from 'node:path';
import { COMPOSE_DIR, INSTALL_ROOT, RELEASES_DIR } from '../engine/release.ts';
import type { Shell } from '../host/shell.ts';
import type { EngineContext, Phase } from './phase.ts';
import { planUndo, runUndo } from './undo.ts';

export const pruneReleases: Phase<EngineContext> = {
  name: 'prune-releases',
  async plan(context, report) {
    const { engine } = context.wanted;
    const { state, survey, shell } = context;
    const { previous, trial, release } = state;
    const current = engine?.release.dir ?? release?.path;
    const before = trial?.from && trial.from.release.path !== current ? trial.from : previous;
    const composes = [...state.files, ...(before?.links ?? [])].flatMap(({ target }) =>
      target?.startsWith(`${COMPOSE_DIR}/`) ? posix.dirname(target) : [],
    );
    const kept = new Set([current, before?.release.path, ...composes]);
    const old = state.files.filter(
      ({ kind, path }) =>
        kind === 'dir' && [RELEASES_DIR, COMPOSE_DIR].includes(posix.dirname(path)) && !kept.has(path),
    );
    if (old.length === 0) return undefined;
    const used = await programsInUse(shell);
    const inUse = (dir: string): boolean => used.some(program => program.startsWith(`${dir}/`));
    for (const { path } of old) if (inUse(path)) report.note(`${path} stays: programs of it still run`);
    const going = old.filter(({ path }) => !inUse(path));
    if (going.length === 0) return undefined;
    const files = state.files.filter(({ path }) =>
      going.some(dir => path === dir.path || path.startsWith(`${dir.path}/`)),
    );
    const undo = planUndo(files, survey);
    return {
      changes: undo.map(step => step.change),
      gone: files.map(({ path }) => path),
      run: () => runUndo(shell, undo),
    };
  },
};

/** The programs of all processes of the host: shims live as long as their containers do. */
async function programsInUse(shell: Shell): Promise<string[]> {
  const { stdout } = await shell.run(
    `for p in /proc/[0-9]*; do readlink "$p/exe"; done 2>/dev/null | grep -F '${INSTALL_ROOT}/' | sort -u; :`,
    { root: true, title: 'look for programs in use' },
  );
  return stdout.split('\n').filter(Boolean);
}
