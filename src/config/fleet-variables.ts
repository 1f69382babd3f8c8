/**
 * Variables in a fleet, in the notation of compose files. A value is looked for under `vars` of the host, of its groups
 * (later ones first), in the environment, and under `vars` at the top, in this order. What defaults and groups say is
 * read once for each host that it applies to, with that host's variables.
 */
import { isObject } from '../support/is-object.ts';
import type { YamlDocument } from './document.ts';
import { interpolate } from './interpolate.ts';
import { type Path, pathText, printable } from './problem.ts';
import type { Report } from './report.ts';

export type Environment = Readonly<Record<string, string | undefined>>;
type Value = string | number | boolean;
type Scope = ReadonlyMap<string, Value>;

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const SOLE = /^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))$/;
/** Characters of all that is replaced in a file together. */
const MOST_CHARACTERS = 8 << 20;
/** Keys whose value is no text: what stands for a variable there is a number, true or false. */
const NUMBERS: ReadonlySet<unknown> = new Set(['port', 'connect-timeout']);
const TRUTHS: ReadonlySet<unknown> = new Set(['agent', 'sudo', 'insecure', 'engine']);

const HOW_TO_SET =
  'Set it under `vars` or in the environment, or give a default behind its name with `:-`; a plain dollar sign is written `$$`.';

/** A text that cannot be said without the variables of a host. */
const OPEN = Symbol('open');

export class FleetVariables {
  readonly #document: YamlDocument;
  readonly #report: Report;
  readonly #environment: Environment;
  readonly #top: Scope;
  readonly #told = new Set<string>();
  #budget = MOST_CHARACTERS;

  constructor(document: YamlDocument, report: Report, environment: Environment) {
    this.#document = document;
    this.#report = report;
    this.#environment = environment;
    this.#top = this.#scope(new Map(), this.#part('vars'), ['vars']);
  }

  /** Whether what hosts share holds any variable. */
  get shared(): boolean {
    return JSON.stringify([this.#part('defaults'), this.#part('groups')])?.includes('$') ?? false;
  }

  /**
   * The whole file with its variables replaced. Of defaults and groups, what needs the variables of a host is left out;
   * see `sharedFor`.
   */
  all(): YamlDocument {
    const { value } = this.#document;
    if (!isObject(value)) return this.#document;
    const replaced = Object.entries(value).map(([key, part]) => {
      if (key === 'vars') return [key, isObject(part) ? { ...part, ...Object.fromEntries(this.#top) } : part];
      if (key === 'hosts' && Array.isArray(part))
        return [
          key,
          part.map((host, index) => this.#deep(host, ['hosts', index], this.#hostScope(host, index))),
        ];
      if (key === 'groups' && isObject(part))
        return [
          key,
          mapValues(part, (group, name) =>
            this.#deep(group, ['groups', name], this.#groupScope([name]), true),
          ),
        ];
      return [key, this.#deep(part, [key], this.#top, key === 'defaults')];
    });
    return { ...this.#document, value: Object.fromEntries(replaced) };
  }

  /** Defaults and groups as they are for one host of the list, by its index. */
  sharedFor(index: number, groups: readonly string[]): YamlDocument {
    const hosts = this.#part('hosts');
    const scope = this.#hostScope(Array.isArray(hosts) ? hosts[index] : undefined, index);
    const all = this.#part('groups');
    const own = isObject(all) ? Object.entries(all).filter(([name]) => groups.includes(name)) : [];
    const defaults = this.#part('defaults');
    return {
      ...this.#document,
      value: {
        ...(defaults === undefined ? {} : { defaults: this.#deep(defaults, ['defaults'], scope) }),
        groups: Object.fromEntries(
          own.map(([name, group]) => [name, this.#deep(group, ['groups', name], scope)]),
        ),
      },
    };
  }

  #part(key: string): unknown {
    const { value } = this.#document;
    return isObject(value) ? value[key] : undefined;
  }

  #hostScope(host: unknown, index: number): Scope {
    if (!isObject(host)) return this.#top;
    const groups = Array.isArray(host.groups) ? host.groups.filter(name => typeof name === 'string') : [];
    return this.#scope(this.#groupScope(groups), host.vars, ['hosts', index, 'vars']);
  }

  /** The top's variables, the environment over them, and those of groups over both. */
  #groupScope(names: readonly string[]): Scope {
    const groups = this.#part('groups');
    let scope = this.#top;
    for (const name of names) {
      const group = isObject(groups) && Object.hasOwn(groups, name) ? groups[name] : undefined;
      if (isObject(group)) scope = this.#scope(scope, group.vars, ['groups', name, 'vars']);
    }
    return scope;
  }

  /** Variables over those of an outer scope; each may use those before it. */
  #scope(outer: Scope, written: unknown, path: Path): Scope {
    if (!isObject(written)) return outer;
    const scope = new Map(outer);
    const top = path.length === 1;
    for (const [name, value] of Object.entries(written)) {
      if (!NAME.test(name))
        this.#refuse([...path, name], `must have letters, digits and _ in its name`, [], 'key');
      else if (typeof value === 'number' || typeof value === 'boolean') scope.set(name, value);
      else if (typeof value === 'string') scope.set(name, this.#text(value, [...path, name], scope) as Value);
      if (top && this.#fromEnvironment(name) !== undefined) scope.delete(name);
    }
    return scope;
  }

  #fromEnvironment(name: string): string | undefined {
    return Object.hasOwn(this.#environment, name) ? this.#environment[name] : undefined;
  }

  #deep(value: unknown, path: Path, scope: Scope, lenient = false): unknown {
    if (typeof value === 'string') return this.#text(value, path, scope, lenient);
    if (Array.isArray(value))
      return value
        .map((item, index) => this.#deep(item, [...path, index], scope, lenient))
        .filter(item => item !== OPEN);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, item]) => [
          key,
          key === 'vars' ? shown(item, scope) : this.#deep(item, [...path, key], scope, lenient),
        ])
        .filter(([, item]) => item !== OPEN),
    );
  }

  #text(text: string, path: Path, scope: Scope, lenient = false): unknown {
    if (!text.includes('$')) return text;
    const [, braced, bare] = SOLE.exec(text) ?? [];
    const sole = scope.get(braced ?? bare ?? '');
    if (sole !== undefined) return typeof sole === 'string' ? typed(sole, path) : sole;
    const result = interpolate(text, name => scope.get(name)?.toString() ?? this.#fromEnvironment(name));
    if ('problem' in result) {
      const missing = result.problem.startsWith('needs ');
      if (missing && lenient) return OPEN;
      return this.#refuse(path, result.problem, missing ? [HOW_TO_SET] : [result.suggestion ?? []].flat());
    }
    const [unset] = result.unset;
    if (unset !== undefined && lenient) return OPEN;
    if (unset !== undefined)
      return this.#refuse(path, `needs the variable ${printable(unset)}, which is not set`, [HOW_TO_SET]);
    this.#budget -= result.text.length;
    if (this.#budget < 0) return this.#refuse([], 'grows beyond 8 MiB when its variables are replaced', []);
    return typed(result.text, path);
  }

  /** Tell a mistake, once for each place. */
  #refuse(path: Path, predicate: string, suggestions: string[], what: 'key' | 'value' = 'value'): string {
    const name = path.length === 0 ? 'the file' : `\`${pathText(path)}\``;
    if (!this.#told.has(name) && !this.#report.full)
      this.#report.add(path, `${name} ${predicate}`, what, ...suggestions);
    this.#told.add(name);
    return 'x';
  }
}

/** A map of variables with the values that they have in a scope. */
function shown(written: unknown, scope: Scope): unknown {
  return isObject(written) ? mapValues(written, (value, name) => scope.get(name) ?? value) : written;
}

function typed(text: string, path: Path): unknown {
  const key = path.at(-1);
  if (path.includes('values')) return text;
  if (NUMBERS.has(key) && /^\d{1,9}$/.test(text)) return Number(text);
  if (TRUTHS.has(key) && /^(?:true|false)$/.test(text)) return text === 'true';
  return text;
}

function mapValues(
  map: Readonly<Record<string, unknown>>,
  change: (value: unknown, key: string) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)]));
}
