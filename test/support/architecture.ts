/** The rules of the house, as functions over files: which room may import which, and how a file has to look. */
import { posix } from 'node:path';
import { importsOf } from './imports.ts';

export interface SourceFile {
  /** From the root of the project: `src/config/recipe.ts`. */
  path: string;
  text: string;
}

const BASE = ['support'];
const NOUNS = ['content', 'tar', ...BASE];
const SITES = ['registry', 'engine', 'host', 'config', ...NOUNS];
const CARRIERS = ['transports', 'bundle', ...SITES];

/** What each room may import besides itself and errors.ts. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  support: [],
  content: BASE,
  tar: BASE,
  registry: NOUNS,
  engine: NOUNS,
  host: NOUNS,
  config: NOUNS,
  transports: SITES,
  bundle: ['transports', ...SITES],
  phases: CARRIERS,
  actions: ['phases', ...CARRIERS],
  cli: ['actions', 'phases', ...CARRIERS],
  commands: ['cli', 'actions', 'phases', ...CARRIERS],
};

/** Files outside of the rooms: the entry, which may import all, and the errors, which import nothing. */
const ENTRY = 'src/main.ts';
const ERRORS = 'src/errors.ts';

/** The rooms of the command line; everything else is core. */
const SURFACE = ['commands', 'cli'];
const TERMINAL_PACKAGES = /^(?:@oclif\/.*|oclif|listr2|@listr2\/.*|inquirer|@inquirer\/.*)$/;

const MOST_LINES = 300;

/** Imports that run against the direction, leave src, or come from a room that is not in the table. */
export function wrongDirections(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => {
    const room = roomOf(file.path);
    const allowed = room === undefined ? undefined : ROOMS[room];
    if (file.path !== ENTRY && file.path !== ERRORS && allowed === undefined)
      return [`${file.path}: this file is in no room of the house`];
    return ownImports(file).flatMap(({ specifier, line, target }) => {
      const place = `${file.path}:${line} imports ${specifier}`;
      if (file.path === ENTRY) return target.startsWith('src/') ? [] : [`${place}: it is outside of src`];
      if (file.path === ERRORS) return [`${place}: errors.ts imports nothing of the project`];
      const other = roomOf(target);
      if (target === ERRORS || other === room || (other !== undefined && allowed?.includes(other))) return [];
      return [`${place}: ${room} may import ${[...(allowed ?? []), 'errors.ts'].join(', ')}`];
    });
  });
}

/** Core files that import a package of the terminal. */
export function terminalInCore(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path !== ENTRY && !SURFACE.includes(roomOf(path) ?? ''))
    .flatMap(file =>
      importsOf(file.text)
        .filter(({ specifier }) => TERMINAL_PACKAGES.test(specifier))
        .map(({ specifier, line }) => `${file.path}:${line} imports ${specifier}: only commands and cli may`),
    );
}

/** Files of more than 300 lines. */
export function tooLong(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const lines = text.replace(/\n$/, '').split('\n').length;
    return lines > MOST_LINES ? [`${path} has ${lines} lines; at most ${MOST_LINES} are allowed`] : [];
  });
}

/** Files that do not begin with a comment that says what they are for. */
export function withoutComment(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ text }) => !/^(?:#![^\n]*\n)?\/(?:\*\*?|\/)\s*\S/.test(text))
    .map(({ path }) => `${path} does not begin with a comment that says its point`);
}

/** Circles of imports, types included: `a.ts → b.ts → a.ts`. Of circles that share files, at least one. */
export function circles(files: readonly SourceFile[]): string[] {
  const known = new Set(files.map(file => file.path));
  const graph = new Map(
    files.map(file => [
      file.path,
      ownImports(file)
        .map(({ target }) => target)
        .filter(target => known.has(target)),
    ]),
  );
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) found.push([...trail.slice(start), path].join(' → '));
    if (start >= 0 || done.has(path)) return;
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return found;
}

/** Notes of unfinished work. */
export function unfinished(files: readonly SourceFile[]): string[] {
  const note = new RegExp(
    `\\b(?:${['TO', 'FIX'].map((word, index) => word + ['DO', 'ME'][index]).join('|')})\\b`,
  );
  return files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, index) => {
      const found = note.exec(line);
      return found === null ? [] : [`${path}:${index + 1} says ${found[0]}`];
    }),
  );
}

/** The imports of the project's own files, with the path that each leads to. */
function ownImports(file: SourceFile): { specifier: string; line: number; target: string }[] {
  return importsOf(file.text)
    .filter(({ specifier }) => /^\.{0,2}\//.test(specifier))
    .map(found => ({ ...found, target: posix.join(posix.dirname(file.path), found.specifier) }));
}

/** The room that a file is in; undefined outside of src and directly in it. */
function roomOf(path: string): string | undefined {
  return /^src\/([^/]+)\//.exec(path)?.[1];
}
