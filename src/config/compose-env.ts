/**
 * `.env` files as docker compose reads them: `NAME=value`, `export NAME=value`, `NAME: value`; `'…'` is taken as it stands,
 * `"…"` knows escapes, unquoted values end at ` #`. Variables in a value are those of the environment and of lines above.
 */
import type { ErrorCode } from '../errors.ts';
import { interpolate, type Lookup } from './interpolate.ts';
import { type Problem, printable, problemsError } from './problem.ts';
import { readText } from './read.ts';

const CODE: ErrorCode = 'ENV_FILE_INVALID';
const ASSIGNMENT = /^(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*(?:[=:][ \t]*|$)/;
const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };
const MOST_PROBLEMS = 100;
/** Characters of all values: lines that repeat the ones above add up. */
const MOST_CHARACTERS = 4 << 20;

/** Read an env file. Throws FILE_NOT_FOUND, FILE_UNREADABLE or ENV_FILE_INVALID with line and column. */
export async function readEnvFile(file: string, environment: Lookup): Promise<Map<string, string>> {
  const text = await readText({ file, code: CODE }, 'Name another one with --env-file.');
  return parseEnv(text, file, environment);
}

/** The variables of an env file in their order. Throws ENV_FILE_INVALID. */
export function parseEnv(text: string, file: string, environment: Lookup): Map<string, string> {
  const found = new Map<string, string>();
  const problems: Problem[] = [];
  let characters = 0;
  const lookup: Lookup = name => environment(name) ?? found.get(name);
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length && problems.length < MOST_PROBLEMS; index++) {
    const written = lines[index] ?? '';
    const line = written.trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const at = { line: index + 1, column: written.length - line.length + 1 };
    const head = ASSIGNMENT.exec(line);
    if (head?.[1] === undefined) {
      problems.push({
        message: `this line is not NAME=value${line.includes('=') ? '' : ': it has no `=`'}`,
        at,
        suggestions: ['Begin a comment with #.'],
      });
      continue;
    }
    const name = head[1];
    const rest = line.slice(head[0].length);
    // A name alone is taken from the environment.
    if (!/[=:][ \t]*$/.test(head[0])) {
      const value = environment(name);
      if (value !== undefined) found.set(name, value);
      continue;
    }
    const quote = rest[0];
    if (quote !== '"' && quote !== "'") {
      const value = interpolate(rest.replace(/(?:^|[ \t])#.*$/s, '').trim(), lookup);
      set(name, value, at);
      continue;
    }
    const quoted = quotedValue(rest, quote, lines, index);
    if (quoted === undefined) {
      const column = at.column + head[0].length;
      problems.push({ message: 'the quote that opens here is never closed', at: { ...at, column } });
      break;
    }
    index = quoted.line;
    set(name, quote === "'" ? { text: quoted.text, unset: [] } : unescaped(quoted.text, lookup), at);
  }
  if (problems.length > 0) throw problemsError(problems, { file, code: CODE });
  return found;

  function set(name: string, value: ReturnType<typeof interpolate>, at: Problem['at']): void {
    if ('text' in value) {
      found.set(name, value.text);
      characters += value.text.length;
      if (characters <= MOST_CHARACTERS) return;
      problems.push({ message: 'the values grow beyond 4 MiB when their variables are replaced', at });
      lines.length = 0;
    } else
      problems.push({
        message: `the value of ${printable(name)} ${value.problem}`,
        at,
        suggestions: value.suggestion === undefined ? [] : [value.suggestion],
      });
  }
}

/** What stands between two quotes, over several lines if need be, and the index of its last line. */
function quotedValue(
  rest: string,
  quote: string,
  lines: readonly string[],
  index: number,
): { text: string; line: number } | undefined {
  const parts: string[] = [];
  for (let line = index, text = rest.slice(1); ; text = lines[line] ?? '') {
    const end = closingQuote(text, quote);
    if (end >= 0) return { text: [...parts, text.slice(0, end)].join('\n'), line };
    parts.push(text);
    if (++line >= lines.length) return undefined;
  }
}

function closingQuote(text: string, quote: string): number {
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Escapes, and then variables; an escaped `$` stays one. */
function unescaped(text: string, lookup: Lookup): ReturnType<typeof interpolate> {
  const plain = text.replace(/\\(.)/gs, (whole, char: string) => {
    if (char === '$') return '$$';
    return ESCAPES[char] ?? (char === '"' || char === '\\' ? char : whole);
  });
  return interpolate(plain, lookup);
}
