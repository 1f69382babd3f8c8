/**
 * The configuration as it was with a release, byte for byte: units, daemon.json, the recipe's files, the registry's CA and
 * line, compose. What came since goes, unless somebody wrote it.
 */
import { posix } from 'node:path';
import { command, quote } from '../host/quote.ts';
import type { Generation } from '../host/state.ts';
import { backupPath, goesBack } from './backups.ts';
import { DAEMON_JSON } from './daemon-files.ts';
import { planHostsLine } from './hosts-line.ts';
import { planComposeLinks } from './install-compose.ts';
import type { EngineContext, Phase, Plan } from './phase.ts';
import { type DesiredFile, planFiles } from './place-files.ts';
import { planUndo, runUndo } from './undo.ts';
import { belongsTo } from './write-units.ts';

export function restoreConfig({ files, links, hostsLine }: Generation): Phase<EngineContext> {
  return {
    name: 'restore-config',
    plan(context): Plan | undefined {
      const { survey, state, shell, wanted } = context;
      const written = planFiles(context, files.map(desired));
      const kept = new Set(files.map(({ path }) => path));
      const old = state.files.filter(file => goesBack(file) && !kept.has(file.path));
      const undo = planUndo(old, survey);
      const compose = planComposeLinks(context, links);
      const line = planHostsLine(context, hostsLine);
      if (written.changes.length + old.length === 0 && !compose && !line) return undefined;
      const gone = old.map(({ path }) => path);
      const touched = [...written.files.map(({ path }) => path), ...gone];
      return {
        changes: [
          ...written.changes,
          ...undo.map(step => step.change),
          ...(compose?.changes ?? []),
          ...(line?.changes ?? []),
        ],
        files: [...written.files, ...(compose?.files ?? [])],
        gone: [...gone, ...(compose?.gone ?? [])],
        made: line?.made ?? [],
        restart: restarted(touched, wanted.engine?.unitNames ?? []),
        async run() {
          await written.run();
          await runUndo(shell, undo);
          await compose?.run();
          await line?.run();
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
${command(['mkdir', '-p', '--', posix.dirname(path)])}
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
    paths.some(path => belongsTo(path, unit) || (unit === 'docker.service' && path === DAEMON_JSON)),
  );
}
