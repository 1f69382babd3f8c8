/**
 * One HTTP exchange with an engine, over whatever stream reaches it: a socket, TLS, a channel of SSH. Bodies stream both
 * ways. The connections are kept for the next request, since behind SSH each costs a process on the host.
 */
import {
  Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import type { Duplex } from 'node:stream';
import { abortError, systemCode } from '../../errors.ts';
import { litter } from '../../support/garbage.ts';
import { silent, wireFailure } from './failures.ts';

/** How an engine is reached. */
export interface EngineWire {
  /** For messages: `unix:///var/run/docker.sock`, `ssh://ops@h1`. */
  readonly description: string;
  /** A new connection. Rejects with the system's error, or an AirferryError of whoever makes it. */
  dial(): Promise<Duplex>;
}

export interface EngineRequest {
  method: 'GET' | 'POST' | 'DELETE';
  /** With its query, each part encoded: `/v1.41/images/json?all=1`. */
  path: string;
  headers?: Record<string, string>;
  /** Goes out chunked. */
  body?: AsyncIterable<Uint8Array>;
  /** Milliseconds from the end of the request to the head of its answer, and for each piece of the answer after it. */
  patienceMs: number;
  signal?: AbortSignal;
}

export interface EngineAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** The bytes of the answer, once; ending early gives the connection up. */
  body: AsyncGenerator<Uint8Array>;
}

/** Requests at once; sshd allows ten channels, and ours keep below that. */
const MAX_CONNECTIONS = 4;
/** Milliseconds that an engine may take no byte of what it is sent: it unpacks what it got meanwhile. */
const STALL_MS = 30 * 60_000;

class DialingAgent extends Agent {
  readonly #dial: () => Promise<Duplex>;

  constructor(dial: () => Promise<Duplex>) {
    super({ keepAlive: true, maxSockets: MAX_CONNECTIONS, maxFreeSockets: MAX_CONNECTIONS });
    this.#dial = dial;
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    // With an error there is no stream, whatever the type says.
    this.#dial().then(
      stream => done?.(null, likeSocket(stream)),
      (error: Error) => done?.(error, undefined as unknown as Duplex),
    );
  }
}

/** Node's agent treats what it keeps as a socket; a channel of SSH has none of these, nor any use for them. */
const SOCKET_METHODS = ['setKeepAlive', 'setNoDelay', 'setTimeout', 'ref', 'unref'];

function likeSocket(stream: Duplex): Duplex {
  for (const method of SOCKET_METHODS)
    if (!(method in stream)) Object.defineProperty(stream, method, { value: () => stream });
  return stream;
}

export class EngineHttp {
  readonly #wire: EngineWire;
  readonly #agent: DialingAgent;

  constructor(wire: EngineWire) {
    this.#wire = wire;
    this.#agent = new DialingAgent(() => wire.dial());
  }

  /**
   * Send a request and wait for the head of its answer, whatever its status. An answer that comes before the body was
   * sent ends the sending. Throws ENGINE_NOT_READY, ENGINE_DENIED, ENGINE_TLS, ENGINE_FAILED, what dialling and the
   * body's source throw, and the reason of an aborted signal.
   */
  async send(asked: EngineRequest): Promise<EngineAnswer> {
    for (let attempt = 1; ; attempt++) {
      const exchange = new Exchange(asked, this.#agent, this.#wire.description);
      try {
        return await exchange.begin();
      } catch (error) {
        // A kept connection may have been closed by the other side meanwhile.
        const again = exchange.stale(error) && attempt <= MAX_CONNECTIONS;
        const failure = exchange.failure(error);
        if (!again) throw failure;
      }
    }
  }

  /** Close the connections. Requests under way fail. */
  close(): void {
    this.#agent.destroy();
  }
}

class Exchange {
  readonly #asked: EngineRequest;
  readonly #place: string;
  readonly #request: ClientRequest;
  /** Why it was given up, when that was not the network's doing. */
  #reason: unknown;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;

  constructor(asked: EngineRequest, agent: Agent, place: string) {
    this.#asked = asked;
    this.#place = place;
    const { method, path, headers, body } = asked;
    this.#request = request({
      method,
      path,
      agent,
      headers: {
        host: 'docker',
        'user-agent': 'airferry',
        ...(body ? { 'transfer-encoding': 'chunked' } : method === 'POST' ? { 'content-length': '0' } : {}),
        ...headers,
      },
    });
  }

  async begin(): Promise<EngineAnswer> {
    const { signal, body, patienceMs } = this.#asked;
    if (signal?.aborted) this.#giveUp(abortError(signal));
    signal?.addEventListener('abort', this.#interrupted, { once: true });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      this.#request.once('response', resolve);
      this.#request.on('error', reject);
    });
    answer.then(
      () => {
        this.#answered = true;
      },
      () => undefined,
    );
    if (body) await Promise.race([this.#send(body), answer]);
    else this.#request.end();
    if (!this.#answered) this.#expect(patienceMs, 'answer');
    const response = await answer;
    this.#rest();
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: this.#incoming(response),
    };
  }

  /** Whether it failed only since its connection was an old one, and nothing was lost with it. */
  stale(error: unknown): boolean {
    const reset = ['ECONNRESET', 'EPIPE'].includes(systemCode(error) ?? '');
    return reset && this.#request.reusedSocket && !this.#asked.body && this.#reason === undefined;
  }

  /** The error for a failure of this exchange; ends it. */
  failure(error: unknown): unknown {
    this.#end();
    this.#request.destroy();
    return this.#reason ?? wireFailure(error, this.#place);
  }

  async #send(body: AsyncIterable<Uint8Array>): Promise<void> {
    const request = this.#request;
    try {
      for await (const chunk of body) {
        if (this.#answered || request.destroyed) return;
        if (request.write(chunk)) continue;
        this.#expect(STALL_MS, 'take data');
        await drained(request);
        this.#rest();
      }
    } catch (error) {
      if (!this.#answered) this.#giveUp(error);
    }
    request.end();
  }

  async *#incoming(response: IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      this.#expect(this.#asked.patienceMs, 'send data');
      for await (const chunk of response) {
        this.#rest();
        litter(chunk.length);
        yield chunk;
        this.#expect(this.#asked.patienceMs, 'send data');
      }
      if (!response.complete) throw Object.assign(new Error('cut short'), { code: 'ECONNRESET' });
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.#end();
      // An unfinished body would be sent into the next request.
      if (!this.#request.writableFinished || !response.complete) this.#request.destroy();
    }
  }

  readonly #interrupted = (): void => this.#giveUp(abortError(this.#asked.signal));

  #giveUp(reason: unknown): void {
    this.#reason ??= reason;
    this.#request.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  }

  #expect(ms: number, doing: string): void {
    this.#rest();
    this.#timer = setTimeout(() => this.#giveUp(silent(this.#place, doing, ms)), ms);
  }

  #rest(): void {
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.#rest();
    this.#asked.signal?.removeEventListener('abort', this.#interrupted);
  }
}

/** Until a request takes more, or is over. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'response']) request.removeListener(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'response']) request.once(event, done);
  });
}

/** At most `limit` bytes of an answer as text; undefined when it is longer. */
export async function textOf(answer: EngineAnswer, limit: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > limit) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
