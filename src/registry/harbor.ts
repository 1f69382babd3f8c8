/**
 * What Harbor has beyond a registry: projects that must exist before a push, quotas, proxy caches, read-only mode.
 * Harbor API v2.0. Asked only when the operator wants it, or when a refusal calls for an explanation.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isAirferryError } from '../errors.ts';
import { formatBytes } from '../support/format.ts';
import { isObject } from '../support/is-object.ts';
import { ERROR_BODY_LIMIT, RegistryError, refusalError } from './errors.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { publicUrl, withParameter } from './location.ts';
import type { Credentials } from './login.ts';
import { basicAuthorization } from './token.ts';

const ANSWER_LIMIT = 4 * 1024 * 1024;
const PAGE_SIZE = 100;
const PAGES_LIMIT = 10_000;

export interface HarborOptions {
  http: Http;
  /** The registry as the operator writes it. */
  registry: string;
  origin: string;
  credentials(): Promise<Credentials | undefined>;
  /** Milliseconds before a question is asked for the second time. Default 500. */
  pauseMs?: number | undefined;
  signal?: AbortSignal;
}

/** How often a question is asked that fails with what may pass; statuses by which a Harbor or its proxy says so. */
const ATTEMPTS = 3;
const PASSING = [429, 502, 503, 504];

export interface HarborProject {
  name: string;
  /** It fetches from elsewhere on demand, and takes no pushes. */
  proxyCache: boolean;
}

/** Bytes; `hard` is absent where there is no limit. */
export interface HarborQuota {
  hard?: number;
  used: number;
}

/** The project that a repository belongs to: the first part of its path. */
export function projectOf(repository: string): string {
  return repository.split('/')[0] ?? repository;
}

export class Harbor {
  readonly #options: HarborOptions;

  constructor(options: HarborOptions) {
    this.#options = options;
  }

  /** Whether the registry is a Harbor. Throws only when it cannot be reached. */
  async detect(): Promise<boolean> {
    const info = await this.#ask('GET', 'systeminfo');
    if (info.status === 200) return isObject(info.json) && 'auth_mode' in info.json;
    const ping = await this.#ask('GET', 'ping');
    return ping.status === 200 && /^"?pong"?$/i.test(ping.text.trim());
  }

  /** Whether all of it is in read-only mode; false where this login is not told. */
  async readOnly(): Promise<boolean> {
    const { json } = await this.#ask('GET', 'systeminfo');
    return isObject(json) && json.read_only === true;
  }

  /** Undefined for one that does not exist. Throws REGISTRY_DENIED for one that this login may not see. */
  async project(name: string): Promise<HarborProject | undefined> {
    const answer = await this.#ask('GET', `projects/${encodeURIComponent(name)}`, {
      headers: { 'x-is-resource-name': 'true' },
    });
    if (answer.status === 404) return undefined;
    const json = this.#expect(answer, [200], name);
    return {
      name,
      proxyCache: isObject(json) && typeof json.registry_id === 'number' && json.registry_id > 0,
    };
  }

  /** Create a private project; one that exists stays as it is. Throws REGISTRY_DENIED where this login may not. */
  async createProject(name: string): Promise<'created' | 'present'> {
    const answer = await this.#ask('POST', 'projects', {
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ project_name: name, metadata: { public: 'false' } })),
    });
    if (answer.status === 409) return 'present';
    this.#expect(answer, [201], name);
    return 'created';
  }

  /** The room that a project has. Undefined where this login is not told. */
  async quota(name: string): Promise<HarborQuota | undefined> {
    const answer = await this.#ask('GET', `projects/${encodeURIComponent(name)}/summary`, {
      headers: { 'x-is-resource-name': 'true' },
    });
    const quota = answer.status === 200 && isObject(answer.json) ? answer.json.quota : undefined;
    if (!isObject(quota) || !isObject(quota.hard) || !isObject(quota.used)) return undefined;
    const [hard, used] = [quota.hard.storage, quota.used.storage];
    if (typeof hard !== 'number' || typeof used !== 'number') return undefined;
    return hard < 0 ? { used } : { hard, used };
  }

  /** The repositories that this login may see; with a project, those of it. Harbor gives `_catalog` to administrators only. */
  async *repositories(project?: string): AsyncGenerator<string> {
    const path =
      project === undefined ? 'repositories' : `projects/${encodeURIComponent(project)}/repositories`;
    for (let page = 1; page <= PAGES_LIMIT; page++) {
      const answer = await this.#ask('GET', path, { page: String(page), page_size: String(PAGE_SIZE) });
      const json = this.#expect(answer, [200], project);
      const found = Array.isArray(json) ? json : [];
      for (const entry of found) if (isObject(entry) && typeof entry.name === 'string') yield entry.name;
      if (found.length < PAGE_SIZE) return;
    }
  }

  /**
   * Make sure that pushes can begin: the project exists (created where `create` says so), takes pushes, and has room for
   * so many bytes, and some more where it is known that there are, but not how many. Gives back whether it was created.
   * Throws REGISTRY_NOT_FOUND and REGISTRY_DENIED, with what to do.
   */
  async prepare(
    name: string,
    { create, bytes, more = false }: { create: boolean; bytes: number; more?: boolean },
  ): Promise<'created' | 'present'> {
    const project = await this.#visible(name);
    if (project === undefined) {
      if (!create) throw this.#missing(name);
      return this.createProject(name);
    }
    if (project !== 'hidden' && project.proxyCache) throw this.#proxyCache(name);
    const quota = await this.quota(name);
    const wanted = bytes + (more ? 1 : 0);
    if (quota?.hard !== undefined && quota.used + wanted > quota.hard)
      throw this.#full(name, quota, bytes || undefined);
    return 'present';
  }

  /**
   * What lies behind a refused push into a repository, where Harbor tells; else the refusal itself. Never throws: an
   * explanation that fails is none.
   */
  async explain(refusal: RegistryError, repository: string): Promise<RegistryError> {
    const name = projectOf(repository);
    try {
      if (!(await this.detect())) return refusal;
      if (await this.readOnly()) return this.#readOnly();
      const project = await this.#visible(name);
      if (project === undefined) return this.#missing(name);
      if (project !== 'hidden' && project.proxyCache) return this.#proxyCache(name);
      const quota = await this.quota(name);
      if (quota?.hard !== undefined && quota.used >= quota.hard) return this.#full(name, quota);
    } catch {
      // The refusal is what counts.
    }
    return refusal;
  }

  async #visible(name: string): Promise<HarborProject | 'hidden' | undefined> {
    try {
      return await this.project(name);
    } catch (error) {
      if (isAirferryError(error, 'REGISTRY_DENIED', 'REGISTRY_UNAUTHORIZED')) return 'hidden';
      throw error;
    }
  }

  #missing(name: string): RegistryError {
    return this.#error('REGISTRY_NOT_FOUND', `has no project "${name}"`, [
      'Create it with --create-projects, or in the web interface of Harbor.',
      'Or rewrite the names so that they lead to a project that exists.',
    ]);
  }

  #proxyCache(name: string): RegistryError {
    return this.#error('REGISTRY_DENIED', `takes no push into "${name}": it is a proxy cache`, [
      'Push to an ordinary project: rewrite the names with a retag rule.',
    ]);
  }

  #readOnly(): RegistryError {
    return this.#error('REGISTRY_DENIED', 'is in read-only mode', [
      'Ask its administrator to end it (Administration, Configuration, System Settings), then run the command again.',
    ]);
  }

  #full(name: string, { hard = 0, used }: HarborQuota, bytes?: number): RegistryError {
    const wanted = bytes === undefined ? '' : `, and ${formatBytes(bytes)} are to be sent`;
    const room = `${formatBytes(used)} of ${formatBytes(hard)} are used`;
    return this.#error('REGISTRY_DENIED', `has no room in the project "${name}": ${room}${wanted}`, [
      `Raise the quota of "${name}" (Administration, Project Quotas), or delete old images and run the garbage collection.`,
    ]);
  }

  #error(code: 'REGISTRY_NOT_FOUND' | 'REGISTRY_DENIED', what: string, suggestions: string[]): RegistryError {
    const { registry, origin } = this.#options;
    return new RegistryError(code, `${registry} ${what}`, { where: { url: origin }, suggestions });
  }

  #expect(answer: ApiAnswer, statuses: number[], project: string | undefined): unknown {
    if (statuses.includes(answer.status)) return answer.json;
    const { registry } = this.#options;
    const { method, url, status, text, contentType } = answer;
    const refusal = { registry, method, url, status, text, contentType, repository: project };
    const error = refusalError({ ...refusal, retryAfter: undefined });
    if (status !== 401 && status !== 403) throw error;
    const { message } = error;
    throw new RegistryError('REGISTRY_DENIED', message, {
      status,
      where: { url },
      suggestions:
        method === 'POST'
          ? ['This login may not create projects: log in as one who may, or have the project created.']
          : ['Check the login: airferry registry login, as a member of the project.'],
    });
  }

  async #ask(
    method: HttpRequest['method'],
    path: string,
    { headers, body, ...parameters }: Ask = {},
  ): Promise<ApiAnswer> {
    const { http, origin, credentials, pauseMs = 500, signal } = this.#options;
    let url = new URL(`${origin}/api/v2.0/${path}`);
    for (const [name, value] of Object.entries(parameters)) url = withParameter(url, name, value as string);
    const login = await credentials();
    const authorization =
      login?.kind === 'password' ? basicAuthorization(login.username, login.password) : undefined;
    const request = { method, url, headers: { accept: 'application/json', ...headers }, body, signal };
    for (let attempt = 1; ; attempt++) {
      const last = attempt === ATTEMPTS;
      try {
        const answer = await readAnswer(method, await http.send({ ...request, authorization }));
        if (last || !PASSING.includes(answer.status)) return answer;
      } catch (error) {
        if (last || !(error instanceof RegistryError && error.mayPass)) throw error;
      }
      await sleep(pauseMs * attempt, undefined, signal && { signal });
    }
  }
}

interface Ask {
  headers?: Record<string, string>;
  body?: Uint8Array;
  page?: string;
  page_size?: string;
}

interface ApiAnswer {
  method: string;
  url: string;
  status: number;
  contentType: string;
  text: string;
  json: unknown;
}

async function readAnswer(method: string, answer: HttpAnswer): Promise<ApiAnswer> {
  const { status } = answer;
  const text = (await answer.bytes(status < 400 ? ANSWER_LIMIT : ERROR_BODY_LIMIT)).toString('utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // A web page: this is no Harbor.
  }
  const contentType = answer.header('content-type') ?? '';
  return { method, url: publicUrl(answer.url), status, contentType, text, json };
}
