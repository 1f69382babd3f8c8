/**
 * How things stand on a host, asked in one round trip: every path that airferry left or is to write, with its hash; the
 * units; daemon.json. The script only looks. What it prints is read here, and is bounded.
 */
import { AirferryError } from '../errors.ts';
import { DEFINE_SUMS, FINGERPRINT } from '../host/hashing.ts';
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import type { EngineNow } from './engine-now.ts';
import { keyedLines } from './keyed-lines.ts';

export type PathState =
  | { kind: 'absent' | 'dir' | 'other' }
  | { kind: 'link'; target: string }
  /** `mode` as `0644`, `size` in bytes; `sha256` is empty where the file could not be read. */
  | { kind: 'file'; mode: string; size: number; sha256: string };

export interface UnitState {
  /** `active`, `inactive`, `failed`, `activating` … exactly as systemd says it. */
  active: string;
  /** `enabled`, `disabled` …; empty where there is no such unit. */
  enabled: string;
}

/** All of it at once; `surveyFor` asks it. */
export interface Survey extends FileSurvey, EngineNow {}

export interface FileSurvey {
  paths: ReadonlyMap<string, PathState>;
  units: ReadonlyMap<string, UnitState>;
  /** Of the files that were asked for as a whole: path and content. */
  contents: ReadonlyMap<string, string>;
  /** Whether /etc/hosts ends without a newline. */
  hostsOpenEnded: boolean;
  /** Those of the folders asked for that cannot be written to, not even by root. */
  readOnly: readonly string[];
}

export interface SurveyQuestions {
  paths: readonly string[];
  /**
   * Files that were hashed before: where a file's inode says the same as then, its hash is taken to be the same, too.
   * Default none: all are hashed.
   */
  known?: readonly KnownFile[];
  /** Small files whose content is wanted; at most 1 MiB each. */
  contents: readonly string[];
  units: readonly string[];
  /** Folders to be written to; where one is not there yet, the nearest above it counts. */
  folders?: readonly string[];
}

export interface KnownFile {
  path: string;
  sha256: string;
  /** What `stat -c FINGERPRINT` said of it then. */
  seen: string;
}

/** Bytes of an answer that are kept. */
const MAX_ANSWER = 16 * 1024 * 1024;
const MAX_CONTENT = 1024 * 1024;
/** Milliseconds: hashing a release on a slow disk. */
const TIMEOUT_MS = 10 * 60_000;

/** Ask a host. Throws HOST_COMMAND_FAILED for an answer that is none, and what a connection throws. */
export async function surveyHost(shell: Shell, questions: SurveyQuestions): Promise<FileSurvey> {
  const paths = [...new Set(questions.paths)];
  const known = new Map(questions.known?.map(file => [file.path, file]));
  const result = await shell.run(surveyScript(questions), {
    root: true,
    stdin: [...[...known.values()].map(({ seen, path }) => `${seen} ${path}`), ...paths, ''].join('\n'),
    title: 'survey the host',
    maxOutput: MAX_ANSWER,
    timeoutMs: TIMEOUT_MS,
  });
  const survey = parseSurvey(result.stdout, paths, known);
  if (survey) return survey;
  throw new AirferryError('HOST_COMMAND_FAILED', `${shell.target.name} did not answer all questions`, {
    where: { host: shell.target.name },
    suggestions: ['Check that /bin/sh and coreutils work there, and that its start-up files print nothing.'],
  });
}

/** All links by one `readlink`, unless it does not answer for each. */
const TELL_LINKS = `if [ -n "$links" ]; then (
  set -f; IFS=$nl
  targets=$(readlink -- $links 2>/dev/null)
  set -- $targets; answers=$#
  set -- $links
  for p in "$@"; do
    put link "$p"
    if [ $answers = $# ]; then put target "\${targets%%"$nl"*}"; targets=\${targets#*"$nl"}
    else put target "$(readlink -- "$p")"; fi
  done
) fi`;

/** Of the files that are the script's arguments, sets those aside for which their inodes vouch. */
const TELL_SAME = `if [ -n "$known" ]; then
  now=$nl$(stat -c '${FINGERPRINT} %n' -- "$@" 2>/dev/null)$nl
  same=$nl; set -f; IFS=$nl
  for line in $known; do
    case $now in *"$nl$line$nl"*) p=\${line#* * * * }; put same "$p"; same=$same$p$nl;; esac
  done
  unset IFS; set +f; n=$#
  while [ $n -gt 0 ]; do
    p=$1; shift; n=$((n-1))
    case $same in *"$nl$p$nl"*) ;; *) set -- "$@" "$p";; esac
  done
fi`;

/** The script; what is known, and then paths, come on its stdin, one in a line. */
function surveyScript({ contents, units, folders = [] }: Omit<SurveyQuestions, 'paths'>): string {
  return `put() { printf '%s=%s\\n' "$1" "$2"; }
${DEFINE_SUMS}
set --
links=; known=; nl='
'
while IFS= read -r p; do
  case $p in /*) ;; *) known=$known$p$nl; continue;; esac
  if [ -L "$p" ]; then links=$links$p$nl
  elif [ -f "$p" ]; then set -- "$@" "$p"
  elif [ -d "$p" ]; then put dir "$p"
  elif [ -e "$p" ]; then put other "$p"
  fi
done
${TELL_LINKS}
if [ $# -gt 0 ]; then
  stat -c 'file=%a %s %n' -- "$@" 2>/dev/null
  ${TELL_SAME}
fi
if [ $# -gt 0 ]; then
  sums "$@" 2>/dev/null | while IFS= read -r line; do put sum "$line"; done
fi
for f in ${contents.map(quote).join(' ')}; do
  if [ -f "$f" ]; then put content "$f"; head -c ${MAX_CONTENT} -- "$f" | base64 | while IFS= read -r line; do put base64 "$line"; done; fi
done
for d in ${folders.map(quote).join(' ')}; do
  e=$d
  while [ ! -e "$e" ] && [ "$e" != / ]; do e=\${e%/*}; e=\${e:-/}; done
  [ -w "$e" ] || put readonly "$d"
done
if [ -n "$(tail -c 1 /etc/hosts 2>/dev/null)" ]; then put hosts open; fi
systemctl show -p Id -p ActiveState -p UnitFileState ${units.map(quote).join(' ')} 2>/dev/null |
  while IFS= read -r line; do put unit "$line"; done
put end 1`;
}

/** What the script printed; undefined when it was cut short. */
export function parseSurvey(
  answer: string,
  asked: readonly string[],
  known: ReadonlyMap<string, KnownFile> = new Map(),
): FileSurvey | undefined {
  const paths = new Map<string, PathState>(asked.map(path => [path, { kind: 'absent' }]));
  const units = new Map<string, UnitState>();
  const encoded = new Map<string, string>();
  let last = '';
  let unit: Partial<Record<string, string>> = {};
  const readOnly: string[] = [];
  let hostsOpenEnded = false;
  let ended = false;
  for (const [key, value] of keyedLines(answer)) {
    switch (key) {
      case 'link':
        last = value;
        break;
      case 'target':
        paths.set(last, { kind: 'link', target: value });
        break;
      case 'dir':
      case 'other':
        paths.set(value, { kind: key });
        break;
      case 'file':
        setFile(paths, value);
        break;
      case 'sum':
        setSum(paths, value);
        break;
      case 'same': {
        const file = known.get(value);
        if (file) setHash(paths, value, file.sha256);
        break;
      }
      case 'content':
        last = value;
        encoded.set(value, '');
        break;
      case 'base64':
        encoded.set(last, (encoded.get(last) ?? '') + value);
        break;
      case 'hosts':
        hostsOpenEnded = true;
        break;
      case 'readonly':
        readOnly.push(value);
        break;
      case 'unit':
        unit = addProperty(units, unit, value);
        break;
      case 'end':
        ended = true;
    }
  }
  if (!ended) return undefined;
  const contents = new Map(
    [...encoded].map(([path, text]) => [path, Buffer.from(text, 'base64').toString('utf8')]),
  );
  return { paths, units, contents, hostsOpenEnded, readOnly };
}

function setFile(paths: Map<string, PathState>, value: string): void {
  const [, mode, size, path] = /^([0-7]{1,4}) (\d{1,15}) (.*)$/.exec(value) ?? [];
  if (mode === undefined || path === undefined) return;
  paths.set(path, { kind: 'file', mode: mode.padStart(4, '0'), size: Number(size), sha256: '' });
}

function setSum(paths: Map<string, PathState>, value: string): void {
  const [, sha256, path] = /^([0-9a-f]{64}) [ *](.*)$/.exec(value) ?? [];
  if (sha256 !== undefined && path !== undefined) setHash(paths, path, sha256);
}

function setHash(paths: Map<string, PathState>, path: string, sha256: string): void {
  const state = paths.get(path);
  if (state?.kind === 'file') state.sha256 = sha256;
}

/** Properties of a unit come in a block, in systemd's order; the last of the three completes it. */
function addProperty(
  units: Map<string, UnitState>,
  block: Partial<Record<string, string>>,
  value: string,
): Partial<Record<string, string>> {
  const [, name = '', text = ''] = /^(\w+)=(.*)$/.exec(value) ?? [];
  if (name === '') return {};
  const merged = { ...block, [name]: text };
  const { Id, ActiveState, UnitFileState } = merged;
  if (Id !== undefined && ActiveState !== undefined && UnitFileState !== undefined)
    units.set(Id, { active: ActiveState, enabled: UnitFileState });
  return merged;
}
