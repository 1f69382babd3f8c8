/**
 * Variables in text, in the notation of compose files: `$VAR`, `${VAR}`, and for what is not set or empty `${VAR:-default}`,
 * `${VAR:?message}`, `${VAR:+replacement}`; without the colon, only for what is not set. `$$` is a plain `$`.
 * Defaults may hold variables in turn. Source: compose-spec, 12-interpolation.md.
 */
import { printable } from './problem.ts';

/** The value of a variable; undefined where it is not set. */
export type Lookup = (name: string) => string | undefined;

export type Interpolated =
  /** `unset` are the variables that were replaced by nothing, each once. */
  { text: string; unset: string[] } | { problem: string; suggestion?: string };

/** Defaults within defaults; deeper means a mistake or malice. */
const DEEPEST = 20;
/** Characters of a result: variables that repeat one another add up. */
const MOST_CHARACTERS = 1 << 20;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const OPERATOR = /^:?[-?+]/;

/** Replace the variables of a text. What is wrong in it is a problem, said as a predicate: `has …`, `needs …`. */
export function interpolate(text: string, lookup: Lookup): Interpolated {
  if (!text.includes('$')) return { text, unset: [] };
  const unset = new Set<string>();
  try {
    return { text: expand(text, { lookup, unset, depth: 0 }), unset: [...unset] };
  } catch (error) {
    if (error instanceof Mistake) return error.found;
    throw error;
  }
}

interface Scope {
  lookup: Lookup;
  unset: Set<string>;
  depth: number;
}

/** Leaves the recursion; it does not get out of this file. */
class Mistake extends Error {
  readonly found: { problem: string; suggestion?: string };

  constructor(problem: string, suggestion?: string) {
    super(problem);
    this.found = { problem, suggestion };
  }
}

function expand(text: string, scope: Scope): string {
  if (scope.depth > DEEPEST) throw new Mistake('has defaults within defaults, too deep');
  let result = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) return result + text.slice(at);
    result += text.slice(at, dollar);
    const { value, end } = variable(text, dollar, scope);
    result += value;
    at = end;
    if (result.length > MOST_CHARACTERS)
      throw new Mistake('grows beyond 1 MiB when its variables are replaced');
  }
  return result;
}

/** What stands for the `$` at an offset, and where the text goes on. */
function variable(text: string, dollar: number, scope: Scope): { value: string; end: number } {
  const next = text[dollar + 1];
  if (next === '$') return { value: '$', end: dollar + 2 };
  if (next === '{') {
    const end = closing(text, dollar + 2);
    return { value: braced(text.slice(dollar + 2, end), scope), end: end + 1 };
  }
  // A name is short: looking at no more of the text keeps many of them from taking quadratic time.
  const name = NAME.exec(text.slice(dollar + 1, dollar + 257))?.[0];
  if (name === undefined)
    throw new Mistake('has a `$` that begins no variable', 'For a plain dollar sign, write `$$`.');
  return { value: plain(name, scope), end: dollar + 1 + name.length };
}

function braced(inside: string, scope: Scope): string {
  const name = NAME.exec(inside)?.[0] ?? '';
  const operator = OPERATOR.exec(inside.slice(name.length))?.[0];
  if (name === '' || (operator === undefined && name !== inside)) {
    throw new Mistake(
      `has \`\${${printable(inside)}}\`, which is no variable`,
      'Write $NAME, or NAME in braces behind a $, with :-default, :?message or :+replacement after it; for a plain dollar sign, write `$$`.',
    );
  }
  if (operator === undefined) return plain(name, scope);
  const value = scope.lookup(name);
  const given = value !== undefined && !(operator.startsWith(':') && value === '');
  const word = inside.slice(name.length + operator.length);
  const inner = (): string => expand(word, { ...scope, depth: scope.depth + 1 });
  if (operator.endsWith('+')) return given ? inner() : '';
  if (given) return value;
  if (operator.endsWith('-')) return inner();
  const why = printable(inner().trim());
  throw new Mistake(
    `needs the variable ${printable(name)}, which is not set${why === '' ? '' : `: ${why}`}`,
    `Set ${printable(name)} in the environment, or in the .env file.`,
  );
}

function plain(name: string, { lookup, unset }: Scope): string {
  const value = lookup(name);
  if (value === undefined) unset.add(name);
  return value ?? '';
}

/** The offset of the brace that closes what opened before `from`; those of variables inside are passed over. */
function closing(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '$' && text[at + 1] === '$') at++;
    else if (text[at] === '$' && text[at + 1] === '{') {
      open++;
      at++;
    } else if (text[at] === '}' && --open === 0) return at;
  }
  throw new Mistake('has a `${` that is never closed', 'For a plain dollar sign, write `$$`.');
}
