/** The sockets to a registry: kept alive, limited in the time to connect, with the right CAs, certificates and proxy. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { AirferryError } from '../errors.ts';
import type { TlsFiles } from './certs.ts';
import { type HttpProxy, proxyFor } from './proxy.ts';

export interface ConnectionsOptions {
  /** The registry's origin: the only one that client certificates are shown to. */
  origin: string;
  /** Read when the first TLS connection is made. */
  tlsFiles(): Promise<TlsFiles>;
  /** Where proxies are named; that of the process when absent. */
  env?: NodeJS.ProcessEnv;
  /** Milliseconds for TCP, a proxy's consent, and TLS together. */
  connectMs: number;
}

/** How requests to an origin travel. */
export interface Route {
  agent: HttpAgent;
  proxy: HttpProxy | undefined;
}

/** Agents for node:http and node:https. As many connections as there are requests at once: callers set that limit. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #agents = new Map<string, Promise<HttpAgent>>();
  readonly #contexts = new Map<boolean, Promise<SecureContext>>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** The way for requests to that URL. Throws what reading the certificates throws, and USAGE for an impossible proxy. */
  async route(url: URL): Promise<Route> {
    const proxy = proxyFor(url, this.#options.env ?? process.env);
    const own = url.origin === this.#options.origin;
    const secure = url.protocol === 'https:';
    const key = `${secure ? `tls ${own}` : 'plain'} ${proxy?.url.href ?? ''}`;
    let agent = this.#agents.get(key);
    if (!agent) {
      agent = this.#make(secure, own, proxy);
      this.#agents.set(key, agent);
    }
    return { agent: await agent, proxy };
  }

  /** Close the idle connections and those in use. */
  async close(): Promise<void> {
    const agents = await Promise.allSettled(this.#agents.values());
    for (const result of agents) if (result.status === 'fulfilled') result.value.destroy();
  }

  async #make(secure: boolean, own: boolean, proxy: HttpProxy | undefined): Promise<HttpAgent> {
    // Node speaks CONNECT and Basic itself. Whether there is a proxy was decided above, by rules that know more forms.
    const proxyEnv = proxy && { [secure ? 'https_proxy' : 'http_proxy']: proxy.url.href };
    const options = { keepAlive: true, ...(proxyEnv ? { proxyEnv } : {}) };
    const agent = secure
      ? new HttpsAgent({ ...options, secureContext: await this.#context(own) })
      : new HttpAgent(options);
    return limitConnecting(agent, this.#options.connectMs, secure && proxy !== undefined);
  }

  #context(own: boolean): Promise<SecureContext> {
    let context = this.#contexts.get(own);
    if (!context) {
      context = this.#options
        .tlsFiles()
        .then(({ cas, clients }) => secureContext({ cas, clients: own ? clients : [] }));
      this.#contexts.set(own, context);
    }
    return context;
  }
}

/** Node's CAs, the machine's (as Docker trusts them), and those given; made once, since it takes tens of milliseconds. */
function secureContext({ cas, clients }: TlsFiles): SecureContext {
  try {
    return createSecureContext({
      ca: [...new Set([...getCACertificates('default'), ...getCACertificates('system'), ...cas])],
      cert: clients.map(client => client.cert),
      key: clients.map(client => client.key),
    });
  } catch (cause) {
    throw new AirferryError('REGISTRY_TLS', 'the certificates for the registry cannot be used', {
      suggestions: ['Check that each client.key belongs to its client.cert and has no passphrase.'],
      cause,
    });
  }
}

/**
 * Make new sockets of an agent fail with ECONNECTTIMEOUT when they are not ready in time. Without a proxy the socket
 * is what `createConnection` returns. With one, that is the way to the proxy, and the callback gets the socket once the
 * tunnel and TLS stand; when the way breaks off before, nobody else would tell.
 */
function limitConnecting<A extends HttpAgent>(agent: A, ms: number, tunnels: boolean): A {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (): void => clearTimeout(timer);
    const tell = (error: Error | null, stream?: Duplex): void => {
      settle();
      callback?.(error, stream as Duplex);
    };
    const socket = create(options, tell) as (Duplex & Partial<Socket>) | null | undefined;
    timer = setTimeout(() => socket?.destroy(failure('ECONNECTTIMEOUT')), ms);
    if (tunnels) socket?.once('close', () => tell(socket.errored ?? failure('ECONNRESET')));
    else
      socket?.once(agent instanceof HttpsAgent ? 'secureConnect' : 'connect', settle).once('close', settle);
    return socket;
  };
  return agent;
}

function failure(code: string): Error {
  return Object.assign(new Error('no connection'), { code });
}
