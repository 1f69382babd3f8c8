/** What is wrong in a file of the operator: places, and several problems told as one error. */
import { AirferryError, type ErrorCode } from '../errors.ts';

/** A place in a text file; both count from 1, columns in UTF-16 units as editors do. */
export interface Position {
  line: number;
  column: number;
  /** The file, where it is another than the document itself: one that it extends. */
  file?: string;
}

/** Keys and list indexes from the top of the file to a value. */
export type Path = readonly (string | number)[];

/** One mistake: a sentence without a full stop, where it stands, and what to write instead. */
export interface Problem {
  message: string;
  at: Position;
  suggestions?: string[];
}

/** The file that a document was read from, and the code that its errors carry. */
export interface Origin {
  /** As the operator named it. */
  file: string;
  code: ErrorCode;
}

const MOST_TOLD = 10;
const MOST_SHOWN = 60;

/**
 * One error out of one or more problems: the first by position is the error, the others are listed in its message.
 * At most ten are told.
 */
export function problemsError(problems: readonly Problem[], { file, code }: Origin): AirferryError {
  const sorted = [...problems].sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column);
  const [first, ...others] = sorted;
  if (first === undefined) throw new Error('problemsError() needs at least one problem');
  const told = others.slice(0, MOST_TOLD - 1).map(({ message, at, suggestions }) => {
    const hint = suggestions?.[0] === undefined ? '' : ` (${suggestions[0]})`;
    return `\n  ${at.file ?? file}:${at.line}:${at.column}: ${message}${hint}`;
  });
  const left = others.length - told.length;
  if (left > 0) told.push(`\n  and ${left} more`);
  const message = told.length === 0 ? first.message : `${first.message}; also:${told.join('')}`;
  return new AirferryError(code, message, { where: { file, ...first.at }, suggestions: first.suggestions });
}

/** A path as the operator would say it: `hosts[2].daemon.values`. */
export function pathText(path: Path): string {
  const text = path.map(part => (typeof part === 'number' ? `[${part}]` : `.${printable(part)}`)).join('');
  return text.startsWith('.') ? text.slice(1) : text;
}

/** Text out of a file, safe to print: cut to 60 characters, control characters escaped. */
export function printable(text: string): string {
  const cut = text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
  return cut.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, char => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}
