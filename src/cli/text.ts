/** Text for a terminal: wrapped, padded, and free of whatever a hostile name could do to it. */

/**
 * Text in which nothing steers the terminal: control and invisible characters become `\u{1b}`; line breaks stay where
 * `lines` says so. Names in archives and what hosts answer are not to be trusted.
 */
export function clean(text: string, lines: 'keep' | 'escape' = 'escape'): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, char =>
    char === '\n' && lines === 'keep' ? char : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Columns that a text takes; the names that airferry shows are of single-width characters. */
export function width(text: string): number {
  return [...text].length;
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - width(text)));
}

/** With a capital first letter, unless the first word is a name: a path, a flag, something with a digit or a dot. */
export function sentence(text: string): string {
  return /^\p{Ll}[\p{Ll}']*(?=[\s,;:]|$)/u.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
}

/**
 * Break text at spaces into lines of at most `columns`. Lines of the text stay lines; what is indented goes on with
 * its indent and two more. Words that are longer than a line stay whole, so that paths and commands can be copied.
 */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap(line => wrapLine(line, columns));
}

function wrapLine(line: string, columns: number): string[] {
  const indent = /^ */.exec(line)?.[0] ?? '';
  const hanging = indent === '' ? '' : `${indent}  `;
  const lines: string[] = [];
  let current = indent;
  for (const word of line.trim().split(/ +/)) {
    const empty = current.trim() === '';
    if (!empty && width(current) + 1 + width(word) > columns) {
      lines.push(current);
      current = hanging + word;
    } else {
      current += empty ? word : ` ${word}`;
    }
  }
  return [...lines, current];
}

/** Break one long name into pieces of at most `columns`, after a space, else another separator, unless it comes too soon. */
export function fold(text: string, columns: number): string[] {
  const pieces: string[] = [];
  let rest = [...text];
  while (rest.length > columns) {
    const head = rest.slice(0, columns);
    const last = (separator: RegExp): number => head.findLastIndex(char => separator.test(char)) + 1;
    const [space, other] = [last(/\s/), last(/[/:@,._=-]/)];
    const at = space > columns / 3 ? space : other > columns / 2 ? other : columns;
    pieces.push(rest.slice(0, at).join('').trimEnd());
    rest = rest.slice(at);
  }
  return [...pieces, rest.join('')];
}

/** Cut a text that is too long for its place. */
export function truncate(text: string, columns: number, ellipsis = '…'): string {
  const chars = [...text];
  if (chars.length <= columns) return text;
  return chars.slice(0, Math.max(0, columns - width(ellipsis))).join('') + ellipsis;
}
