/**
 * A file over HTTP that goes on where it broke off: the rest is asked for with Range and If-Range (RFC 9110), so that it is
 * the rest of the same file. What a server answers in place of a file is told apart.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { AirferryError, abortError } from '../../errors.ts';
import { readCerts } from '../../registry/certs.ts';
import { RegistryError } from '../../registry/errors.ts';
import { Http, type HttpAnswer } from '../../registry/http.ts';

/** What a server says of a file before it sends it. */
export interface Head {
  /** Where the bytes that follow begin in the file. */
  offset: number;
  /** Bytes of the whole file, if the server says. */
  size?: number;
  /** What tells this state of the file from others: its ETag, else when it was changed. */
  validator?: string;
}

export interface TransferOptions {
  /** What is there already: the bytes before `offset`, of a file with that validator. */
  from?: { offset: number; validator: string };
  /** The file is not sent if it is still this one; then `unchanged` is called, and nothing follows. */
  unless?: { validator: string; unchanged(): void };
  /** Told once, before the first byte. An offset of 0 means that the file begins anew. */
  onHead?(head: Head): void | Promise<void>;
  /** The caller knows the digest, and would find out if two files were mixed. */
  checked?: boolean;
  signal?: AbortSignal | undefined;
  retry?: Partial<TransferRetry>;
}

export interface TransferRetry {
  /** Attempts without a byte more. */
  attempts: number;
  /** Milliseconds of the first pause, doubled with each further one. */
  baseMs: number;
}

const RETRY: TransferRetry = { attempts: 5, baseMs: 500 };
const MOST_MS = 15_000;
/** A page that says it is a file. */
const HTML = /^\s*<(?:!doctype\s+html|html|head|\?xml)/i;

const PAGE = ['A proxy or login page came in place of the file: open the address in a browser to see it.'];

/** A failure that may pass; it does not get out of this file. */
class Broken extends Error {}

/** The bytes of a file from `from.offset` on, or from 0: `onHead` tells. Throws DOWNLOAD_FAILED, INTERRUPTED. */
export async function* transfer(url: string, options: TransferOptions = {}): AsyncGenerator<Uint8Array> {
  const { host, origin } = new URL(url);
  const http = new Http({ origin, tlsFiles: () => readCerts(host) });
  try {
    yield* new Transfer(http, url, options).bytes();
  } finally {
    await http.close();
  }
}

class Transfer {
  readonly #http: Http;
  readonly #url: string;
  readonly #options: TransferOptions;
  /** Of the first answer; what follows has to belong to it. */
  #head: Head | undefined;
  #at: number;
  /** Whether the server has ever answered. */
  #met = false;

  constructor(http: Http, url: string, options: TransferOptions) {
    this.#http = http;
    this.#url = url;
    this.#options = options;
    this.#at = options.from?.offset ?? 0;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    const { attempts, baseMs } = { ...RETRY, ...this.#options.retry };
    const { signal } = this.#options;
    for (let stalls = 0; ; ) {
      const before = this.#at;
      try {
        const answer = await this.#ask();
        if (answer) yield* this.#rest(answer);
        return;
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        stalls = this.#at > before ? 1 : stalls + 1;
        if (stalls >= attempts) throw failed(this.#url, error.message, error.cause);
        await sleep(Math.min(MOST_MS, baseMs * 2 ** (stalls - 1)), undefined, { signal }).catch(() => {
          throw abortError(signal);
        });
      }
    }
  }

  /** Undefined where the file is what the caller has. */
  async #ask(): Promise<HttpAnswer | undefined> {
    const { from, unless, signal } = this.#options;
    const validator = this.#head ? this.#head.validator : from?.validator;
    const ranged = this.#at > 0 && validator !== undefined;
    const headers = {
      ...(ranged && { range: `bytes=${this.#at}-`, 'if-range': validator }),
      ...(!this.#head && unless && condition(unless.validator)),
    };
    const answer = await this.#send(headers, signal);
    this.#met = true;
    const { status } = answer;
    if (status === 304 && unless && !this.#head) {
      answer.discard();
      unless.unchanged();
      return undefined;
    }
    const isPage = /text\/html|application\/xhtml/.test(answer.header('content-type') ?? '');
    if (status === 200 || (status === 206 && ranged)) {
      if (isPage) {
        answer.discard();
        throw failed(this.#url, 'answered with a web page', undefined, PAGE);
      }
      return answer;
    }
    answer.discard();
    // What is there is no beginning of what the server has now.
    if (status === 416 && ranged && !this.#head) {
      this.#at = 0;
      throw new Broken('answered 416');
    }
    if (status >= 500 || status === 429 || status === 408) throw new Broken(`answered ${status}`);
    throw failed(this.#url, `answered ${status}`);
  }

  async #send(headers: Record<string, string>, signal: AbortSignal | undefined): Promise<HttpAnswer> {
    try {
      return await this.#http.send({
        method: 'GET',
        url: new URL(this.#url),
        headers,
        ...(signal && { signal }),
      });
    } catch (error) {
      throw this.#broken(error);
    }
  }

  /** The body from where we are. A server that sends the whole file again has its beginning passed over. */
  async *#rest(answer: HttpAnswer): AsyncGenerator<Uint8Array> {
    const head = this.#headOf(answer);
    let skip = 0;
    if (!this.#head) {
      this.#at = head.offset;
      this.#head = head;
      await this.#options.onHead?.(head);
    } else {
      const same = head.validator === this.#head.validator && head.size === this.#head.size;
      if (!same || (head.validator === undefined && !this.#options.checked))
        throw failed(this.#url, 'broke off, and the server now has another file there');
      skip = this.#at - head.offset;
      if (skip < 0) throw failed(this.#url, 'broke off, and the server left out a part of the rest');
    }
    try {
      for await (const chunk of answer.body()) {
        const piece = skip > 0 ? chunk.subarray(skip) : chunk;
        skip = Math.max(0, skip - chunk.length);
        if (piece.length === 0) continue;
        if (this.#at === 0 && HTML.test(Buffer.from(piece.subarray(0, 200)).toString('latin1')))
          throw failed(this.#url, 'answered with a web page', undefined, PAGE);
        this.#at += piece.length;
        yield piece;
      }
    } catch (error) {
      throw this.#broken(error);
    }
    const { size } = this.#head;
    if (size !== undefined && this.#at < size) throw new Broken(`ended after ${this.#at} of ${size} bytes`);
    if (size !== undefined && this.#at > size)
      throw failed(this.#url, `has more than the ${size} bytes that the server named`);
  }

  #headOf(answer: HttpAnswer): Head {
    const etag = answer.header('etag');
    const strong = etag !== undefined && !etag.startsWith('W/') ? etag : undefined;
    const validator = strong ?? answer.header('last-modified');
    const range = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(answer.header('content-range') ?? '');
    const length = answer.header('content-length');
    const whole = length === undefined ? undefined : Number(length);
    if (answer.status === 206 && !range) throw failed(this.#url, 'answered 206 without saying which part');
    const size = range ? Number(range[2]) : whole;
    return {
      offset: range ? Number(range[1]) : 0,
      ...(size !== undefined && Number.isSafeInteger(size) && { size }),
      ...(validator !== undefined && { validator }),
    };
  }

  /** A failure that may pass is worth another attempt; not that of an address where nobody has ever answered. */
  #broken(error: unknown): unknown {
    if (!(error instanceof AirferryError)) return error;
    if (error.code === 'INTERRUPTED' || error.code === 'DOWNLOAD_FAILED') return error;
    const message = `failed: ${error.message}`;
    const may = error instanceof RegistryError && error.mayPass && this.#met;
    return may ? new Broken(message, { cause: error }) : failed(this.#url, message, error);
  }
}

function condition(validator: string): Record<string, string> {
  return /^(?:W\/)?"/.test(validator) ? { 'if-none-match': validator } : { 'if-modified-since': validator };
}

/** The error of a download. */
export function failed(url: string, how: string, cause?: unknown, first: string[] = []): AirferryError {
  return new AirferryError('DOWNLOAD_FAILED', `the download of ${url} ${how}`, {
    where: { url },
    cause,
    suggestions: [
      ...first,
      'Fetch the file by other means and name it in the recipe: `archive: ./file` (engine) or `file: ./file` (the others).',
    ],
  });
}
