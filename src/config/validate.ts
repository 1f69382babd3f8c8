/** A document against a zod schema: every issue with its place, its reason and its remedy. */
import type * as z from 'zod';
import { closest } from '../support/suggest.ts';
import type { YamlDocument } from './document.ts';
import { type Path, type Problem, pathText, printable, problemsError } from './problem.ts';

/** What is said of a key that is refused for a reason of its own, rather than as unknown. */
export type RefusedKey = (key: string, path: Path) => { message: string; suggestions: string[] } | undefined;

/** More issues than this are not worked on: only ten are told. */
const MOST_ISSUES = 100;

/**
 * The document's value in the shape of the schema.
 * Throws the document's error code, with every issue located and worded, when it does not have that shape.
 * @param refusedKey reasons for keys that the schema does not know and never will
 */
export function validate<T extends z.ZodType>(
  document: YamlDocument,
  schema: T,
  refusedKey: RefusedKey = () => undefined,
): z.output<T> {
  const result = schema.safeParse(document.value);
  if (result.success) return result.data;
  const context: Context = { document, schema, refusedKey };
  const found = result.error.issues.slice(0, MOST_ISSUES).flatMap(issue => findings(issue, [], context));
  throw problemsError(withoutEchoes(found), document);
}

interface Context {
  document: YamlDocument;
  schema: z.ZodType;
  refusedKey: RefusedKey;
}

type Issue = z.core.$ZodIssue;

/** A problem, and what it takes to see that two of them are one slip. */
interface Finding extends Problem {
  /** The value that it is about. */
  about: string;
  missing?: boolean;
  /** For an unknown key: the key that was probably meant. */
  meant?: string;
}

/** One finding for each slip: the first for each value, and `nmae` stands for the missing `name` too. */
function withoutEchoes(found: readonly Finding[]): Finding[] {
  const meant = new Set(found.map(finding => finding.meant));
  const seen = new Set<string>();
  return found.filter(({ about, missing }) => {
    if (seen.has(about) || (missing && meant.has(about))) return false;
    seen.add(about);
    return true;
  });
}

function findings(issue: Issue, base: Path, context: Context): Finding[] {
  const path = [...base, ...(issue.path as Path)];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.slice(0, MOST_ISSUES).map(key => unknownKey(key, path, context));
  }
  if (issue.code === 'invalid_union') {
    const fitting = issue.errors.filter(
      errors => !errors.some(error => error.path.length === 0 && error.code === 'invalid_type'),
    );
    if (fitting.length === 1) return (fitting[0] ?? []).flatMap(inner => findings(inner, path, context));
  }
  return [wrongValue(issue, path, context)];
}

function unknownKey(key: string, path: Path, { document, schema, refusedKey }: Context): Finding {
  const place = [...path, key];
  const at = document.locate(place, 'key');
  const refused = refusedKey(key, path);
  const about = pathText(place);
  if (refused !== undefined) return { ...refused, at, about };
  const known = knownKeys(schema, path);
  const near = closest(key, known);
  const message = `\`${about}\` is not a key that airferry knows`;
  if (near === undefined)
    return { message, at, about, suggestions: [`The keys known here: ${known.join(', ')}.`] };
  return { message, at, about, suggestions: [`Did you mean \`${near}\`?`], meant: pathText([...path, near]) };
}

function wrongValue(issue: Issue, path: Path, { document }: Context): Finding {
  const value = valueAt(document.value, path);
  const text = pathText(path);
  const name = path.length === 0 ? 'the file' : `\`${text}\``;
  const suggestion = remedy(issue, path, value, document);
  return {
    message: value === null ? `${name} is empty: it ${issue.message}` : `${name} ${issue.message}`,
    at: document.locate(path),
    suggestions: suggestion === undefined ? undefined : [suggestion],
    about: text,
    missing: value === undefined,
  };
}

/** What to write instead, where what was written shows what was meant. */
function remedy(issue: Issue, path: Path, value: unknown, document: YamlDocument): string | undefined {
  const last = path.at(-1);
  if (last === undefined || value === undefined) return undefined;
  const expected = expectedTypes(issue);
  const as = (text: string): string =>
    typeof last === 'string' ? `\`${printable(last)}: ${text}\`` : `\`- ${text}\``;
  const written = printable(document.written(path) ?? '');
  if (value === null) return 'Give it a value, or take the line out.';
  if (expected.has('string') && typeof value === 'number')
    return `Write it in quotes, ${as(`"${written}"`)}: without them YAML reads ${written} as the number ${value}.`;
  if (expected.has('string') && typeof value === 'boolean')
    return `Write it in quotes, ${as(`"${written}"`)}: without them YAML does not read ${written} as text.`;
  if (expected.has('boolean') && typeof value === 'string') {
    const meant = TRUTH[value.toLowerCase()];
    if (meant !== undefined) return `Write ${as(meant)}: to YAML, \`${written}\` is text.`;
  }
  if (expected.has('number') && typeof value === 'string' && /^\d{1,9}$/.test(value))
    return `Write it without quotes, ${as(value)}.`;
  if (issue.code === 'invalid_type' && expected.has('array') && typeof value === 'object')
    return 'Begin each of its items with `- `.';
  if (expected.has('array') && typeof value !== 'object') return `Write ${as(`[${written}]`)}.`;
  return undefined;
}

/** What people and YAML 1.1 take for true and false. */
const TRUTH: Partial<Record<string, 'true' | 'false'>> = {
  yes: 'true',
  y: 'true',
  on: 'true',
  true: 'true',
  no: 'false',
  n: 'false',
  off: 'false',
  false: 'false',
};

function expectedTypes(issue: Issue): Set<string> {
  if (issue.code === 'invalid_type') return new Set([issue.expected]);
  if (issue.code !== 'invalid_union') return new Set();
  return new Set(
    issue.errors.flat().flatMap(error => (error.path.length === 0 ? [...expectedTypes(error)] : [])),
  );
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string | number, unknown>)[part]
        : undefined,
    root,
  );
}

/** The keys that a schema knows at a path, of all the branches of a union. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let schemas: Definition[] = [definition(schema)];
  for (const part of path) schemas = schemas.flatMap(branches).flatMap(found => inner(found, part));
  return schemas.flatMap(branches).flatMap(found => Object.keys(found.shape ?? {}));
}

/** The part of zod's introspection that is used here. */
interface Definition {
  innerType?: z.ZodType;
  options?: z.ZodType[];
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  valueType?: z.ZodType;
}

function definition(schema: z.ZodType): Definition {
  return schema.def as Definition;
}

function branches(found: Definition): Definition[] {
  if (found.innerType !== undefined) return branches(definition(found.innerType));
  return found.options === undefined
    ? [found]
    : found.options.flatMap(option => branches(definition(option)));
}

function inner(found: Definition, part: string | number): Definition[] {
  const next = found.shape?.[part] ?? found.element ?? found.valueType;
  return next === undefined ? [] : [definition(next)];
}
