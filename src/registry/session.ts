/** One registry: requests that carry its login, wait when it asks for a pause, and are tried again where that helps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { abortError, isAirferryError } from '../errors.ts';
import { retry } from '../support/retry.ts';
import { type Action, Authenticator, type AuthOptions, type Scope } from './auth.ts';
import {
  ERROR_BODY_LIMIT,
  isHtml,
  parseErrorBody,
  protocolError,
  RegistryError,
  refusalError,
  webPageError,
} from './errors.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { publicUrl, withParameter } from './location.ts';

export interface RetryPolicy {
  /** Attempts in all. */
  attempts: number;
  /** Milliseconds of the first pause. */
  baseMs: number;
  /** Milliseconds that no pause exceeds, unless the registry names a longer one. */
  maxMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, baseMs: 500, maxMs: 15_000 };
/** Milliseconds for the polite last word about an upload that is given up. */
const CANCEL_MS = 3_000;

export interface SessionOptions extends AuthOptions {
  /** What requests for a repository ask the right to do. */
  access: Action;
  retry?: Partial<RetryPolicy>;
}

/** A request about a repository. */
export interface Call extends Omit<HttpRequest, 'url' | 'authorization' | 'signal'> {
  repository: string;
  /** A path below `/v2/REPOSITORY/`, or where the registry has sent us. */
  to: string | URL;
  /** A second repository that is read in the same request. */
  from?: string;
  /** The statuses that are answers; every other one is thrown as its error. */
  accept: number[];
}

export class Session {
  readonly registry: string;
  readonly origin: string;
  readonly #http: Http;
  readonly #auth: Authenticator;
  readonly #options: SessionOptions;
  readonly #retry: RetryPolicy;
  /** The first request goes alone: it learns whether a login is wanted. */
  #first: Promise<void> | undefined;
  /** Whether the registry has ever answered. */
  #met = false;
  /** `performance.now()` before which the registry wants no request. */
  #notBefore = 0;

  constructor(options: SessionOptions) {
    this.registry = options.registry;
    this.origin = options.origin;
    this.#http = options.http;
    this.#auth = new Authenticator(options);
    this.#options = options;
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
  }

  /** Send a request until it is answered, fails for good, or the attempts are used up. */
  call(call: Call): Promise<HttpAnswer> {
    return this.retry(() => this.once(call));
  }

  /**
   * Send a request one time (again only after a 401, with a fresh login). Throws a RegistryError for a status that
   * is not accepted, and what `Http.send` and `Authenticator` throw.
   */
  async once(call: Call): Promise<HttpAnswer> {
    while (this.#first) await this.#first;
    if (this.#met) return this.#send(call);
    const alone = this.#send(call);
    this.#first = alone.then(
      () => {},
      () => {},
    );
    this.#first.then(() => {
      this.#first = undefined;
    });
    return alone;
  }

  /** Repeat `work` while it fails with something that may pass, with growing pauses, or those that the registry names. */
  async retry<T>(work: () => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    try {
      return await retry(work, {
        ...this.#retry,
        signal,
        retryable: error => {
          if (!(error instanceof RegistryError) || !error.mayPass) return false;
          // A registry that has never answered is a wrong address more often than a bad day.
          if (error.code === 'REGISTRY_UNREACHABLE' && !this.#met) return false;
          // Many requests wait for the same moment: they are spread a little.
          return error.afterMs === undefined ? true : { afterMs: error.afterMs * (1 + Math.random() / 10) };
        },
      });
    } catch (error) {
      if (signal?.aborted && !isAirferryError(error)) throw abortError(signal);
      throw error;
    }
  }

  /** Tell the registry that an upload is given up. Never throws; works after an interruption, too. */
  async cancel(repository: string, upload: URL): Promise<void> {
    try {
      const authorization = await this.#authorization(this.#scope(repository), upload);
      const signal = AbortSignal.timeout(CANCEL_MS);
      const answer = await this.#http.send({ method: 'DELETE', url: upload, authorization, signal });
      answer.discard();
    } catch {
      // The registry removes abandoned uploads by itself some day.
    }
  }

  /** The URL of a path below `/v2/REPOSITORY/`. */
  url(repository: string, path: string, parameters: Record<string, string> = {}): URL {
    let url = new URL(`${this.origin}/v2/${repository}/${path}`);
    for (const [name, value] of Object.entries(parameters)) url = withParameter(url, name, value);
    return url;
  }

  async #send(call: Call): Promise<HttpAnswer> {
    const { repository, to, from, accept, ...request } = call;
    const { signal } = this.#options;
    const url = typeof to === 'string' ? this.url(repository, to) : to;
    const scope = this.#scope(repository, from);
    for (let round = 1; ; round++) {
      await this.#pause();
      const authorization = await this.#authorization(scope, url);
      const answer = await this.#http.send({ ...request, url, authorization, signal });
      this.#met = true;
      const page = answer.status < 400 && isHtml(answer.header('content-type') ?? '');
      if (accept.includes(answer.status) && !page) return answer;
      if (answer.status !== 401) throw await this.#refusal(call, answer);
      const text = await readText(answer);
      if (round === 2 || url.origin !== this.origin) {
        const { message } = parseErrorBody(text, answer.header('content-type') ?? '');
        throw await this.#auth.refused(repository, message, publicUrl(url));
      }
      this.#auth.challenged(answer.header('www-authenticate'), authorization);
    }
  }

  async #refusal(call: Call, answer: HttpAnswer): Promise<RegistryError> {
    const { registry } = this;
    const { status } = answer;
    const url = publicUrl(answer.url);
    const contentType = answer.header('content-type') ?? '';
    if (status < 400) {
      answer.discard();
      if (isHtml(contentType)) return webPageError({ registry, status, url });
      return protocolError(registry, `answered ${status} to ${call.method}, which is no answer to it`, url);
    }
    const error = refusalError({
      registry,
      method: call.method,
      url,
      status,
      contentType,
      retryAfter: answer.header('retry-after'),
      text: await readText(answer),
      repository: call.repository,
    });
    if (error.mayPass && error.afterMs !== undefined) {
      this.#notBefore = Math.max(this.#notBefore, performance.now() + error.afterMs);
    }
    return error;
  }

  /** Where the registry has named a pause, every request keeps it. */
  async #pause(): Promise<void> {
    const { signal } = this.#options;
    for (
      let left = this.#notBefore - performance.now();
      left > 0;
      left = this.#notBefore - performance.now()
    ) {
      await sleep(left, undefined, { signal });
    }
  }

  #scope(repository: string, from?: string): Scope {
    const scope = new Map<string, Action[]>();
    scope.set(repository, this.#options.access === 'push' ? ['pull', 'push'] : ['pull']);
    if (from !== undefined && from !== repository) scope.set(from, ['pull']);
    return scope;
  }

  /** Storage and upload hosts elsewhere get no login of ours. */
  async #authorization(scope: Scope, url: URL): Promise<string | undefined> {
    return url.origin === this.origin ? this.#auth.authorization(scope) : undefined;
  }
}

async function readText(answer: HttpAnswer): Promise<string> {
  try {
    return (await answer.bytes(ERROR_BODY_LIMIT)).toString('utf8');
  } catch {
    // The status says enough when the rest of the answer is lost.
    return '';
  }
}
