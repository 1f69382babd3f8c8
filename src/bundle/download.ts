/** Downloads on the connected side: streamed, verified, never kept on the disk. */
import type { Digest } from '../content/digest.ts';
import { Digester } from '../content/digest.ts';
import { AirferryError } from '../errors.ts';
import { Http, type HttpAnswer } from '../registry/http.ts';
import type { Meter } from '../support/meter.ts';

export interface DownloadOptions {
  /** What the content has to be; without it, whatever comes is taken and told to `learn`. */
  pinned?: Digest;
  learn(digest: Digest): void;
  meter: Meter;
  signal?: AbortSignal;
}

/** The content of a URL. Throws DOWNLOAD_FAILED, and DIGEST_MISMATCH when it is not what was pinned. */
export async function* download(url: string, options: DownloadOptions): AsyncGenerator<Uint8Array> {
  const http = new Http({ origin: new URL(url).origin, tlsFiles: async () => ({ cas: [], clients: [] }) });
  try {
    const answer = await request(http, url, options.signal);
    const length = Number(answer.header('content-length') ?? Number.NaN);
    if (Number.isSafeInteger(length)) options.meter.expect(length);
    const digester = new Digester(options.pinned);
    for await (const chunk of options.meter.count(bodyOf(answer, url), { reached: 0 })) {
      digester.update(chunk);
      yield chunk;
    }
    if (Number.isSafeInteger(length) && digester.size !== length)
      throw failed(url, `ended after ${digester.size} of ${length} bytes`);
    const digest = digester.digest();
    if (options.pinned && digest !== options.pinned) {
      throw new AirferryError(
        'DIGEST_MISMATCH',
        `${url} gave ${digest}, the recipe or its lock says ${options.pinned}`,
        {
          where: { url },
          suggestions: [
            'The file at that address has changed. If that is known and meant, correct the sha256, or delete its line in bundle.lock.yaml.',
          ],
        },
      );
    }
    options.learn(digest);
  } finally {
    await http.close();
  }
}

async function request(http: Http, url: string, signal: AbortSignal | undefined): Promise<HttpAnswer> {
  let answer: HttpAnswer;
  try {
    answer = await http.send({ method: 'GET', url: new URL(url), signal });
  } catch (error) {
    throw asDownloadError(error, url);
  }
  if (answer.status === 200 && !answer.header('content-type')?.includes('text/html')) return answer;
  answer.discard();
  throw failed(url, answer.status === 200 ? 'answered with a web page' : `answered ${answer.status}`);
}

async function* bodyOf(answer: HttpAnswer, url: string): AsyncGenerator<Uint8Array> {
  try {
    yield* answer.body();
  } catch (error) {
    throw asDownloadError(error, url);
  }
}

function asDownloadError(error: unknown, url: string): unknown {
  if (!(error instanceof AirferryError) || error.code === 'INTERRUPTED') return error;
  return failed(url, `failed: ${error.message}`, error);
}

function failed(url: string, how: string, cause?: unknown): AirferryError {
  return new AirferryError('DOWNLOAD_FAILED', `the download of ${url} ${how}`, {
    where: { url },
    cause,
    suggestions: [
      'Fetch the file by other means and name it in the recipe: `archive: ./file` (engine) or `file: ./file` (compose).',
    ],
  });
}
