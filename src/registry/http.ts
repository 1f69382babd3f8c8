/** Requests over HTTP: each over the right connection, redirects followed under our own policy. */
import { Connections, type ConnectionsOptions } from './connections.ts';
import { protocolError } from './errors.ts';
import { DEFAULT_LIMITS, Exchange, type HttpAnswer, type HttpLimits, type HttpRequest } from './exchange.ts';
import { publicUrl, resolveLocation } from './location.ts';

export type { HttpAnswer, HttpLimits, HttpRequest } from './exchange.ts';

const REDIRECT_LIMIT = 10;

export class Http {
  readonly #limits: HttpLimits;
  readonly #connections: Connections;

  constructor(options: { limits?: Partial<HttpLimits> } & Omit<ConnectionsOptions, 'connectMs'>) {
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#connections = new Connections({ ...options, connectMs: this.#limits.connectMs });
  }

  /**
   * Send a request and wait for the head of its answer, whatever its status. GET and HEAD follow every redirect,
   * others only 307 and 308. Credentials do not cross origins, and nothing goes from https down to http.
   * Throws REGISTRY_UNREACHABLE, REGISTRY_TLS, REGISTRY_PROTOCOL, what the body's source throws, and the reason of
   * an aborted signal (INTERRUPTED when it is no error of ours).
   */
  async send(request: HttpRequest): Promise<HttpAnswer> {
    let url = request.url;
    let authorization = request.authorization;
    for (let hops = 0; ; hops++) {
      const answer = await this.#exchange({ ...request, url, authorization });
      if (![301, 302, 303, 307, 308].includes(answer.status)) return answer;
      answer.discard();
      if (hops === REDIRECT_LIMIT)
        throw protocolError(request.url.host, 'redirects in circles', publicUrl(url));
      const next = redirectTarget(answer, request.method, url);
      if (next.origin !== url.origin) authorization = undefined;
      url = next;
    }
  }

  /** Close all connections. */
  close(): Promise<void> {
    return this.#connections.close();
  }

  async #exchange(request: HttpRequest): Promise<HttpAnswer> {
    const route = await this.#connections.route(request.url);
    const exchange = new Exchange(request, this.#limits, route);
    try {
      return await exchange.begin();
    } catch (error) {
      throw exchange.failed(error);
    }
  }
}

function redirectTarget(answer: HttpAnswer, method: string, from: URL): URL {
  const to = resolveLocation(answer.header('location'), from);
  if (!to) throw protocolError(from.host, 'redirects to nowhere', publicUrl(from));
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw protocolError(from.host, `redirects from HTTPS down to plain HTTP at ${to.host}`, publicUrl(from));
  }
  const reads = method === 'GET' || method === 'HEAD';
  if (!reads && answer.status !== 307 && answer.status !== 308) {
    const better =
      from.protocol === 'http:' && to.protocol === 'https:'
        ? '; it may want HTTPS: leave out --plain-http'
        : '';
    throw protocolError(from.host, `redirects a ${method} to ${publicUrl(to)}${better}`, publicUrl(from));
  }
  return to;
}
