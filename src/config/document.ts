/** A YAML file of the operator as a plain value that remembers where everything in it stands. */
import { Composer, type Document, Lexer, LineCounter, Parser } from 'yaml';
import { placesOf } from './places.ts';
import { plainValue } from './plain.ts';
import { type Origin, type Path, type Position, type Problem, problemsError } from './problem.ts';
import { yamlWords } from './yaml-words.ts';

/** Characters of a file; its reader counts bytes against the same limit. */
export const MOST_CHARACTERS = 1 << 20;
/** Lexical pieces (words, spaces, brackets) of a file. Five thousand hosts can be written out one by one. */
const MOST_PIECES = 250_000;
const DEEPEST = 64;

export interface YamlDocument extends Origin {
  value: unknown;
  /** Where a key or a value stands; where there is none, the nearest thing around it. */
  locate(path: Path, what?: 'key' | 'value'): Position;
  /** A scalar as it is written in the file (`2026.10`, which as a number is 2026.1); undefined for all else. */
  written(path: Path): string | undefined;
}

/**
 * Parse YAML 1.2, core schema: one document, unique keys, no tags, no directives, no merge keys.
 * Throws an `AirferryError` of the given code at the first mistake, which also lists the following ones.
 */
export function parseYaml(text: string, origin: Origin): YamlDocument {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: Problem[] = [];
  const document = compose(text, lines, problems, positionOf);
  if (problems.length > 0) throw problemsError(problems, origin);
  const { value, anchors } = plainValue(document?.contents, positionOf, problems);
  if (problems.length > 0) throw problemsError(problems, origin);
  const places = placesOf(document?.contents, anchors);
  return {
    ...origin,
    value,
    locate: (path, what = 'value') => positionOf(places.offset(path, what)),
    written: path => places.written(path),
  };
}

function compose(
  text: string,
  lines: LineCounter,
  problems: Problem[],
  positionOf: (offset: number) => Position,
): Document | undefined {
  const refuse = (message: string, offset: number): void => {
    problems.push({ message, at: positionOf(offset) });
  };
  if (text.length > MOST_CHARACTERS) refuse('the file is larger than 1 MiB', 0);
  const tokens = tokenise(text, lines, refuse);
  if (problems.length > 0) return undefined;
  const documents = withoutStackTraces(() => [
    ...new Composer({ uniqueKeys: false, resolveKnownTags: false, logLevel: 'silent' }).compose(
      tokens.all,
      true,
    ),
  ]);
  const [first, second] = documents;
  // One slip often makes several errors on its line; the first one says it best.
  for (const error of documents.flatMap(document => [...document.errors, ...document.warnings])) {
    const unclosed = error.message.startsWith('Missing closing ');
    const at = positionOf(unclosed ? tokens.lastQuote : error.pos[0]);
    if (problems.at(-1)?.at.line !== at.line) problems.push({ ...yamlWords(error), at });
  }
  if (second !== undefined)
    refuse('a second document begins here; the file may hold only one', second.range[0]);
  return first;
}

type ParserTokens = Parameters<Composer['compose']>[0] extends Iterable<infer T> ? T[] : never;

/** The syntax tree, built without recursion, so that size and depth are known before anything recursive sees it. */
function tokenise(
  text: string,
  lines: LineCounter,
  refuse: (message: string, offset: number) => void,
): { all: ParserTokens; lastQuote: number } {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const all: ParserTokens = [];
  let pieces = 0;
  let lastQuote = 0;
  if (text.length > MOST_CHARACTERS) return { all, lastQuote };
  for (const piece of new Lexer().lex(text)) {
    if (piece.startsWith('"') || piece.startsWith("'")) lastQuote = parser.offset;
    for (const token of parser.next(piece)) {
      if (token.type === 'directive')
        refuse('lines that begin with % are YAML directives, which are not read here', token.offset);
      all.push(token);
    }
    if (parser.stack.length > DEEPEST) refuse('lists and maps are nested too deeply', parser.offset);
    if (++pieces > MOST_PIECES)
      refuse(`the file has more than ${MOST_PIECES} words and signs`, parser.offset);
    if (parser.stack.length > DEEPEST || pieces > MOST_PIECES) return { all, lastQuote };
  }
  all.push(...parser.end());
  return { all, lastQuote };
}

/** The parser makes an Error object for each mistake; without their stack traces half a million cost nothing. */
function withoutStackTraces<T>(work: () => T): T {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = limit;
  }
}
