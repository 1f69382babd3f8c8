/** A publisher on this machine: files behind HTTP with ranges and validators, and faults that strike on demand. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

type Answer = (req: IncomingMessage, res: ServerResponse) => void;

export interface Publisher {
  /** `http://127.0.0.1:PORT/` */
  origin: string;
  /** What is published, by path: `/a/docker-28.5.2.tgz`. */
  files: Map<string, Buffer>;
  /** `GET /path` and the range that was asked for, of every request. */
  seen: string[];
  /** How it differs from a good one. */
  quirks: { noRanges?: boolean; noValidators?: boolean; weak?: boolean; noLength?: boolean };
  /** Let the next requests for a path be answered so. */
  fault(path: RegExp, ...answers: Answer[]): void;
  close(): Promise<void>;
}

export async function startPublisher(tls?: ServerOptions): Promise<Publisher> {
  const faults: { path: RegExp; answers: Answer[] }[] = [];
  const publisher: Publisher = {
    origin: '',
    files: new Map(),
    seen: [],
    quirks: {},
    fault: (path, ...answers) => faults.push({ path, answers }),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const onRequest: Answer = (req, res) => {
    const path = new URL(req.url ?? '/', publisher.origin).pathname;
    publisher.seen.push(
      [`${req.method} ${path}`, ...(req.headers.range ? [req.headers.range] : [])].join(' '),
    );
    const fault = faults.find(one => one.answers.length > 0 && one.path.test(path))?.answers.shift();
    if (fault) fault(req, res);
    else serve(publisher, path)(req, res);
  };
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  publisher.origin = `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return publisher;
}

/**
 * The good answer for a path; cut off after so many bytes of it, if that is given, and after the time that a client needs to
 * read them: what lies unread when a connection breaks is lost.
 */
export function serve(publisher: Publisher, path: string, cutAfter?: number): Answer {
  return (req, res) => {
    const file = publisher.files.get(path);
    if (!file) return void res.writeHead(404).end('Not Found');
    const { noRanges, noValidators, weak, noLength } = publisher.quirks;
    const etag = `${weak ? 'W/' : ''}"${file.length}-${file.subarray(0, 8).toString('hex')}"`;
    const headers = { 'content-type': 'application/octet-stream', ...(!noValidators && { etag }) };
    if (req.headers['if-none-match'] === etag) return void res.writeHead(304, headers).end();
    const from = Number(/^bytes=(\d+)-$/.exec(req.headers.range ?? '')?.[1] ?? 0);
    const ranged = from > 0 && !noRanges && req.headers['if-range'] === etag;
    if (ranged && from >= file.length)
      return void res.writeHead(416, { ...headers, 'content-range': `bytes */${file.length}` }).end();
    const body = ranged ? file.subarray(from) : file;
    res.writeHead(ranged ? 206 : 200, {
      ...headers,
      ...(noLength ? {} : { 'content-length': body.length }),
      ...(ranged && { 'content-range': `bytes ${from}-${file.length - 1}/${file.length}` }),
    });
    if (cutAfter === undefined) res.end(body);
    else res.write(body.subarray(0, cutAfter), () => setTimeout(() => res.destroy(), 400));
  };
}
