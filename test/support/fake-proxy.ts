/** A proxy as sites have them: CONNECT for TLS, whole URLs for plain HTTP, a login on demand. Every name leads to this machine. */
import { createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';

export interface FakeProxy {
  /** `127.0.0.1:PORT` */
  address: string;
  /** `CONNECT host:port` and `GET http://…`, as they came. */
  seen: string[];
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** `user:password`; anybody may pass without it. */
  login?: string;
  /** Answer every CONNECT with this status. */
  refuse?: number;
}

export async function startFakeProxy({ login, refuse }: ProxyOptions = {}): Promise<FakeProxy> {
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const seen: string[] = [];
  const server = createServer((req, res) => {
    seen.push(`${req.method} ${req.url}`);
    if (wanted && req.headers['proxy-authorization'] !== wanted) {
      res.writeHead(407).end();
      return;
    }
    const { port, pathname, search } = new URL(req.url ?? '');
    const { method, headers } = req;
    const onward = request({ host: '127.0.0.1', port, path: pathname + search, method, headers });
    onward.on('response', answer => {
      res.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(res);
    });
    onward.on('error', () => res.destroy());
    req.pipe(onward);
  });
  const tunnels = new Set<Duplex>();
  server.on('connect', (req, socket) => {
    tunnels.add(socket);
    seen.push(`CONNECT ${req.url}`);
    socket.on('error', () => {});
    const status = refuse ?? (wanted && req.headers['proxy-authorization'] !== wanted ? 407 : 200);
    if (status !== 200) {
      socket.end(`HTTP/1.1 ${status} No\r\n\r\n`);
      return;
    }
    const onward = connect(Number(new URL(`http://${req.url}`).port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
        for (const socket of tunnels) socket.destroy();
      }),
  };
}
