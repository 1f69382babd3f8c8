/**
 * The way back: a release's configuration as it was on the host, byte for byte. The files are kept under their hash, so
 * that the same content is there once, and readable by root alone, since daemon.json may hold a proxy's password.
 */
import { UNIT_PATHS } from '../engine/units.ts';
import { command, quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import type { Generation, HostState } from '../host/state.ts';
import type { BareContext } from './phase.ts';
import { DAEMON_JSON } from './write-daemon-json.ts';

export const BACKUPS_DIR = '/var/lib/airferry/backups';

/** What belongs to a release besides its programs, and goes back with it. */
export const CONFIG_PATHS: readonly string[] = [...UNIT_PATHS, DAEMON_JSON];

export function backupPath({ sha256 }: { sha256: string }): string {
  return `${BACKUPS_DIR}/${sha256}`;
}

/** The current release with its configuration as it lies there, an operator's changes included. */
export function generationOf({
  state,
  survey,
}: Pick<BareContext, 'state' | 'survey'>): Generation | undefined {
  const { release, bundle } = state;
  if (!release) return undefined;
  const files = CONFIG_PATHS.flatMap(path => {
    const now = survey.paths.get(path);
    return now?.kind === 'file' && now.sha256 !== '' ? [{ path, mode: now.mode, sha256: now.sha256 }] : [];
  });
  return { release, ...(bundle ? { bundle } : {}), files };
}

/** Keep the files of a generation; those that are kept already stay. */
export async function keepFiles(shell: Shell, { files }: Generation): Promise<void> {
  const lines = files.map(file => `keep ${quote(file.path)} ${file.sha256}`);
  const script = `set -e
mkdir -p -m 0700 -- ${quote(BACKUPS_DIR)}
cd ${quote(BACKUPS_DIR)}
keep() {
  if [ -f "$2" ]; then return 0; fi
  (umask 077; cat -- "$1" > "$2.part")
  sum=$(sha256sum < "$2.part")
  if [ "\${sum%% *}" != "$2" ]; then echo "$1 is being changed by somebody else" >&2; exit 1; fi
  mv -f -- "$2.part" "$2"
}
${lines.join('\n')}
sync -- . 2>/dev/null || sync`;
  await shell.run(script, { root: true, title: 'keep the configuration' });
}

/** Every generation that a state may still need. */
export function generationsOf({ previous, trial }: HostState): Generation[] {
  return [previous, trial?.from, trial?.back].filter(generation => generation !== undefined);
}

/** Remove what no generation of the state needs any more. */
export async function pruneBackups(shell: Shell, state: HostState): Promise<void> {
  const kept = new Set(generationsOf(state).flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
  const script = `cd ${quote(BACKUPS_DIR)} 2>/dev/null || exit 0
for f in *; do
  case ' ${[...kept].join(' ')} ' in *" $f "*) ;; *) rm -f -- "$f";; esac
done
${command(['rmdir', '--', BACKUPS_DIR])} 2>/dev/null || :`;
  await shell.run(script, { root: true, title: 'remove old backups' });
}
