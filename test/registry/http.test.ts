import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { AirferryError } from '../../src/errors.ts';
import { Http, type HttpLimits, type HttpRequest } from '../../src/registry/http.ts';
import { startFakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { clientFor, collect, eventually, failure, sample, withRegistry } from './rig.ts';

const test = suite('http');
const nobody = async () => ({ cas: [], clients: [] });

async function send(origin: string, request: Partial<HttpRequest> = {}, limits: Partial<HttpLimits> = {}) {
  const http = new Http({ origin, tlsFiles: nobody, limits });
  try {
    const answer = await http.send({ method: 'GET', url: new URL(`${origin}/v2/`), ...request });
    return { status: answer.status, url: answer.url.href, text: (await answer.bytes(1_000_000)).toString() };
  } finally {
    await http.close();
  }
}

/** A server of raw bytes: what it does with a connection is up to the test. */
async function withTcp(onSocket: (socket: Socket) => void, body: (origin: string) => Promise<void>) {
  const sockets: Socket[] = [];
  const server: Server = createTcpServer(socket => {
    sockets.push(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  try {
    await body(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

test('a port where nobody listens is told with the port, and at once', async () => {
  let origin = '';
  await withTcp(
    () => {},
    async used => {
      origin = used;
    },
  );
  const error = await failure(send(origin), 'REGISTRY_UNREACHABLE');
  assert.match(error.message, 'refuses the connection');
  assert.match(error.suggestions.join(), `listens on port ${new URL(origin).port}`);
});

test('a name that nobody knows is told with the line for /etc/hosts', async () => {
  const error = await failure(send('http://registry.invalid'), 'REGISTRY_UNREACHABLE');
  assert.match(error.message, 'registry.invalid');
  assert.match(error.suggestions.join(), '/etc/hosts');
});

test('a connection that is cut instead of an answer is told as lost', async () => {
  await withTcp(
    socket => socket.once('data', () => socket.destroy()),
    async origin => {
      const error = await failure(send(origin), 'REGISTRY_UNREACHABLE');
      assert.match(error.message, 'was lost');
    },
  );
});

test('an answer that is no HTTP, and one whose head never ends, are told', async () => {
  await withTcp(
    socket => void socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.2\r\n')),
    async origin => void (await failure(send(origin), 'REGISTRY_UNREACHABLE')),
  );
  await withTcp(
    socket => void socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(200_000)}`)),
    async origin => void (await failure(send(origin), 'REGISTRY_UNREACHABLE')),
  );
});

test('silence has an end: before the answer, in its middle, and in the middle of a body', async () => {
  await withTcp(
    () => {},
    async origin => {
      const error = await failure(send(origin, {}, { answerMs: 50 }), 'REGISTRY_UNREACHABLE');
      assert.match(error.message, 'did not answer for 50 ms');
    },
  );
  await withTcp(
    socket => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'),
    async origin => {
      const error = await failure(send(origin, {}, { idleMs: 50 }), 'REGISTRY_UNREACHABLE');
      assert.match(error.message, 'did not send data for 50 ms');
    },
  );
  await withTcp(
    socket => socket.pause(),
    async origin => {
      const body = async function* () {
        for (let i = 0; i < 64; i++) yield Buffer.alloc(1024 * 1024);
      };
      const error = await failure(
        send(origin, { method: 'PUT', body }, { idleMs: 80 }),
        'REGISTRY_UNREACHABLE',
      );
      assert.match(error.message, 'did not take data for 80 ms');
    },
  );
});

test('a slow source and a slow reader are not silence of the registry', async () => {
  const registry = await startFakeRegistry();
  const client = clientFor(registry, { limits: { idleMs: 400, answerMs: 400 } });
  const blob = sample(200_000);
  const slowly = async function* (bytes: AsyncIterable<Uint8Array>) {
    for await (const chunk of bytes) {
      await new Promise(resolve => setTimeout(resolve, 500));
      yield chunk;
    }
  };
  await client.putBlob('plant/app', { mediaType: 'x', open: () => slowly(blob.open()) });
  assert.equal(await collect(slowly(client.getBlob('plant/app', blob.descriptor))), blob.bytes);
  assert.is(registry.seen.length, 4);
  await client.close();
  await registry.close();
});

test('a server that takes no connection within the limit is told', async () => {
  // TLS that is never answered: the socket is there, the handshake is not.
  await withTcp(
    () => {},
    async origin => {
      const secure = origin.replace('http:', 'https:');
      const error = await failure(send(secure, {}, { connectMs: 50 }), 'REGISTRY_UNREACHABLE');
      assert.match(error.message, 'did not take the connection in time');
    },
  );
});

test('an abort throws its reason when that is an error of ours, else an interruption', async () => {
  const registry = await startFakeRegistry();
  registry.fault('GET', /./, () => {}, 9);
  for (const [reason, code] of [
    [new AirferryError('USAGE', 'another one has failed'), 'USAGE'],
    [undefined, 'INTERRUPTED'],
  ] as const) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 20);
    await failure(send(registry.origin, { signal: controller.signal }), code);
    await failure(send(registry.origin, { signal: controller.signal }), code);
  }
  await registry.close();
});

test('redirects are followed for GET, and a login stays with its origin', async () => {
  const [registry, storage] = [await startFakeRegistry(), await startFakeRegistry()];
  registry.fault('GET', /^\/v2\/$/, status(307, '', { location: '/v2/again' }));
  registry.fault('GET', /again/, status(302, '', { location: `${storage.origin}/bucket?signature=secret` }));
  storage.fault('GET', /bucket/, status(200, 'bytes'));
  const answer = await send(registry.origin, { authorization: 'Bearer secret' });
  assert.is(answer.text, 'bytes');
  assert.is(registry.seen[1]?.headers.authorization, 'Bearer secret');
  assert.is(storage.seen[0]?.headers.authorization, undefined);
  assert.is(storage.seen[0]?.query, '?signature=secret');
  await registry.close();
  await storage.close();
});

test('a body goes again to where a 307 leads', async () => {
  const registry = await startFakeRegistry();
  const blob = sample(300_000);
  registry.fault('PUT', /^\/v2\/$/, status(307, '', { location: '/v2/there' }));
  registry.fault('PUT', /there/, status(201, 'done'));
  const answer = await send(registry.origin, { method: 'PUT', body: blob.open, length: 300_000 });
  assert.is(answer.status, 201);
  assert.equal([blob.opened, registry.seen[1]?.bytes], [2, 300_000]);
  await registry.close();
});

test('circles, redirects to nowhere and those that would change a request are refused', async () => {
  const registry = await startFakeRegistry();
  const refused = async (location: string, code: number, request: Partial<HttpRequest>) => {
    registry.fault(request.method ?? 'GET', /./, status(code, '', location ? { location } : {}), 99);
    return (await failure(send(registry.origin, request), 'REGISTRY_PROTOCOL')).message;
  };
  assert.match(
    await refused('https://hub.company.com/v2/', 301, { method: 'POST' }),
    'leave out --plain-http',
  );
  assert.match(await refused('', 302, { method: 'HEAD' }), 'to nowhere');
  assert.match(await refused('/v2/', 302, { method: 'GET' }), 'in circles');
  await registry.close();
});

test('a server that answers before it has all of a body is not believed', async () => {
  await withTcp(
    socket =>
      void socket.once('data', () => socket.write('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n')),
    async origin => {
      let closed = false;
      const body = async function* () {
        try {
          for (;;) yield Buffer.alloc(64 * 1024);
        } finally {
          closed = true;
        }
      };
      const error = await failure(send(origin, { method: 'PUT', body, length: 1e9 }), 'REGISTRY_PROTOCOL');
      assert.match(error.message, 'before it had all');
      await eventually(() => closed);
    },
  );
});

test('a refusal in mid-body is read, and the source is let go', async () => {
  await withTcp(
    socket =>
      void socket.once('data', () =>
        socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge'),
      ),
    async origin => {
      let closed = false;
      const body = async function* () {
        try {
          for (;;) yield Buffer.alloc(64 * 1024);
        } finally {
          closed = true;
        }
      };
      const answer = await send(origin, { method: 'PUT', body, length: 1e9 });
      assert.equal([answer.status, answer.text], [413, 'large']);
      await eventually(() => closed);
    },
  );
});

test('answers larger than wanted are cut off', async () => {
  const registry = await startFakeRegistry();
  registry.fault('GET', /./, status(200, 'x'.repeat(5_000_000)));
  assert.is((await send(registry.origin)).text.length, 1_000_000);
  await registry.close();
});

test(
  'no query, where tokens may stand, appears in an error',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('PUT', /digest=/, status(403));
    const error = await failure(client.putBlob('plant/app', sample(10)), 'REGISTRY_DENIED');
    assert.ok(error.where.url?.startsWith(`${registry.origin}/v2/plant/app/blobs/uploads/`));
    assert.not.match(JSON.stringify(error) + error.message, '_state');
  }),
);

test.run();
