/** One YAML document laid over another, as a recipe over the one that it extends; every value still knows where it stands. */
import { isObject } from '../support/is-object.ts';
import type { YamlDocument } from './document.ts';
import type { Path, Position } from './problem.ts';

/** What becomes of two values under one key. */
export interface OverlayRules {
  /** Lists under these keys of the top are put one after the other; all other lists replace what was there. */
  appended: readonly string[];
  /** Below this path a null stays, for what is merged later; elsewhere it takes away what lies below it. */
  nulls: Path;
}

/** `over` laid over `base`: maps key by key. Its file and code are those of `over`; positions in `base` name their file. */
export function overlay(base: YamlDocument, over: YamlDocument, rules: OverlayRules): YamlDocument {
  const origin = (path: Path): { document: YamlDocument; path: Path } =>
    originOf(path, base.value, over.value, rules) === 'over'
      ? { document: over, path: shifted(path, base.value, over.value, rules) }
      : { document: base, path };
  return {
    file: over.file,
    code: over.code,
    value: merged(base.value, over.value, [], rules),
    locate(path, what) {
      const found = origin(path);
      const position: Position = found.document.locate(found.path, what);
      return found.document === base ? { file: base.file, ...position } : position;
    },
    written(path) {
      const found = origin(path);
      return found.document.written(found.path);
    },
    tag(path) {
      const found = origin(path);
      return found.document.tag(found.path);
    },
  };
}

function merged(base: unknown, over: unknown, path: Path, rules: OverlayRules): unknown {
  if (isAppended(path, base, over, rules)) return [...(base as unknown[]), ...(over as unknown[])];
  if (!isObject(base) || !isObject(over)) return over;
  const result: Record<string, unknown> = { ...base };
  const keepsNulls = rules.nulls.every((part, i) => path[i] === part);
  for (const [key, value] of Object.entries(over)) {
    if (value === null && Object.hasOwn(base, key) && !keepsNulls) delete result[key];
    else if (Object.hasOwn(base, key)) result[key] = merged(base[key], value, [...path, key], rules);
    else result[key] = value;
  }
  return result;
}

/** Which of the two documents the value at a path comes from. */
function originOf(path: Path, base: unknown, over: unknown, rules: OverlayRules): 'base' | 'over' {
  let [below, above] = [base, over];
  for (const [depth, part] of path.entries()) {
    if (isAppended(path.slice(0, depth), below, above, rules))
      return typeof part === 'number' && part < (below as unknown[]).length ? 'base' : 'over';
    if (!isObject(below) || !isObject(above)) return 'over';
    if (!Object.hasOwn(above, String(part))) return Object.hasOwn(below, String(part)) ? 'base' : 'over';
    if (!Object.hasOwn(below, String(part))) return 'over';
    [below, above] = [below[part], above[part]];
  }
  return 'over';
}

/** The path in `over`: items of an appended list count from its own beginning there. */
function shifted(path: Path, base: unknown, over: unknown, rules: OverlayRules): Path {
  const [key, index, ...rest] = path;
  if (key === undefined || typeof index !== 'number' || !isObject(base) || !isObject(over)) return path;
  const [below, above] = [base[key], over[key]];
  return isAppended([key], below, above, rules) ? [key, index - (below as unknown[]).length, ...rest] : path;
}

function isAppended(path: Path, base: unknown, over: unknown, { appended }: OverlayRules): boolean {
  const [key] = path;
  return (
    path.length === 1 &&
    typeof key === 'string' &&
    appended.includes(key) &&
    Array.isArray(base) &&
    Array.isArray(over)
  );
}
