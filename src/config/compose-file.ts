/** Compose files into services: several documents and files laid over one another, `extends` and `include` followed. */
import { dirname, join } from 'node:path';
import { type ErrorCode, isAirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { closest } from '../support/suggest.ts';
import { readEnvFile } from './compose-env.ts';
import { localPath, removedServices, servicePaths } from './compose-layout.ts';
import { contentOf, mistake, textAt, textsAt } from './compose-scope.ts';
import { mergeParts, type ServicePart, servicePart } from './compose-service.ts';
import { parseForeignYaml, type YamlDocument } from './document.ts';
import type { Lookup } from './interpolate.ts';
import { type Path, printable, problemsError } from './problem.ts';
import { readText } from './read.ts';

const CODE: ErrorCode = 'COMPOSE_FILE_INVALID';
/** Files of one project, counted each time that one is named. */
const MOST_FILES = 500;
/** Services that extend services that extend …, and files that include files that include …. */
const DEEPEST = 32;

export type Services = Map<string, ServicePart>;

/** Where a service is looked for that another one extends, and those that led to it. */
interface Search {
  lookup: Lookup;
  /** Services of the files before this one. */
  before?: Services;
  /** `file\0service`, outermost first. */
  trail: string[];
}

/** Reads the files of one project. Its functions throw COMPOSE_FILE_INVALID, and what reading files throws. */
export class ComposeReader {
  readonly #documents = new Map<string, YamlDocument[]>();
  #named = 0;

  /** The files that were read, in order. */
  get files(): string[] {
    return [...this.#documents.keys()];
  }

  /**
   * The services of files that are laid over one another, as `docker compose -f A -f B` does it.
   * @param depth how many includes led here
   */
  async services(files: readonly string[], lookup: Lookup, depth = 0): Promise<Services> {
    const services: Services = new Map();
    for (const file of files) {
      for (const document of await this.#read(file)) {
        mergeInto(services, await this.#included(document, lookup, depth));
        mergeInto(services, await this.#own(document, lookup, services));
        for (const name of removedServices(document)) services.delete(name);
      }
    }
    return services;
  }

  async #read(file: string): Promise<YamlDocument[]> {
    const origin = { file, code: CODE };
    if (++this.#named > MOST_FILES) {
      const message = `the project names more than ${MOST_FILES} files; this is the next one`;
      throw problemsError([{ message, at: { line: 1, column: 1 } }], origin);
    }
    const known = this.#documents.get(file);
    if (known !== undefined) return known;
    const text = await readText(origin, 'Name the compose file, or the folder that it is in.');
    const documents = parseForeignYaml(text, origin);
    this.#documents.set(file, documents);
    return documents;
  }

  async #own(document: YamlDocument, lookup: Lookup, before: Services): Promise<Services> {
    const services: Services = new Map();
    for (const [name, path] of servicePaths(document))
      services.set(name, await this.#whole(document, name, path, { lookup, before, trail: [] }));
    return services;
  }

  /** A service with everything that it extends. */
  async #whole(document: YamlDocument, name: string, path: Path, search: Search): Promise<ServicePart> {
    const part = servicePart(document, path, search.lookup);
    if (part.extends === undefined) return part;
    const here = `${document.file}\0${name}`;
    const trail = [...search.trail, here];
    if (search.trail.includes(here) || trail.length > DEEPEST) {
      const names = trail.slice(0, 10).map(step => printable(step.slice(step.indexOf('\0') + 1)));
      throw mistake(document, [...path, 'extends'], `goes in a circle: ${names.join(' → ')}`);
    }
    const base = await this.#base(document, [...path, 'extends'], part.extends, { ...search, trail });
    return mergeParts(base, part);
  }

  async #base(
    document: YamlDocument,
    path: Path,
    { service, file }: NonNullable<ServicePart['extends']>,
    search: Search,
  ): Promise<ServicePart> {
    const name = service.text;
    const documents = file === undefined ? [document] : await this.#read(localPath(file, document));
    const before = file === undefined ? search.before : undefined;
    for (const one of documents.toReversed()) {
      const found = servicePaths(one).get(name);
      if (found !== undefined) return this.#whole(one, name, found, { ...search, before });
    }
    const earlier = before?.get(name);
    if (earlier !== undefined) return earlier;
    const near = closest(
      name,
      documents.flatMap(one => [...servicePaths(one).keys()]),
    );
    throw mistake(
      document,
      path,
      `names the service ${printable(name)}, which ${file === undefined ? 'the file' : printable(file.text)} does not have`,
      ...(near === undefined ? [] : [`Did you mean ${printable(near)}?`]),
    );
  }

  /** What a document includes: projects of their own, each with its `.env`, below the variables of this one. */
  async #included(document: YamlDocument, lookup: Lookup, depth: number): Promise<Services> {
    const services: Services = new Map();
    const list = contentOf(document, ['include']) ?? [];
    if (!Array.isArray(list))
      throw mistake(document, ['include'], 'must be a list of files', 'Begin each of its items with `- `.');
    if (list.length > 0 && depth >= DEEPEST)
      throw mistake(document, ['include'], 'is nested too deeply, or goes in a circle');
    for (const [index, item] of list.entries()) {
      const path = ['include', index];
      const paths = (key: string): string[] =>
        textsAt(document, [...path, key], lookup).map(written => localPath(written, document));
      const files = isObject(item) ? paths('path') : [localPath(textAt(document, path, lookup), document)];
      const wish = isObject(item) ? item : {};
      const [folder = dirname(files[0] ?? document.file)] =
        wish.project_directory === undefined ? [] : paths('project_directory');
      const envFiles = wish.env_file === undefined ? undefined : paths('env_file');
      const environment = await environmentOf(folder, envFiles, lookup);
      mergeInto(services, await this.services(files, environment, depth + 1));
    }
    return services;
  }
}

/**
 * The variables of a project: those given, then those of its env files, of which later ones win; where none are named,
 * those of `.env` in its folder, if there is one. Throws FILE_NOT_FOUND, FILE_UNREADABLE, ENV_FILE_INVALID.
 */
export async function environmentOf(
  folder: string,
  envFiles: readonly string[] | undefined,
  given: Lookup,
): Promise<Lookup> {
  const found = new Map<string, string>();
  for (const file of envFiles ?? [join(folder, '.env')]) {
    const variables = await readEnvFile(file, name => given(name) ?? found.get(name)).catch(error => {
      if (envFiles === undefined && isAirferryError(error, 'FILE_NOT_FOUND')) return [];
      throw error;
    });
    for (const [name, value] of variables) found.set(name, value);
  }
  return name => given(name) ?? found.get(name);
}

function mergeInto(services: Services, over: Services): void {
  for (const [name, part] of over) {
    const base = services.get(name);
    services.set(name, base === undefined ? part : mergeParts(base, part));
  }
}
