/**
 * One request and its answer: bodies that stream both ways, and a limit to every wait. The only file that knows
 * node-fetch.
 */
import { Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { abortError } from '../errors.ts';
import type { Route } from './connections.ts';
import { protocolError } from './errors.ts';
import { networkError, silenceError } from './failures.ts';

const USER_AGENT = 'airferry';
/** Bytes of an unwanted answer that are read to keep its connection. */
const DRAIN_LIMIT = 64 * 1024;

export interface HttpLimits {
  /** Milliseconds for TCP and TLS together. */
  connectMs: number;
  /** Milliseconds without a byte moving, either way. */
  idleMs: number;
  /** Milliseconds from the end of a request to the head of its answer. */
  answerMs: number;
}

export const DEFAULT_LIMITS: HttpLimits = { connectMs: 15_000, idleMs: 60_000, answerMs: 60_000 };

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: URL;
  headers?: Record<string, string>;
  /** Sent to the origin of `url` alone. */
  authorization?: string;
  /** Bytes in memory, or a stream that can be opened again when a redirect asks for it. */
  body?: Uint8Array | (() => AsyncIterable<Uint8Array>);
  /** Bytes of a streamed body; without it the body goes out chunked. */
  length?: number;
  /** Instead of the limit of the client. */
  answerMs?: number;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  /** Where the answer came from, after redirects. */
  url: URL;
  header(name: string): string | undefined;
  /** The bytes of the answer, once. Throws REGISTRY_UNREACHABLE when they break off. */
  body(): AsyncGenerator<Uint8Array>;
  /** At most `limit` bytes of the answer; more is cut off. */
  bytes(limit: number): Promise<Buffer>;
  /** Leave the rest unread, and the connection fit for the next request where that costs little. */
  discard(): void;
}

/** A request under way, until the last byte of its answer was read or it has failed. */
export class Exchange {
  readonly #request: HttpRequest;
  readonly #limits: HttpLimits;
  readonly #route: Route;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #sent: boolean;
  #over = false;
  /** Why it was given up, when that was not the network's doing. */
  #reason: unknown;

  constructor(request: HttpRequest, limits: HttpLimits, route: Route) {
    this.#request = request;
    this.#limits = limits;
    this.#route = route;
    this.#sent = typeof request.body !== 'function';
  }

  /** Send it, and wait for the head of the answer. */
  async begin(): Promise<HttpAnswer> {
    const { method, url, headers, authorization, body, length, signal } = this.#request;
    if (signal?.aborted) throw abortError(signal);
    signal?.addEventListener('abort', this.#interrupted);
    if (this.#sent) this.#expectAnswer();
    const streamed = typeof body === 'function' ? Readable.from(this.#outgoing(body)) : undefined;
    const response = await fetch(url, {
      method,
      agent: this.#route.agent,
      redirect: 'manual',
      compress: false,
      signal: this.#controller.signal,
      headers: {
        'user-agent': USER_AGENT,
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
        ...(streamed && length !== undefined ? { 'content-length': String(length) } : {}),
      },
      body:
        streamed ??
        (body instanceof Uint8Array ? Buffer.from(body.buffer, body.byteOffset, body.byteLength) : null),
    });
    this.#rest();
    if (!this.#sent && response.ok)
      throw protocolError(url.host, `answered ${method} before it had all of it`);
    return this.#answer(response);
  }

  /** The error for a failure of this exchange; ends it. */
  failed(error: unknown): unknown {
    this.#end();
    this.#controller.abort();
    return this.#reason ?? networkError(error, this.#request.url, this.#route.proxy);
  }

  /** The clock runs while the network has the turn, and rests while the source has it. */
  async *#outgoing(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#read(open)) {
      this.#expect('take data', this.#limits.idleMs);
      // A connection that breaks is thrown in here: that is no failure of the source.
      yield chunk;
      this.#rest();
    }
    this.#sent = true;
    this.#expectAnswer();
  }

  async *#read(open: () => AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* open();
    } catch (error) {
      this.#reason ??= error;
      throw error;
    }
  }

  async *#incoming(response: Response): AsyncGenerator<Uint8Array> {
    if (!response.body) return;
    try {
      this.#expect('send data', this.#limits.idleMs);
      for await (const chunk of response.body as Readable) {
        this.#rest();
        yield chunk;
        this.#expect('send data', this.#limits.idleMs);
      }
    } catch (error) {
      throw this.failed(error);
    } finally {
      this.#end();
      if (!this.#sent) this.#controller.abort();
    }
  }

  #answer(response: Response): HttpAnswer {
    const header = (name: string): string | undefined => response.headers.get(name) ?? undefined;
    const bodiless =
      this.#request.method === 'HEAD' || response.status === 204 || header('content-length') === '0';
    if (bodiless) {
      (response.body as Readable | null)?.resume();
      if (this.#sent) this.#end();
    }
    const body = (): AsyncGenerator<Uint8Array> => this.#incoming(response);
    const bytes = (limit: number): Promise<Buffer> => gather(body(), limit);
    return {
      status: response.status,
      url: this.#request.url,
      header,
      body,
      bytes,
      discard: () => {
        if (bodiless && this.#sent) return;
        const long = Number(header('content-length') ?? 0) > DRAIN_LIMIT;
        if (long || !this.#sent) {
          this.#end();
          this.#controller.abort();
        } else {
          bytes(DRAIN_LIMIT).catch(() => {});
        }
      },
    };
  }

  readonly #interrupted = (): void => {
    const { signal } = this.#request;
    if (signal) this.#giveUp(abortError(signal));
  };

  #giveUp(reason: unknown): void {
    this.#reason ??= reason;
    this.#controller.abort();
  }

  #expectAnswer(): void {
    this.#expect('answer', this.#request.answerMs ?? this.#limits.answerMs);
  }

  #expect(doing: string, ms: number): void {
    this.#rest();
    if (this.#over) return;
    this.#timer = setTimeout(() => this.#giveUp(silenceError(this.#request.url, doing, ms)), ms);
  }

  #rest(): void {
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.#over = true;
    this.#rest();
    this.#request.signal?.removeEventListener('abort', this.#interrupted);
  }
}

async function gather(body: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}
