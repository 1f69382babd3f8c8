/** One registry: requests that carry its login, wait when it asks for a pause, and are tried again where that helps. */
import { abortError, isAirferryError } from '../errors.ts';
import { retry } from '../support/retry.ts';
import { type Action, Authenticator, type AuthOptions, type Scope } from './auth.ts';
import {
  ERROR_BODY_LIMIT,
  isHtml,
  PATIENCE_MS,
  parseErrorBody,
  protocolError,
  RegistryError,
  refusalError,
  webPageError,
} from './errors.ts';
import type { Http, HttpAnswer, HttpRequest } from './http.ts';
import { publicUrl, withParameter } from './location.ts';
import { Pace } from './pace.ts';

export interface RetryPolicy {
  /** Attempts in all. */
  attempts: number;
  /** Milliseconds of the first pause. */
  baseMs: number;
  /** Milliseconds that no pause exceeds, unless the registry names a longer one. */
  maxMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, baseMs: 500, maxMs: 15_000 };
/** Statuses of which only the body tells what is wrong, and so what to do: content that is missing, above all. */
const BODY_DECIDES = [400, 403, 404];
/** Milliseconds for the polite last word about an upload that is given up. */
const CANCEL_MS = 3_000;

export interface SessionOptions extends AuthOptions {
  /** What requests for a repository ask the right to do. */
  access: Action;
  retry?: Partial<RetryPolicy>;
  /** Requests per second at most; as many as there are when absent. */
  perSecond?: number;
}

/** A request about a repository, or about the registry as a whole. */
export interface Call extends Omit<HttpRequest, 'url' | 'authorization' | 'signal'> {
  /** Absent for what is about the registry as a whole. */
  repository?: string;
  /** A path below `/v2/REPOSITORY/`, or where the registry has sent us. */
  to: string | URL;
  /** Rights that it takes, where those to the repository are not all. */
  rights?: Scope;
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
  readonly #pace: Pace;

  constructor(options: SessionOptions) {
    this.registry = options.registry;
    this.origin = options.origin;
    this.#http = options.http;
    this.#auth = new Authenticator(options);
    this.#options = options;
    this.#pace = new Pace(options.perSecond);
    this.#retry = { ...DEFAULT_RETRY, ...options.retry };
  }

  /** Whether the registry has asked for a login so far. */
  get wantsLogin(): boolean {
    return this.#auth.wanted;
  }

  /** Throws the reason of an interruption, if there was one. */
  throwIfInterrupted(): void {
    const { signal } = this.#options;
    if (signal?.aborted) throw abortError(signal);
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
    try {
      if (this.#met) return await this.#send(call);
      const alone = this.#send(call);
      this.#first = alone.then(
        () => {},
        () => {},
      );
      this.#first.then(() => {
        this.#first = undefined;
      });
      return await alone;
    } catch (error) {
      if (error instanceof RegistryError) this.#rest(error);
      throw error;
    }
  }

  /**
   * Repeat `work` while it fails with something that may pass, with growing pauses, or those that the registry names.
   * The attempts are counted anew when `work` tells of progress, and a pause that the registry has named is no failed
   * attempt, as long as all of them together try nobody's patience.
   */
  async retry<T>(work: (progress: () => void) => Promise<T>): Promise<T> {
    const { signal } = this.#options;
    let [failures, paused] = [0, 0];
    const progress = (): void => {
      [failures, paused] = [0, 0];
    };
    const again = (error: unknown): boolean | { afterMs: number } => {
      if (!(error instanceof RegistryError) || !error.mayPass) return false;
      // A registry that has never answered is a wrong address more often than a bad day.
      if (error.code === 'REGISTRY_UNREACHABLE' && !this.#met) return false;
      const { afterMs } = error;
      if (afterMs === undefined || afterMs === 0) return ++failures < this.#retry.attempts;
      paused += afterMs;
      if (paused > PATIENCE_MS && ++failures >= this.#retry.attempts) return false;
      // Many requests wait for the same moment: they are spread a little.
      return { afterMs: afterMs * (1 + Math.random() / 10) };
    };
    const { baseMs, maxMs } = this.#retry;
    const attempts = Number.POSITIVE_INFINITY;
    try {
      return await retry(() => work(progress), { attempts, baseMs, maxMs, signal, retryable: again });
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

  /** The URL of a path below `/v2/REPOSITORY/`; below `/v2/` without one. */
  url(repository: string | undefined, path: string, parameters: Record<string, string> = {}): URL {
    let url = new URL(`${this.origin}/v2/${repository === undefined ? '' : `${repository}/`}${path}`);
    for (const [name, value] of Object.entries(parameters)) url = withParameter(url, name, value);
    return url;
  }

  async #send(call: Call): Promise<HttpAnswer> {
    const { repository, to, from, rights, accept, ...request } = call;
    const { signal } = this.#options;
    const url = typeof to === 'string' ? this.url(repository, to) : to;
    const scope = new Map([...this.#scope(repository, from), ...(rights ?? [])]);
    for (let round = 1; ; round++) {
      await this.#pace.turn(signal);
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

  /** Where the registry wants a pause, every request keeps it: one that is limited speaks for all. */
  #rest({ code, mayPass, afterMs }: RegistryError): void {
    if (!mayPass) return;
    const ms = afterMs ?? (code === 'REGISTRY_RATE_LIMITED' ? this.#retry.baseMs : 0);
    if (ms > 0) this.#pace.hold(ms);
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
      text: await readText(answer, BODY_DECIDES),
      repository: call.repository,
    });
    return error;
  }

  #scope(repository: string | undefined, from?: string): Scope {
    const scope = new Map<string, Action[]>();
    if (repository !== undefined)
      scope.set(`repository:${repository}`, this.#options.access === 'push' ? ['pull', 'push'] : ['pull']);
    if (from !== undefined && from !== repository) scope.set(`repository:${from}`, ['pull']);
    return scope;
  }

  /** Storage and upload hosts elsewhere get no login of ours. */
  async #authorization(scope: Scope, url: URL): Promise<string | undefined> {
    return url.origin === this.origin ? this.#auth.authorization(scope) : undefined;
  }
}

/** The text of an answer; what is thrown for one of these statuses is that the connection was lost. */
async function readText(answer: HttpAnswer, needed: readonly number[] = []): Promise<string> {
  try {
    return (await answer.bytes(ERROR_BODY_LIMIT)).toString('utf8');
  } catch (error) {
    if (needed.includes(answer.status) && error instanceof RegistryError && error.mayPass) throw error;
    // The status says enough when the rest of the answer is lost.
    return '';
  }
}
