/**
 * The way back: a release's configuration as it was on the host, byte for byte: units, daemon.json, the recipe's files,
 * the registry's CA and line, compose. The files are kept under their hash, so that the same content is there once, and
 * readable by root alone, since daemon.json may hold a proxy's password.
 */
import { COMPOSE_DIR } from '../engine/release.ts';
import { UNIT_PATHS } from '../engine/units.ts';
import { command, quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import type { Generation, HostState, InstalledFile } from '../host/state.ts';
import { DAEMON_JSON } from './daemon-files.ts';
import { ETC_HOSTS, ourLines } from './etc-hosts.ts';
import { isRecipeFile, isRegistryCa } from './origin.ts';
import type { BareContext } from './phase.ts';

export const BACKUPS_DIR = '/var/lib/airferry/backups';
/** Milliseconds: a recipe's files may be large. */
const TIMEOUT_MS = 10 * 60_000;

/** What an engine runs on besides its programs. */
export const CONFIG_PATHS: readonly string[] = [...UNIT_PATHS, DAEMON_JSON];

/** Whether a file goes back with a release. What prepares the host for any engine (sysctl, modules) does not. */
export function goesBack(file: InstalledFile): boolean {
  return CONFIG_PATHS.includes(file.path) || isRegistryCa(file.path) || isRecipeFile(file);
}

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
  const paths = new Set([...CONFIG_PATHS, ...state.files.filter(goesBack).map(({ path }) => path)]);
  const files = [...paths].flatMap(path => {
    const now = survey.paths.get(path);
    return now?.kind === 'file' && now.sha256 !== '' ? [{ path, mode: now.mode, sha256: now.sha256 }] : [];
  });
  const links = state.files.flatMap(({ path, target = '' }) => {
    const now = survey.paths.get(path);
    const holds = target.startsWith(`${COMPOSE_DIR}/`) && now?.kind === 'link' && now.target === target;
    return holds ? [{ path, target }] : [];
  });
  const [hostsLine] = state.changes.some(({ kind }) => kind === 'hosts-line')
    ? ourLines(survey.contents.get(ETC_HOSTS)?.split('\n') ?? [])
    : [];
  return {
    release,
    ...(bundle ? { bundle } : {}),
    files,
    links,
    ...(hostsLine === undefined ? {} : { hostsLine }),
  };
}

/** Keep the files of a generation; those that are kept already stay. */
export async function keepFiles(shell: Shell, { files }: Generation): Promise<void> {
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
while read -r sum path; do keep "$path" "$sum"; done
sync -- . 2>/dev/null || sync`;
  await shell.run(script, {
    root: true,
    stdin: files.map(({ sha256, path }) => `${sha256} ${path}\n`).join(''),
    title: 'keep the configuration',
    timeoutMs: TIMEOUT_MS,
  });
}

/** Every generation that a state may still need. */
export function generationsOf({ previous, trial }: HostState): Generation[] {
  return [previous, trial?.from, trial?.back].filter(generation => generation !== undefined);
}

/** Remove what no generation of the state needs any more. */
export async function pruneBackups(shell: Shell, state: HostState): Promise<void> {
  const kept = new Set(generationsOf(state).flatMap(({ files }) => files.map(({ sha256 }) => sha256)));
  const script = `cd ${quote(BACKUPS_DIR)} 2>/dev/null || exit 0
kept=$(cat)
for f in *; do
  case $kept in *" $f "*) ;; *) rm -f -- "$f";; esac
done
${command(['rmdir', '--', BACKUPS_DIR])} 2>/dev/null || :`;
  await shell.run(script, {
    root: true,
    stdin: ` ${[...kept].join(' ')} \n`,
    title: 'remove old backups',
  });
}
