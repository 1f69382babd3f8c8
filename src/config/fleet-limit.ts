/**
 * `--limit`: some hosts of a fleet, by name, group or role. `workers,!node07` are all workers but one; `node[01:05]` are
 * five hosts; `node*` and `~node*` are those whose name matches. Terms are joined; those behind a `!` are taken away at
 * the end, from all hosts where nothing else is said.
 */
import { AirferryError } from '../errors.ts';
import { matchesGlob } from '../support/glob.ts';
import { closest } from '../support/suggest.ts';
import { MOST_HOSTS } from './hosts.ts';
import { printable } from './problem.ts';
import { expandRange } from './range.ts';

export interface Limited {
  name: string;
  groups: readonly string[];
  roles: readonly string[];
}

/** Terms of a limit; more are a mistake, or malice. */
const MOST_TERMS = 1000;
const EVERYBODY = 'all';

/**
 * The hosts that a limit means, in the order of the fleet. Several texts are one with commas between them.
 * @param groups all groups of the fleet: one without hosts is no mistake
 * Throws USAGE for a word that means nothing, with the nearest that does, and for a limit that leaves no host.
 */
export function limitHosts<Host extends Limited>(
  hosts: readonly Host[],
  limit: readonly string[],
  groups: Iterable<string> = [],
): Host[] {
  const terms = limit.flatMap(text => text.split(/[,\s]+/)).filter(term => term !== '');
  if (terms.length > MOST_TERMS) throw usage(`--limit has more than ${MOST_TERMS} words`);
  const finder = new Finder(hosts, groups);
  const taken = terms.filter(term => !term.startsWith('!'));
  const away = terms.filter(term => term.startsWith('!')).map(term => term.slice(1));
  const inside = new Set(taken.length === 0 ? hosts : taken.flatMap(term => finder.find(term)));
  const outside = new Set(away.flatMap(term => finder.find(term)));
  const left = hosts.filter(host => inside.has(host) && !outside.has(host));
  if (left.length > 0) return left;
  throw usage(
    `--limit ${printable(terms.join(','))} leaves no host`,
    'See which hosts there are: airferry fleet list.',
  );
}

class Finder<Host extends Limited> {
  readonly #hosts: readonly Host[];
  readonly #named = new Map<string, Host>();
  readonly #members = new Map<string, Host[]>();

  constructor(hosts: readonly Host[], groups: Iterable<string>) {
    this.#hosts = hosts;
    for (const group of groups) this.#members.set(group, []);
    for (const host of hosts) {
      this.#named.set(host.name, host);
      for (const word of new Set([...host.groups, ...host.roles])) {
        const members = this.#members.get(word);
        if (members) members.push(host);
        else this.#members.set(word, [host]);
      }
    }
  }

  find(term: string): Host[] {
    const glob = term.startsWith('~') ? term.slice(1) : term;
    if (glob === '') throw usage(`--limit has the word "${printable(term)}", which means no host`);
    if (term === EVERYBODY) return [...this.#hosts];
    if (glob.includes('[')) return this.#range(glob);
    if (glob !== term || /[*?]/.test(glob)) return this.#matching(term, glob);
    const host = this.#named.get(term);
    const members = this.#members.get(term);
    if (!host && !members) throw this.#unknown(term);
    return [...(host ? [host] : []), ...(members ?? [])];
  }

  #matching(term: string, glob: string): Host[] {
    const words = [...this.#members].filter(([word]) => matchesGlob(glob, word));
    const hosts = this.#hosts.filter(({ name }) => matchesGlob(glob, name));
    if (words.length === 0 && hosts.length === 0) throw this.#unknown(term);
    return [...hosts, ...words.flatMap(([, members]) => members)];
  }

  #range(pattern: string): Host[] {
    const range = expandRange(pattern, MOST_HOSTS);
    if ('problem' in range)
      throw usage(`--limit: ${printable(pattern)} ${range.problem}`, ...[range.suggestion ?? []].flat());
    return range.names.flatMap(name => this.find(name));
  }

  #unknown(term: string): AirferryError {
    const near = closest(term, [...this.#named.keys(), ...this.#members.keys()]);
    return usage(
      `--limit: no host, group or role of the fleet is called ${printable(term)}`,
      near === undefined ? 'See which there are: airferry fleet list.' : `Did you mean ${near}?`,
    );
  }
}

function usage(message: string, ...suggestions: string[]): AirferryError {
  return new AirferryError('USAGE', message, { suggestions });
}
