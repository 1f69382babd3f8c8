/**
 * Variables in a recipe, in the notation of compose files. A value is looked for in `--set`, in the environment, and under
 * `variables`, in this order; one that is nowhere, and has no default, is a mistake.
 */
import { AirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { closest } from '../support/suggest.ts';
import type { YamlDocument } from './document.ts';
import { interpolate, type Lookup } from './interpolate.ts';
import { type Path, type Problem, pathText, problemsError } from './problem.ts';

export interface VariableOptions {
  /** `--set NAME=value`. */
  set?: Readonly<Record<string, string>>;
  /** Default: the environment of the process. */
  env?: Readonly<Record<string, string | undefined>>;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const MOST_PROBLEMS = 100;

/**
 * The document with the variables in all its texts replaced. Throws the document's code, with every place that is wrong,
 * and USAGE for a name that is set and stands nowhere.
 */
export function withVariables(document: YamlDocument, options: VariableOptions = {}): YamlDocument {
  const { set = {}, env = process.env } = options;
  if (!isObject(document.value)) return document;
  const expansion = new Expansion(document);
  const outer: Lookup = name => own(set, name) ?? own(env, name);
  const { variables, ...rest } = document.value;
  const defaults = expansion.defaults(variables, outer);
  const value = expansion.all(rest, [], name => outer(name) ?? defaults.get(name));
  expansion.throwIfAny();
  for (const name of Object.keys(set)) if (!expansion.used.has(name)) throw unused(name, expansion.used);
  return { ...document, value: { ...(value as object), ...(variables === undefined ? {} : { variables }) } };
}

class Expansion {
  /** The names that were asked for. */
  readonly used = new Set<string>();
  readonly #document: YamlDocument;
  readonly #problems: Problem[] = [];

  constructor(document: YamlDocument) {
    this.#document = document;
  }

  /** The values under `variables`, in which the environment may be used, and what is set. */
  defaults(variables: unknown, lookup: Lookup): Map<string, string> {
    const values = new Map<string, string>();
    if (!isObject(variables)) return values;
    for (const [name, value] of Object.entries(variables)) {
      const path = ['variables', name];
      if (!NAME.test(name))
        this.#refuse(path, `\`${pathText(path)}\` must have letters, digits and _ in its name`, 'key');
      const text = typeof value === 'string' ? this.#text(value, path, lookup) : undefined;
      if (text !== undefined && lookup(name) === undefined) values.set(name, text);
    }
    return values;
  }

  all(value: unknown, path: Path, lookup: Lookup): unknown {
    if (typeof value === 'string') return this.#text(value, path, lookup);
    if (Array.isArray(value)) return value.map((item, index) => this.all(item, [...path, index], lookup));
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.all(item, [...path, key], lookup)]),
    );
  }

  throwIfAny(): void {
    if (this.#problems.length > 0) throw problemsError(this.#problems, this.#document);
  }

  #text(text: string, path: Path, lookup: Lookup): string {
    if (!text.includes('$') || this.#problems.length >= MOST_PROBLEMS) return text;
    const result = interpolate(text, name => {
      this.used.add(name);
      return lookup(name);
    });
    const name = `\`${pathText(path)}\``;
    if ('problem' in result) {
      const missing = result.problem.startsWith('needs ');
      const hint = missing ? HOW_TO_SET : result.suggestion;
      this.#refuse(path, `${name} ${result.problem}`, 'value', ...(hint === undefined ? [] : [hint]));
      return text;
    }
    const [unset] = result.unset;
    if (unset === undefined) return result.text;
    this.#refuse(path, `${name} needs the variable ${unset}, which is not set`, 'value', HOW_TO_SET);
    return text;
  }

  #refuse(path: Path, message: string, what: 'key' | 'value', ...suggestions: string[]): void {
    this.#problems.push({ message, at: this.#document.locate(path, what), suggestions });
  }
}

const HOW_TO_SET =
  'Give it with --set NAME=value, in the environment, or under `variables`; a plain dollar sign is written `$$`.';

function own(values: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  return Object.hasOwn(values, name) ? values[name] : undefined;
}

function unused(name: string, used: ReadonlySet<string>): AirferryError {
  const near = closest(name, used);
  const known = used.size === 0 ? 'It has no variables.' : `It has ${[...used].slice(0, 20).join(', ')}.`;
  return new AirferryError('USAGE', `the recipe has no variable ${name}`, {
    suggestions: [...(near === undefined ? [] : [`Did you mean ${near}?`]), known],
  });
}
