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

/** What is let through. */
interface Rules {
  /** Made for another program: whatever YAML has to offer, and no more complaints than that program would have. */
  foreign: boolean;
  /** Lexical pieces. */
  most: number;
  /** The number of the text's first line in its file. */
  firstLine: number;
}

const OWN: Rules = { foreign: false, most: MOST_PIECES, firstLine: 1 };

export interface YamlDocument extends Origin {
  value: unknown;
  /** Where a key or a value stands; where there is none, the nearest thing around it. */
  locate(path: Path, what?: 'key' | 'value'): Position;
  /** A scalar as it is written in the file (`2026.10`, which as a number is 2026.1); undefined for all else. */
  written(path: Path): string | undefined;
  /** The tag that a value carries, as `!reset`; undefined for none. */
  tag(path: Path): string | undefined;
}

/**
 * Parse YAML 1.2, core schema: one document, unique keys, no tags, no directives, no merge keys.
 * Throws an `AirferryError` of the given code at the first mistake, which also lists the following ones.
 */
export function parseYaml(text: string, origin: Origin): YamlDocument {
  const [first] = read(text, origin, OWN);
  return first ?? described(undefined, origin, () => ({ line: 1, column: 1 }), OWN, []);
}

/**
 * Parse YAML that was written for another program: several documents, merge keys (`<<`), directives, tags, anchors that
 * are defined anew, numbers of any size. Limits, and what is said of mistakes, are those of our own files.
 * Throws an `AirferryError` of the given code.
 * @param options.firstLine the number of the first line, where the text is only a part of its file
 * @param options.most lexical pieces
 */
export function parseForeignYaml(
  text: string,
  origin: Origin,
  { firstLine = 1, most = MOST_PIECES }: { firstLine?: number; most?: number } = {},
): YamlDocument[] {
  return read(text, origin, { foreign: true, firstLine, most });
}

function read(text: string, origin: Origin, rules: Rules): YamlDocument[] {
  const lines = new LineCounter();
  const positionOf = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { line: Math.max(1, line) + rules.firstLine - 1, column: Math.max(1, col) };
  };
  const problems: Problem[] = [];
  const documents = compose(text, lines, problems, positionOf, rules);
  if (problems.length > 0) throw problemsError(problems, origin);
  const all = documents.map(document => described(document.contents, origin, positionOf, rules, problems));
  if (problems.length > 0) throw problemsError(problems, origin);
  return all;
}

function described(
  contents: unknown,
  origin: Origin,
  positionOf: (offset: number) => Position,
  { foreign }: Rules,
  problems: Problem[],
): YamlDocument {
  const { value, anchors } = plainValue(contents, positionOf, problems, { foreign });
  const places = placesOf(contents, anchors);
  return {
    ...origin,
    value,
    locate: (path, what = 'value') => positionOf(places.offset(path, what)),
    written: path => places.written(path),
    tag: path => places.tag(path),
  };
}

function compose(
  text: string,
  lines: LineCounter,
  problems: Problem[],
  positionOf: (offset: number) => Position,
  rules: Rules,
): Document[] {
  const refuse = (message: string, offset: number): void => {
    problems.push({ message, at: positionOf(offset) });
  };
  if (!rules.foreign && text.length > MOST_CHARACTERS) refuse('the file is larger than 1 MiB', 0);
  const tokens = tokenise(text, lines, refuse, rules);
  if (problems.length > 0) return [];
  const documents = withoutStackTraces(() => [
    ...new Composer({ uniqueKeys: false, resolveKnownTags: false, logLevel: 'silent' }).compose(
      tokens.all,
      true,
    ),
  ]);
  // One slip often makes several errors on its line; the first one says it best.
  const told = documents.flatMap(({ errors, warnings }) =>
    rules.foreign ? errors : [...errors, ...warnings],
  );
  for (const error of told) {
    const unclosed = error.message.startsWith('Missing closing ');
    const at = positionOf(unclosed ? tokens.lastQuote : error.pos[0]);
    if (problems.at(-1)?.at.line !== at.line) problems.push({ ...yamlWords(error), at });
  }
  const second = rules.foreign ? undefined : documents[1];
  if (second !== undefined)
    refuse('a second document begins here; the file may hold only one', second.range[0]);
  return documents;
}

type ParserTokens = Parameters<Composer['compose']>[0] extends Iterable<infer T> ? T[] : never;

/** The syntax tree, built without recursion, so that size and depth are known before anything recursive sees it. */
function tokenise(
  text: string,
  lines: LineCounter,
  refuse: (message: string, offset: number) => void,
  { foreign, most }: Rules,
): { all: ParserTokens; lastQuote: number } {
  const parser = new Parser(lines.addNewLine);
  lines.addNewLine(0);
  const all: ParserTokens = [];
  let pieces = 0;
  let lastQuote = 0;
  if (!foreign && text.length > MOST_CHARACTERS) return { all, lastQuote };
  for (const piece of new Lexer().lex(text)) {
    if (piece.startsWith('"') || piece.startsWith("'")) lastQuote = parser.offset;
    for (const token of parser.next(piece)) {
      if (token.type === 'directive' && !foreign)
        refuse('lines that begin with % are YAML directives, which are not read here', token.offset);
      all.push(token);
    }
    if (parser.stack.length > DEEPEST) refuse('lists and maps are nested too deeply', parser.offset);
    if (++pieces > most) refuse(`the file has more than ${most} words and signs`, parser.offset);
    if (parser.stack.length > DEEPEST || pieces > most) return { all, lastQuote };
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
