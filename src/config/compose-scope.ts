/** How the texts of compose files are read: variables replaced, and every mistake with its place. */
import type { AirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import type { YamlDocument } from './document.ts';
import { interpolate, type Lookup } from './interpolate.ts';
import { type Path, type Position, pathText, problemsError } from './problem.ts';

/** A text of the file with its variables replaced. */
export interface Written {
  text: string;
  /** Variables that were replaced by nothing. */
  unset: string[];
  file: string;
  at: Position;
}

/**
 * The text at a path, its variables replaced. Nothing but text is accepted, as by docker compose itself: `1.25` in
 * quotes is text, without them a number. Throws COMPOSE_FILE_INVALID.
 */
export function textAt(document: YamlDocument, path: Path, lookup: Lookup): Written {
  const value = contentOf(document, path);
  if (value === undefined) throw mistake(document, path, 'is missing');
  if (typeof value !== 'string') {
    const written = document.written(path);
    const hint = written === undefined ? [] : [`Write it in quotes: "${written}".`];
    throw mistake(document, path, 'must be text', ...hint);
  }
  const result = interpolate(value, lookup);
  if ('problem' in result)
    throw mistake(
      document,
      path,
      result.problem,
      ...(result.suggestion === undefined ? [] : [result.suggestion]),
    );
  return { ...result, file: document.file, at: document.locate(path) };
}

/** The texts of a list; a text alone is a list of one. Throws COMPOSE_FILE_INVALID. */
export function textsAt(document: YamlDocument, path: Path, lookup: Lookup): Written[] {
  const value = contentOf(document, path);
  if (!Array.isArray(value)) return [textAt(document, path, lookup)];
  return value.map((_, index) => textAt(document, [...path, index], lookup));
}

/** The error for what stands at a path: a predicate behind the path's name. */
export function mistake(
  document: YamlDocument,
  path: Path,
  predicate: string,
  ...suggestions: string[]
): AirferryError {
  const name = path.length === 0 ? 'the file' : `\`${pathText(path)}\``;
  return problemsError(
    [{ message: `${name} ${predicate}`, at: document.locate(path), suggestions }],
    document,
  );
}

/** The value at a path of a document; undefined where there is none. */
export function contentOf(document: YamlDocument, path: Path): unknown {
  return path.reduce<unknown>((value, part) => {
    if (Array.isArray(value)) return typeof part === 'number' ? value[part] : undefined;
    return isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  }, document.value);
}

/** Whether what stands here takes away what earlier files say. */
export function isReset(document: YamlDocument, path: Path): boolean {
  return document.tag(path) === '!reset';
}

/** Whether what stands here takes the place of what earlier files say. */
export function isOverride(document: YamlDocument, path: Path): boolean {
  return document.tag(path) === '!override';
}
