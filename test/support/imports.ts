/** The import statements of a TypeScript file, found by reading its tokens, so that comments and strings do not count. */

export interface Import {
  /** What stands between the quotes. */
  specifier: string;
  /** From 1. */
  line: number;
}

interface Token {
  kind: 'word' | 'text' | 'sign';
  text: string;
  line: number;
}

/** Every `import … from`, `export … from`, `import '…'` and `import('…')`, types included, in their order. */
export function importsOf(source: string): Import[] {
  const tokens = tokenise(source);
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'word' || tokens[index - 1]?.text === '.') return [];
    const found =
      token.text === 'import'
        ? importedBy(tokens, index + 1)
        : token.text === 'export'
          ? exportedFrom(tokens, index + 1)
          : undefined;
    return found?.kind === 'text' ? [{ specifier: found.text, line: token.line }] : [];
  });
}

function importedBy(tokens: readonly Token[], next: number): Token | undefined {
  const first = tokens[next];
  if (first?.kind === 'text') return first;
  if (first?.text === '(') return tokens[next + 1];
  if (first?.text === '.') return undefined;
  let at = next;
  while (at < tokens.length && !(tokens[at]?.text === 'from' && tokens[at + 1]?.kind === 'text')) at++;
  return tokens[at + 1];
}

function exportedFrom(tokens: readonly Token[], next: number): Token | undefined {
  let at = tokens[next]?.text === 'type' ? next + 1 : next;
  if (tokens[at]?.text === '{')
    at = tokens.findIndex((token, index) => index >= at && token.text === '}') + 1;
  else if (tokens[at]?.text !== '*') return undefined;
  else at += tokens[at + 1]?.text === 'as' ? 3 : 1;
  return tokens[at]?.text === 'from' ? tokens[at + 1] : undefined;
}

const TOKEN =
  /(?<skip>\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<word>[\p{ID_Start}$_][\p{ID_Continue}$]*|\d[\w.]*)|'(?<single>(?:[^'\\\n]|\\[\s\S])*)'|"(?<double>(?:[^"\\\n]|\\[\s\S])*)"|(?<regex>\/(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*)|(?<sign>[\s\S])/uy;

/** After these a slash divides; after everything else it begins a regular expression. */
const VALUE_ENDS = /^[)\]}]$/;
const KEYWORDS = new Set([
  'return',
  'typeof',
  'case',
  'in',
  'of',
  'await',
  'yield',
  'void',
  'delete',
  'else',
  'do',
]);

function tokenise(source: string): Token[] {
  const tokens: Token[] = [];
  /** Open braces; true for those that a template opened, whose end leads back into its text. */
  const braces: boolean[] = [];
  let offset = 0;
  let line = 1;
  const advance = (text: string): void => {
    offset += text.length;
    line += text.split('\n').length - 1;
  };
  while (offset < source.length) {
    const startsTemplate = source[offset] === '`';
    if (startsTemplate || (source[offset] === '}' && braces.at(-1) === true)) {
      if (!startsTemplate) braces.pop();
      const part = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;
      part.lastIndex = offset;
      const text = part.exec(source)?.[0] ?? '`';
      if (text.endsWith('${')) braces.push(true);
      else tokens.push({ kind: 'sign', text: ')', line });
      advance(text);
      continue;
    }
    TOKEN.lastIndex = offset;
    const match = TOKEN.exec(source);
    const groups = match?.groups ?? {};
    const last = tokens.at(-1);
    const divides =
      last !== undefined &&
      (last.kind === 'text' ||
        VALUE_ENDS.test(last.text) ||
        (last.kind === 'word' && !KEYWORDS.has(last.text)));
    const whole = groups.regex !== undefined && divides ? '/' : (match?.[0] ?? source[offset] ?? '');
    const quoted = groups.single ?? groups.double;
    if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted, line });
    else if (groups.word !== undefined) tokens.push({ kind: 'word', text: whole, line });
    else if (groups.skip === undefined) {
      tokens.push({ kind: 'sign', text: groups.regex !== undefined && !divides ? ')' : whole, line });
      if (whole === '{') braces.push(false);
      if (whole === '}') braces.pop();
    }
    advance(whole);
  }
  return tokens;
}
