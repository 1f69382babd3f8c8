/**
 * Retag rules in a file. Text, one rule a line: `PATTERN=REPLACEMENT`, or the two in columns, `nginx:1.25 hub/nginx:1.25`,
 * as lists for shell loops have it. Or YAML: `rules:` with strings of that kind, with `{ from, to }`, or a map `from: to`.
 */
import { parseRetagRule, type RetagRule } from '../content/retag.ts';
import { type ErrorCode, isAirferryError, type Where } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { parseYaml } from './document.ts';
import { type Path, type Position, type Problem, printable, problemsError } from './problem.ts';
import { readText } from './read.ts';
import { either, list, map, record, text } from './shapes.ts';
import { isYaml, MOST_LINES, textLines } from './text-lines.ts';
import { validate } from './validate.ts';

/** A rule, and where it was read. */
export type LocatedRule = RetagRule & { where: Where };

const CODE: ErrorCode = 'RULE_INVALID';
const MOST_PROBLEMS = 100;
const EXAMPLE =
  'Write PATTERN=REPLACEMENT, or the two in columns: `rancher/* hub.company.com/rancher/*` is one.';

const fromTo = map(
  {
    from: text('a pattern, e.g. rancher/*').describe('The names that it is for; * stands for anything.'),
    to: text('a name, e.g. hub.company.com/rancher/*').describe('What they become.'),
  },
  'a map, e.g. { from: rancher/*, to: hub.company.com/rancher/* }',
);
const WORDS = 'a list of PATTERN=REPLACEMENT or { from, to }, or a map of patterns to replacements';
const rules = either(
  list(either(text('PATTERN=REPLACEMENT'), fromTo, 'PATTERN=REPLACEMENT, or a map with from and to'), WORDS),
  record(text('what the name becomes'), WORDS),
  WORDS,
);
const schema = map(
  { rules: rules.describe('In order; the first that matches a name rewrites it.') },
  'a map with `rules`',
);

/**
 * The rules of a file, in its order. Throws FILE_NOT_FOUND, FILE_UNREADABLE, and RULE_INVALID with line and column, also for a file
 * without any rule.
 */
export async function readRetagRules(file: string): Promise<LocatedRule[]> {
  const content = await readText(
    { file, code: CODE },
    'A rule can also be given as --retag PATTERN=REPLACEMENT.',
  );
  return parseRetagRules(content, { file });
}

/** The rules in a text. Throws RULE_INVALID. */
export function parseRetagRules(content: string, { file }: { file: string }): LocatedRule[] {
  const problems: Problem[] = [];
  const found: LocatedRule[] = [];
  const add = (rule: string, at: Position): void => {
    try {
      found.push({ ...parseRetagRule(rule), where: { file, ...at } });
    } catch (error) {
      if (!isAirferryError(error)) throw error;
      problems.push({ message: error.message, at, suggestions: error.suggestions });
    }
  };
  if (isYaml(file, content)) yamlRules(content, file, add);
  else textRules(content, add, problems);
  if (problems.length === 0 && found.length === 0)
    problems.push({ message: 'the file has no rule', at: { line: 1, column: 1 }, suggestions: [EXAMPLE] });
  if (problems.length > 0) throw problemsError(problems, { file, code: CODE });
  return found;
}

function textRules(content: string, add: (rule: string, at: Position) => void, problems: Problem[]): void {
  const lines = textLines(content);
  const [extra] = lines.slice(MOST_LINES);
  if (extra?.at[0] !== undefined)
    problems.push({ message: `the file has more than ${MOST_LINES} rules`, at: extra.at[0] });
  for (const { words, at } of lines.slice(0, MOST_LINES)) {
    if (problems.length >= MOST_PROBLEMS) return;
    const [from = '', to, third] = words;
    const [start = { line: 1, column: 1 }, , place] = at;
    if (to === undefined) add(from, start);
    else if (third === undefined && !`${from}${to}`.includes('=')) add(`${from}=${to}`, start);
    else if (third === undefined)
      problems.push({
        message: `\`${printable(`${from} ${to}`)}\` has both a blank and a "="`,
        at: start,
        suggestions: [`Write \`${printable(`${from}${to}`)}\`, without the blank.`],
      });
    else {
      const arrow = /^[-=]?>$|^=$/.test(to) && words.length === 3;
      const hint = arrow ? `Write \`${printable(`${from}=${third}`)}\`.` : EXAMPLE;
      problems.push({
        message: `a rule has two columns, and this line has ${words.length}`,
        at: place ?? start,
        suggestions: [hint],
      });
    }
  }
}

function yamlRules(content: string, file: string, add: (rule: string, at: Position) => void): void {
  const document = parseYaml(content, { file, code: CODE });
  const under: Path = isObject(document.value) ? ['rules'] : [];
  const written = isObject(document.value) ? validate(document, schema).rules : validate(document, rules);
  if (!Array.isArray(written)) {
    for (const [from, to] of Object.entries(written))
      add(`${from}=${to}`, document.locate([...under, from], 'key'));
    return;
  }
  for (const [index, rule] of written.entries())
    add(typeof rule === 'string' ? rule : `${rule.from}=${rule.to}`, document.locate([...under, index]));
}
