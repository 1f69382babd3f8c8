/**
 * A reverse proxy before a real registry that misbehaves on chosen requests: it cuts, loses, delays, spoils and makes up
 * answers. Every request is written down. The faults of the fake registry that answer by themselves strike here, too.
 */
import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange, Seen } from './fake-registry.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
}

/** A request on its way through. */
export interface Passage extends Exchange {
  /** Read the request to its end; again and again, if need be. */
  body(): Promise<Buffer>;
  /** The registry's answer to all of the request, with another body if there is one. */
  ask(instead?: Buffer): Promise<Answer>;
  /** Begin the request at the registry, its body to be written. */
  begin(): ClientRequest;
  /** Give an answer to the client. */
  pass(answer: Answer): void;
}

/** Deals with a request instead of the proxy, or calls `proceed` for it. */
export type ProxyFault = (passage: Passage, proceed: () => Promise<void>) => void | Promise<void>;

export interface FaultProxy {
  /** `127.0.0.1:PORT` */
  address: string;
  seen: Seen[];
  /** Let a fault strike the next `times` requests whose `METHOD path?query` matches; the first fault that fits counts. */
  fault(pattern: RegExp, fault: ProxyFault, times?: number): void;
  /** Let no fault strike from now on. */
  heal(): void;
  /** Strikes that have not come to pass; those of faults without end are not counted. */
  pending(): number;
  /** `METHOD path?query` of the requests that match. */
  requests(pattern: RegExp): string[];
  close(): Promise<void>;
}

/** Cut both connections once so many bytes of the body went through. */
export function cutUpload(afterBytes: number): ProxyFault {
  return async ({ req, seen, begin }) => {
    const onward = begin();
    for await (const chunk of req) {
      await new Promise(resolve => onward.write(chunk, resolve));
      seen.bytes += chunk.length;
      if (seen.bytes >= afterBytes) break;
    }
    onward.destroy();
    req.socket.destroy();
  };
}

/** Have the registry do what was asked, and cut the connection in place of its answer. */
export function loseAnswer(): ProxyFault {
  return async ({ req, ask }) => {
    await ask();
    req.socket.destroy();
  };
}

/** Give the registry's answer so many milliseconds later than it came. */
export function lateAnswer(ms: number): ProxyFault {
  return async ({ ask, pass }) => {
    const answer = await ask();
    await sleep(ms);
    pass(answer);
  };
}

/** Answer 504 when all of the request is there; the registry gets to it so many milliseconds later. */
export function giveUp(ms: number): ProxyFault {
  return async ({ res, body, ask }) => {
    await body();
    res.writeHead(504, { 'content-type': 'text/html' }).end('<html>504 Gateway Time-out</html>');
    await sleep(ms);
    await ask();
  };
}

/** Break the answer off after so many bytes of its body. */
export function cutAnswer(afterBytes: number): ProxyFault {
  return async ({ res, ask }) => {
    const { status, headers, bytes } = await ask();
    res.writeHead(status, headers);
    res.write(bytes.subarray(0, afterBytes), () => setTimeout(() => res.destroy(), 20));
  };
}

/** Give the registry's answer with one byte that is another. */
export function flipDownload(at: number): ProxyFault {
  return async ({ ask, pass }) => {
    const answer = await ask();
    pass({ ...answer, bytes: flipped(answer.bytes, at) });
  };
}

/** Give the registry the request with one byte that is another. */
export function flipUpload(at: number): ProxyFault {
  return async ({ body, ask, pass }) => pass(await ask(flipped(await body(), at)));
}

function flipped(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other.writeUInt8(other.readUInt8(at) ^ 1, at);
  return other;
}

/** Let `most` requests of each second through, and strike the others. */
export function perSecond(most: number, fault: ProxyFault): ProxyFault {
  let window = { second: 0, count: 0 };
  return async (passage, proceed) => {
    const second = Math.floor(performance.now() / 1_000);
    if (window.second !== second) window = { second, count: 0 };
    await (++window.count > most ? fault(passage, proceed) : proceed());
  };
}

/** Strike every `n`th request, each of the faults in its turn. */
export function everyNth(n: number, faults: readonly ProxyFault[]): ProxyFault {
  let count = 0;
  return async (passage, proceed) => {
    const fault = ++count % n === 0 ? faults[(count / n - 1) % faults.length] : undefined;
    await (fault ? fault(passage, proceed) : proceed());
  };
}

/** Stand before the registry at `registry` (`127.0.0.1:PORT`), which has to speak plain HTTP. */
export async function startFaultProxy(registry: string): Promise<FaultProxy> {
  const faults: { pattern: RegExp; fault: ProxyFault; left: number }[] = [];
  const line = ({ method, path, query }: Seen): string => `${method} ${path}${query}`;
  const server = createServer(async (req, res) => {
    const passage = passageOf(req, new URL(`http://${registry}`), res);
    proxy.seen.push(passage.seen);
    const proceed = async (): Promise<void> => passage.pass(await passage.ask());
    const found = faults.find(({ pattern, left }) => left > 0 && pattern.test(line(passage.seen)));
    if (found) found.left--;
    try {
      await (found ? found.fault(passage, proceed) : proceed());
    } catch {
      // One of the two sides has gone away in the middle.
      res.destroy();
    }
  });
  const proxy: FaultProxy = {
    address: '',
    seen: [],
    fault: (pattern, fault, times = 1) => faults.push({ pattern, fault, left: times }),
    heal: () => {
      faults.length = 0;
    },
    pending: () => faults.reduce((sum, { left }) => (left === Infinity ? sum : sum + left), 0),
    requests: pattern => proxy.seen.map(line).filter(text => pattern.test(text)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  proxy.address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}

function passageOf(req: IncomingMessage, registry: URL, res: Exchange['res']): Passage {
  const { method = '', headers } = req;
  const { pathname: path, search: query } = new URL(req.url ?? '/', registry);
  const seen: Seen = { method, path, query, headers, bytes: 0, at: performance.now() };
  let read: Promise<Buffer> | undefined;
  const body = (): Promise<Buffer> => {
    read ??= Array.fromAsync(req).then(chunks => {
      const bytes = Buffer.concat(chunks as Buffer[]);
      seen.bytes = bytes.length;
      return bytes;
    });
    return read;
  };
  const begin = (): ClientRequest => {
    const { hostname: host, port } = registry;
    return request({ host, port, path: path + query, method, headers, agent: false }).on('error', () => {});
  };
  const ask = async (instead?: Buffer): Promise<Answer> => {
    const bytes = instead ?? (await body());
    const onward = begin();
    const answered = new Promise<IncomingMessage>((resolve, reject) =>
      onward.once('response', resolve).once('error', reject),
    );
    onward.end(bytes);
    const response = await answered;
    const chunks = (await Array.fromAsync(response)) as Buffer[];
    return { status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(chunks) };
  };
  const pass = ({ status, headers, bytes }: Answer): void => {
    res.writeHead(status, headers).end(method === 'HEAD' ? undefined : bytes);
  };
  return { req, res, seen, body, ask, begin, pass };
}
