/** Where in a compose file its services stand, and where the files are that it names. */
import { dirname, isAbsolute, join } from 'node:path';
import { isObject } from '../support/is-object.ts';
import { closest } from '../support/suggest.ts';
import { contentOf, isReset, mistake, type Written } from './compose-scope.ts';
import type { YamlDocument } from './document.ts';
import { type Path, type Problem, printable, problemsError } from './problem.ts';

const MOST_SERVICES = 5_000;
/** Keys at the top of a compose file, beside `services`. */
const PARTS = ['version', 'name', 'include', 'networks', 'volumes', 'configs', 'secrets', 'models'];

/**
 * The paths of a document's services by their names: under `services`, or at the top, as docker-compose 1 had it.
 * Those that the document takes away (`!reset`) are left out. Throws COMPOSE_FILE_INVALID for what is no compose file.
 */
export function servicePaths(document: YamlDocument): Map<string, Path> {
  const top = document.value;
  if (top === null || top === undefined) return new Map();
  if (!isObject(top)) throw mistake(document, [], 'is no compose file: it must be a map with `services`');
  const { services } = top;
  if (services === undefined && isVersion1(top)) return pathsOf(document, top, []);
  if (isObject(services)) return pathsOf(document, services, ['services']);
  if (services !== undefined && services !== null)
    throw mistake(document, ['services'], 'must be a map of services, e.g. { web: { image: nginx:1.25 } }');
  const keys = Object.keys(top);
  if (services === undefined && !keys.some(key => PARTS.includes(key) || key.startsWith('x-'))) {
    const near = 'apiVersion' in top ? undefined : closest(keys[0] ?? '', ['services', ...PARTS]);
    const hint =
      near === undefined
        ? 'Kubernetes manifests are read with --kubernetes, by init with --from-kubernetes.'
        : `Did you mean \`${near}\`?`;
    throw mistake(document, [], 'is no compose file: it has no `services`', hint);
  }
  return new Map();
}

/** Services of earlier files that a document takes away: `web: !reset null`. */
export function removedServices(document: YamlDocument): string[] {
  const services = contentOf(document, ['services']);
  return isObject(services)
    ? Object.keys(services).filter(name => isReset(document, ['services', name]))
    : [];
}

/** The path that a text of a document means, seen from where the document itself is. What is no local file is refused. */
export function localPath(written: Written, document: YamlDocument): string {
  const { text, at } = written;
  const refuse = (problem: Omit<Problem, 'at'>): Error => problemsError([{ ...problem, at }], document);
  if (text.trim() === '') {
    const names = written.unset.map(printable).join(', ');
    throw refuse({
      message: names === '' ? 'a path is empty' : `a path is empty, since ${names} is not set`,
    });
  }
  if (/^[a-z][a-z0-9+.-]*:\/\/|^git@|\.git(?:#|$)/i.test(text)) {
    throw refuse({
      message: `${printable(text)} is not on this disk, and is not fetched`,
      suggestions: [
        'Let compose write the whole of it to one file, and name that: docker compose config > resolved.yml',
      ],
    });
  }
  return isAbsolute(text) ? text : join(dirname(document.file), text);
}

function pathsOf(document: YamlDocument, services: Record<string, unknown>, base: Path): Map<string, Path> {
  const names = Object.keys(services).filter(name => !isReset(document, [...base, name]));
  if (names.length > MOST_SERVICES) throw mistake(document, base, `has more than ${MOST_SERVICES} services`);
  return new Map(names.map(name => [name, [...base, name]]));
}

function isVersion1(top: Record<string, unknown>): boolean {
  const values = Object.values(top);
  const isService = (value: unknown): boolean => isObject(value) && ('image' in value || 'build' in value);
  return top.version === undefined && values.every(isObject) && values.some(isService);
}
