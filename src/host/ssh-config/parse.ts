/**
 * The text of ssh_config(5) as directives: keywords and their arguments. Pure; what they mean for a host is in
 * `resolve.ts`.
 */

export interface Directive {
  /** Lower case. */
  readonly keyword: string;
  /** Quotes and escapes resolved. */
  readonly args: readonly string[];
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Of an Include: the files that it names, in order. */
  readonly included?: readonly (readonly Directive[])[];
}

/** What is wrong with a line. */
export interface Mistake {
  file: string;
  line: number;
  message: string;
}

/** Longest line that is read, in characters, and most lines of a file. */
const MAX_LINE = 8_192;
const MAX_LINES = 100_000;

/** The directives of a file in order. A mistake is told, and its line left out. */
export function parseSshConfig(text: string, file: string): { directives: Directive[]; mistakes: Mistake[] } {
  const directives: Directive[] = [];
  const mistakes: Mistake[] = [];
  const lines = text.split('\n', MAX_LINES + 1);
  if (lines.length > MAX_LINES)
    mistakes.push({ file, line: MAX_LINES, message: 'the file has too many lines' });
  for (const [index, raw] of lines.slice(0, MAX_LINES).entries()) {
    const line = index + 1;
    const told = (message: string): void => void mistakes.push({ file, line, message });
    if (raw.length > MAX_LINE) told(`the line is longer than ${MAX_LINE} characters`);
    else {
      const directive = parseLine(raw, file, line, told);
      if (directive) directives.push(directive);
    }
  }
  return { directives, mistakes };
}

function parseLine(
  raw: string,
  file: string,
  line: number,
  told: (message: string) => void,
): Directive | undefined {
  const text = raw.replace(/[ \t\r\f]+$/, '').replace(/^[ \t]+/, '');
  if (text === '' || text.startsWith('#')) return undefined;
  const [, quoted, bare, rest = ''] =
    /^(?:"([^"]*)"|([^\s="]+))(?:[ \t]*=[ \t]*|[ \t]+)?(.*)$/.exec(text) ?? [];
  const keyword = (quoted ?? bare ?? '').toLowerCase();
  if (!/^[a-z0-9]+$/.test(keyword)) return void told('there is no keyword');
  const args = splitArguments(rest);
  if (args === undefined) return void told('a quote is never closed');
  if (args.length === 0) return void told(`${keyword} has no value`);
  return { keyword, args, file, line };
}

/**
 * Arguments as OpenSSH splits them: blanks between, `"…"` and `'…'` around, a backslash before quotes, blanks and
 * backslashes. A `#` at the beginning of one begins a comment. Undefined for a quote that is never closed.
 */
export function splitArguments(text: string): string[] | undefined {
  const args: string[] = [];
  let at = 0;
  while (at < text.length) {
    while (text[at] === ' ' || text[at] === '\t') at++;
    if (at >= text.length || text[at] === '#') break;
    let argument = '';
    let quote = '';
    for (; at < text.length; at++) {
      const char = text[at] ?? '';
      const next = text[at + 1] ?? '';
      if (
        char === '\\' &&
        (next === "'" || next === '"' || next === '\\' || (quote === '' && next === ' '))
      ) {
        argument += next;
        at++;
      } else if (quote === '' && (char === ' ' || char === '\t')) break;
      else if (quote === '' && (char === '"' || char === "'")) quote = char;
      else if (quote !== '' && char === quote) quote = '';
      else argument += char;
    }
    if (quote !== '') return undefined;
    args.push(argument);
  }
  return args;
}
