/**
 * JSON (RFC 8259) with places: where each key stands, and for each common slip of the hand, what it is and where.
 * Takes exactly what JSON.parse takes, but for keys given twice and a byte-order mark: the first is refused, since
 * dockerd would silently drop one, the second is left out.
 */
import { AirferryError } from '../errors.ts';
import { shown } from './shown.ts';

export interface Place {
  /** Both from 1. */
  line: number;
  column: number;
}

export interface JsonDocument {
  value: unknown;
  /** Where each key stands, by its path: `log-opts/max-file`. */
  places: ReadonlyMap<string, Place>;
}

const MAX_CHARACTERS = 256 * 1024;
const MAX_DEPTH = 32;
const SPACE = /[ \t\r\n]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them unescaped
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_][\w.-]*/y;

/** Read a JSON document. Throws DAEMON_JSON_INVALID with file, line and column. */
export function readJson(text: string, file: string): JsonDocument {
  return new JsonReader(text.replace(/^\ufeff/, ''), file).document();
}

class JsonReader {
  private readonly text: string;
  private readonly file: string;
  private readonly places = new Map<string, Place>();
  private at = 0;

  constructor(text: string, file: string) {
    this.text = text;
    this.file = file;
  }

  document(): JsonDocument {
    if (this.text.length > MAX_CHARACTERS)
      throw this.error(
        0,
        `the file has more than ${MAX_CHARACTERS} characters`,
        'Check that it is the right file.',
      );
    this.space();
    if (this.at === this.text.length)
      throw this.error(this.at, 'the file is empty', 'Write {} for no settings.');
    const value = this.value('', 0);
    this.space();
    if (this.at < this.text.length)
      throw this.error(
        this.at,
        'there is text after the end of the settings',
        'Remove what follows the last brace.',
      );
    return { value, places: this.places };
  }

  private value(path: string, depth: number): unknown {
    if (depth > MAX_DEPTH) throw this.error(this.at, `it is nested deeper than ${MAX_DEPTH} levels`);
    const c = this.text[this.at];
    if (c === '{') return this.object(path, depth);
    if (c === '[') return this.array(path, depth);
    if (c === '"') return this.string();
    const number = this.match(NUMBER);
    if (number !== undefined) return Number(number);
    const start = this.at;
    const word = this.match(WORD);
    if (word === 'true' || word === 'false') return word === 'true';
    if (word === 'null') return null;
    if (word === undefined) throw this.unexpected('a value');
    if (/^(?:true|yes|on)$/i.test(word)) throw this.error(start, `${word} is not JSON`, 'Write true.');
    if (/^(?:false|no|off)$/i.test(word)) throw this.error(start, `${word} is not JSON`, 'Write false.');
    throw this.error(start, `${word.slice(0, 80)} is not in quotes`, `Write ${shown(word)}.`);
  }

  private object(path: string, depth: number): unknown {
    const entries = new Map<string, unknown>();
    this.at++;
    this.space();
    while (this.text[this.at] !== '}') {
      const start = this.at;
      const key = this.key();
      const keyPath = path === '' ? key : `${path}/${key}`;
      if (entries.has(key)) {
        const first = this.places.get(keyPath)?.line;
        throw this.error(start, `${shown(key)} is given twice`, `Keep this one or the one in line ${first}.`);
      }
      this.places.set(keyPath, this.place(start));
      this.space();
      if (this.text[this.at] !== ':')
        throw this.error(
          this.at,
          `the colon after ${shown(key)} is missing`,
          `Write ${shown(key)}: and its value.`,
        );
      this.at++;
      this.space();
      entries.set(key, this.value(keyPath, depth + 1));
      this.next('}', `the value of ${shown(key)}`);
    }
    this.at++;
    return Object.fromEntries(entries);
  }

  private key(): string {
    if (this.text[this.at] === '"') return this.string();
    const start = this.at;
    const word = this.match(WORD);
    if (word !== undefined)
      throw this.error(start, `the key ${word.slice(0, 80)} is not in quotes`, `Write ${shown(word)}.`);
    throw this.unexpected('a key in quotes');
  }

  private array(path: string, depth: number): unknown[] {
    const items: unknown[] = [];
    this.at++;
    this.space();
    while (this.text[this.at] !== ']') {
      items.push(this.value(`${path}/${items.length}`, depth + 1));
      this.next(']', `item ${items.length} of the list`);
    }
    this.at++;
    return items;
  }

  /** After a member or item: step over the comma, or stop before the closing bracket. */
  private next(closing: '}' | ']', after: string): void {
    const end = this.at;
    this.space();
    const c = this.text[this.at];
    if (c === closing) return;
    if (c === ',') {
      const comma = this.at++;
      this.space();
      if (this.text[this.at] === closing)
        throw this.error(comma, `there is a comma before the closing ${closing}`, 'Remove this comma.');
      return;
    }
    if (c !== undefined && /["\w{[-]/.test(c))
      throw this.error(end, `the comma after ${after} is missing`, 'Put a comma here.');
    throw this.unexpected(`a comma or ${closing}`);
  }

  private string(): string {
    const start = this.at;
    const raw = this.match(STRING);
    if (raw !== undefined) return JSON.parse(raw) as string;
    const line = this.text.slice(start).split('\n', 1)[0] ?? '';
    if (/^"(?:[^"\\]|\\.)*\r?$/.test(line)) throw this.error(start, 'the quotes opened here are not closed');
    throw this.error(
      start,
      'the text in quotes has a control character or a backslash that JSON does not know',
      'Write \\\\ for a backslash and \\t for a tab.',
    );
  }

  private unexpected(wanted: string): AirferryError {
    const c = this.text[this.at];
    if (c === undefined)
      return this.error(
        this.at,
        `the file ends where ${wanted} should follow`,
        'Close every brace and bracket.',
      );
    if (c === "'" || /[\u2018-\u201f\u00ab\u00bb]/.test(c))
      return this.error(this.at, `${c} is no quote of JSON`, 'Use straight double quotes: ".');
    return this.error(this.at, `${shown(c)} stands where ${wanted} should`);
  }

  /** Skip white space, and say so when a comment follows: JSON has none. */
  private space(): void {
    this.match(SPACE);
    const rest = this.text.slice(this.at, this.at + 2);
    if (rest === '//' || rest === '/*' || rest[0] === '#')
      throw this.error(
        this.at,
        'there is a comment: dockerd takes none in daemon.json',
        'Remove the comment.',
      );
  }

  private match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private place(offset: number): Place {
    const lines = this.text.slice(0, offset).split('\n');
    return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
  }

  private error(offset: number, message: string, suggestion?: string): AirferryError {
    return new AirferryError('DAEMON_JSON_INVALID', message, {
      where: { file: this.file, ...this.place(offset) },
      suggestions: suggestion === undefined ? [] : [suggestion],
    });
  }
}
