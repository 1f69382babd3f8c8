/** Units and daemon.json as they were with a release, byte for byte; what came since goes, unless somebody wrote it. */
import { UNIT_DIR } from '../engine/units.ts';
import { command, quote } from '../host/quote.ts';
import type { Generation } from '../host/state.ts';
import { backupPath, CONFIG_PATHS } from './backups.ts';
import type { EngineContext, Phase, Plan } from './phase.ts';
import { type DesiredFile, planFiles } from './place-files.ts';
import { planUndo, runUndo } from './undo.ts';

export function restoreConfig({ files }: Generation): Phase<EngineContext> {
  return {
    name: 'restore-config',
    plan(context): Plan | undefined {
      const { survey, state, shell, wanted } = context;
      const differing = files.filter(({ path, sha256, mode }) => {
        const now = survey.paths.get(path);
        return now?.kind !== 'file' || now.sha256 !== sha256 || now.mode !== mode;
      });
      const plan = planFiles(context, differing.map(desired));
      const wantedPaths = new Set(files.map(({ path }) => path));
      const old = state.files.filter(({ path }) => CONFIG_PATHS.includes(path) && !wantedPaths.has(path));
      const undo = planUndo(old, survey);
      if (plan.changes.length + old.length === 0) return undefined;
      return {
        changes: [...plan.changes, ...undo.map(step => step.change)],
        files: plan.files,
        gone: old.map(({ path }) => path),
        restart: restarted(
          [...differing, ...old].map(({ path }) => path),
          wanted.engine?.unitNames ?? [],
        ),
        async run() {
          await plan.run();
          await runUndo(shell, undo);
        },
      };
    },
  };
}

function desired(file: Generation['files'][number]): DesiredFile {
  const { path, mode, sha256 } = file;
  return {
    path,
    mode,
    sha256,
    async write(shell) {
      const part = `${path}.airferry`;
      const script = `set -e
${command(['mkdir', '-p', '--', path.slice(0, path.lastIndexOf('/'))])}
cp -- ${quote(backupPath(file))} ${quote(part)}
chown root:root -- ${quote(part)}
chmod ${mode} -- ${quote(part)}
sync -- ${quote(part)} 2>/dev/null || sync
mv -f -T -- ${quote(part)} ${quote(path)}`;
      await shell.run(script, { root: true, title: `restore ${path}` });
    },
  };
}

function restarted(paths: readonly string[], units: readonly string[]): string[] {
  return units.filter(unit =>
    paths.some(
      path =>
        path.startsWith(`${UNIT_DIR}/${unit}`) || (unit === 'docker.service' && !path.startsWith(UNIT_DIR)),
    ),
  );
}
