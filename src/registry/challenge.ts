/** `WWW-Authenticate`: what a registry wants to see before it answers. RFC 9110, 11.6.1. */

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  /** Names in lower case, values without their quotes. The first of a name counts. */
  parameters: Record<string, string>;
}

/** Characters of a header that are looked at. */
const HEADER_LIMIT = 8 * 1024;
const CHALLENGES_LIMIT = 10;

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const SEPARATOR = /[\s,]*/y;
const PARAMETER = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*(?:(${QUOTED})|([^\\s,"]+))`, 'y');
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t]|,|$)`, 'y');
/** A `token68`, or a parameter whose quote never ends: passed over. */
const JUNK = /[^\s,]+/y;

/** The challenges of a header, several in one line included. What cannot be read is passed over; nothing is thrown. */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, HEADER_LIMIT);
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (take(SEPARATOR); at < text.length; take(SEPARATOR)) {
    const current = challenges.at(-1);
    const parameter = current && take(PARAMETER);
    if (parameter) {
      const name = (parameter[1] ?? '').toLowerCase();
      const value = parameter[2] === undefined ? (parameter[3] ?? '') : unquote(parameter[2]);
      if (!Object.hasOwn(current.parameters, name)) current.parameters[name] = value;
      continue;
    }
    const scheme = take(SCHEME);
    if (!scheme) {
      take(JUNK);
      continue;
    }
    if (challenges.length === CHALLENGES_LIMIT) break;
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters: Object.create(null) });
  }
  return challenges;
}

function unquote(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
}
