/** The sockets to a registry: kept alive, limited in the time to connect, with the right CAs and certificates. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { AirferryError } from '../errors.ts';
import type { TlsFiles } from './certs.ts';

export interface ConnectionsOptions {
  /** The registry's origin: the only one that client certificates are shown to. */
  origin: string;
  /** Read when the first TLS connection is made. */
  tlsFiles(): Promise<TlsFiles>;
  /** Milliseconds for TCP and TLS together. */
  connectMs: number;
}

/** Agents for node:http and node:https. As many connections as there are requests at once: callers set that limit. */
export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #agents = new Map<string, Promise<HttpAgent>>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** The agent for requests to that URL. Throws what reading the certificates throws. */
  agent(url: URL): Promise<HttpAgent> {
    const own = url.origin === this.#options.origin;
    const kind = url.protocol === 'http:' ? 'plain' : own ? 'own' : 'other';
    const known = this.#agents.get(kind);
    if (known) return known;
    const made = kind === 'plain' ? Promise.resolve(new HttpAgent({ keepAlive: true })) : this.#secure(own);
    const limited = made.then(agent => limitConnecting(agent, this.#options.connectMs));
    this.#agents.set(kind, limited);
    return limited;
  }

  /** Close the idle connections and those in use. */
  async close(): Promise<void> {
    const agents = await Promise.allSettled(this.#agents.values());
    for (const result of agents) if (result.status === 'fulfilled') result.value.destroy();
  }

  async #secure(own: boolean): Promise<HttpsAgent> {
    const files = await this.#options.tlsFiles();
    return new HttpsAgent({
      keepAlive: true,
      secureContext: secureContext({ cas: files.cas, clients: own ? files.clients : [] }),
    });
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

/** Make new sockets of an agent fail with ECONNECTTIMEOUT when they are not ready in time. */
function limitConnecting<A extends HttpAgent>(agent: A, ms: number): A {
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback) => {
    const socket = create(options, callback) as (Duplex & Partial<Socket>) | null | undefined;
    if (!socket) return socket;
    const timer = setTimeout(() => {
      socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ECONNECTTIMEOUT' }));
    }, ms);
    const ready = agent instanceof HttpsAgent ? 'secureConnect' : 'connect';
    const settle = (): void => clearTimeout(timer);
    socket.once(ready, settle).once('close', settle);
    return socket;
  };
  return agent;
}
