/** One request and its answer: what is read of it, what is sent, and how many bytes of either. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { AirferryError } from '../../errors.ts';
import type { Refusal } from './refusal.ts';

export type Headers = Record<string, string | number>;

/** How long the rest of a body that nobody wants is listened to, so that its sender can hear the answer. Milliseconds. */
const LINGER_MS = 5_000;

export class Exchange {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  #sent = 0;
  #received = 0;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
    // Writing to a client that has gone is no failure of ours; `drained` tells it.
    response.on('error', () => undefined);
    this.method = request.method ?? '';
    const url = request.url ?? '';
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
  }

  /** Bytes of the bodies that went out and came in. */
  get bytes(): { sent: number; received: number } {
    return { sent: this.#sent, received: this.#received };
  }

  /** A header of the request; several of a name as one list. */
  header(name: string): string | undefined {
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** What the client says that its body has; undefined for one that is sent in chunks. */
  get contentLength(): number | undefined {
    const text = this.header('content-length');
    if (text !== undefined) return Number(text);
    return this.header('transfer-encoding') === undefined ? 0 : undefined;
  }

  /** The body, once. Throws what the connection broke with when it ends early. */
  async *body(): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#request as AsyncIterable<Buffer>) {
      this.#received += chunk.length;
      yield chunk;
    }
  }

  /** The body as a whole. Throws the refusal that `tooLong` makes above so many bytes. */
  async bodyUpTo(limit: number, tooLong: () => Refusal): Promise<Uint8Array> {
    if ((this.contentLength ?? 0) > limit) throw tooLong();
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.body()) {
      if (this.#received > limit) throw tooLong();
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  /** Answer with a small body, or none. A HEAD is told of the body without getting it. */
  answer(status: number, headers: Headers = {}, body: Uint8Array = new Uint8Array()): void {
    if (this.#response.headersSent) return;
    const length = status === 204 || status === 304 ? {} : { 'content-length': body.length };
    this.#response.writeHead(status, { ...length, ...headers });
    const withBody = this.method !== 'HEAD' && status !== 304;
    if (withBody) this.#sent += body.length;
    this.#response.end(withBody ? body : undefined);
    this.#leaveBody();
  }

  json(status: number, headers: Headers, document: object): void {
    const body = Buffer.from(JSON.stringify(document));
    this.answer(status, { 'content-type': 'application/json', ...headers }, body);
  }

  refuse(refusal: Refusal): void {
    this.json(refusal.status, refusal.headers, refusal.body);
  }

  /**
   * Answer with `size` bytes as they come; a HEAD is told of them without their being opened. When they fail, that is
   * thrown, and the connection is to be cut. Whether all of them went out.
   */
  async stream(
    status: number,
    headers: Headers,
    size: number,
    open: () => AsyncIterable<Uint8Array>,
  ): Promise<boolean> {
    const response = this.#response;
    response.writeHead(status, { ...headers, 'content-length': size });
    if (this.method !== 'HEAD') {
      for await (const chunk of open()) {
        if (!response.write(chunk) && !(await drained(response))) return false;
        this.#sent += chunk.length;
      }
    }
    if (this.method !== 'HEAD' && this.#sent < size) throw tooShort(size - this.#sent);
    response.end();
    return this.method !== 'HEAD';
  }

  /** End it without an answer, as for bytes that turned out wrong on the way. */
  cut(): void {
    this.#request.socket.destroy();
  }

  /** Whether an answer has begun. */
  get answered(): boolean {
    return this.#response.headersSent;
  }

  /** Node reads on to the end of a body that nobody took, for the connection's sake. A long one is not worth it. */
  #leaveBody(): void {
    const request = this.#request;
    if (request.complete || request.destroyed) return;
    const timer = setTimeout(() => request.socket.destroy(), LINGER_MS).unref();
    request.once('close', () => clearTimeout(timer));
  }
}

/** Wait until there is room for more; false when the client has gone. */
function drained(response: ServerResponse): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise(resolve => {
    const end = (room: boolean): void => {
      response.off('drain', onDrain);
      response.off('close', onClose);
      resolve(room);
    };
    const onDrain = (): void => end(true);
    const onClose = (): void => end(false);
    response.on('drain', onDrain);
    response.on('close', onClose);
  });
}

function tooShort(missing: number): AirferryError {
  return new AirferryError('ARCHIVE_TRUNCATED', `a blob ended ${missing} bytes before its end`, {
    suggestions: ['The file has changed since it was opened: start the server again.'],
  });
}
