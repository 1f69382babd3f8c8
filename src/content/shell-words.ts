/** Words of a Dockerfile instruction: quotes, backslashes and variables as BuildKit's lexer reads them. Pure. */

const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
/** `${NAME}`, `${NAME:-word}`, `${NAME:+word}`. */
const BRACED = /^\{([A-Za-z_][A-Za-z0-9_]*)(?::([-+])([^}]*))?\}/;

/** Split at blanks outside of quotes; quotes and backslashes stay. Undefined where a quote is not closed. */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let inWord = false;
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (quote === '' && /\s/.test(char)) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
      continue;
    }
    inWord = true;
    word += char;
    if (char === '\\' && quote !== "'") {
      word += text.charAt(++i);
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
    }
  }
  if (quote !== '') return undefined;
  if (inWord) words.push(word);
  return words;
}

/** A word without its quotes, its variables replaced by what `variables` has for them; by nothing where it has none. */
export function expandWord(word: string, variables: ReadonlyMap<string, string>): string {
  let result = '';
  let quote = '';
  for (let i = 0; i < word.length; i++) {
    const char = word.charAt(i);
    if (char === "'" && quote !== '"') quote = quote === '' ? "'" : '';
    else if (char === '"' && quote !== "'") quote = quote === '' ? '"' : '';
    else if (char === '\\' && quote !== "'") {
      const next = word.charAt(++i);
      // Within double quotes a backslash only guards what would mean something there.
      result += quote === '"' && !/["\\$]/.test(next) ? `\\${next}` : next;
    } else if (char === '$' && quote !== "'") {
      const { value, length } = variable(word.slice(i + 1), variables);
      result += value;
      i += length;
    } else result += char;
  }
  return result;
}

/** What stands for a `$` and the text after it, and how much of that text it used up. */
function variable(rest: string, variables: ReadonlyMap<string, string>): { value: string; length: number } {
  const plain = NAME.exec(rest)?.[0];
  if (plain !== undefined) return { value: variables.get(plain) ?? '', length: plain.length };
  const braced = BRACED.exec(rest);
  if (!braced) return { value: '$', length: 0 };
  const [whole, name = '', operator, word = ''] = braced;
  const value = variables.get(name) ?? '';
  if (operator === '-') return { value: value || word, length: whole.length };
  if (operator === '+') return { value: value && word, length: whole.length };
  return { value, length: whole.length };
}
