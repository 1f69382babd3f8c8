import { createServer as createPlainServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { parseReference } from '../../../src/content/reference.ts';
import { parseEngineAddress } from '../../../src/engine/api/address.ts';
import { connectEngine, type EngineApi } from '../../../src/engine/api/client.ts';
import { socketWire } from '../../../src/engine/api/sockets.ts';
import { AirferryError, type ErrorCode } from '../../../src/errors.ts';
import { siteImages } from '../../support/archives.ts';
import { type FakeEngine, fakeEngine } from '../../support/fake-engine.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';

const test = suite('engine/api/client');
const images = await siteImages();
const [app] = images;

function open(address: string, signal?: AbortSignal): Promise<EngineApi> {
  const wire = socketWire(parseEngineAddress(address) as { kind: 'unix'; path: string });
  return connectEngine(wire, signal ? { signal } : {});
}

async function fails(work: () => Promise<unknown>, code: ErrorCode, message: RegExp): Promise<AirferryError> {
  try {
    await work();
  } catch (error) {
    assert.instance(error, AirferryError);
    const failure = error as AirferryError;
    assert.is(failure.code, code, failure.message);
    assert.match(failure.message, message);
    assert.ok(failure.suggestions.length > 0, 'it says what to do next');
    return failure;
  }
  throw new Error('it did not fail');
}

async function withEngine(work: (engine: FakeEngine, api: EngineApi) => Promise<void>): Promise<void> {
  const engine = await fakeEngine(images);
  const api = await open(engine.address);
  try {
    await work(engine, api);
  } finally {
    await api.close();
    engine.close();
  }
}

async function drain(bytes: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of bytes) size += chunk.length;
  return size;
}

test("the engine's own version is spoken, up to the newest that is known", async () => {
  for (const [offered, spoken] of [
    ['1.37', '1.37'],
    ['1.45', '1.45'],
    ['1.99', '1.51'],
    ['2.0', '1.51'],
  ] as const) {
    const engine = await fakeEngine();
    engine.apiVersion = offered;
    const api = await open(engine.address);
    await api.images();
    assert.is(api.version, spoken);
    assert.match(engine.seen.at(-1)?.path ?? '', `/v${spoken}/images/json`);
    await api.close();
    engine.close();
  }
});

test('an engine that is too old is told so', async () => {
  const engine = await fakeEngine();
  engine.apiVersion = '1.24';
  await fails(() => open(engine.address), 'ENGINE_FAILED', /too old: it speaks API 1\.24/);
  engine.close();
});

test('images are listed and looked at by name, by digest and by ID', () =>
  withEngine(async (_, api) => {
    assert.is((await api.images()).length, 2);
    const byName = await api.inspect(parseReference('site/app:1.0'));
    assert.is(byName?.id, app.id);
    assert.equal(byName?.layers, app.diffIds);
    assert.equal(byName?.platform, { os: 'linux', architecture: 'amd64' });
    assert.equal(await api.inspect(app.id), byName);
    assert.is(await api.inspect(parseReference('nope:1')), undefined);
  }));

test('one connection serves many questions', () =>
  withEngine(async (engine, api) => {
    const ports = new Set<unknown>();
    engine.fault = (req, _res, proceed) => {
      ports.add(req.socket);
      proceed();
    };
    for (let i = 0; i < 5; i++) await api.images();
    assert.is(ports.size, 1);
  }));

test('a kept connection that was closed meanwhile is made anew', () =>
  withEngine(async (engine, api) => {
    await api.images();
    let cut = 0;
    engine.fault = (req, _res, proceed) => {
      if (cut++ === 0) req.socket.destroy();
      else proceed();
    };
    assert.is((await api.images()).length, 2);
    assert.is(cut, 2);
  }));

test('what is saved passes as it is, and an image that is not there is named', () =>
  withEngine(async (_, api) => {
    assert.ok((await drain(api.save([app.id]))) > 100_000);
    await fails(() => drain(api.save([parseReference('nope:1')])), 'IMAGE_NOT_FOUND', /nope:1/);
  }));

test('an archive that breaks off is an error, not a short archive', () =>
  withEngine(async (engine, api) => {
    engine.fault = (_req, res) => {
      res.writeHead(200, { 'content-length': '1000000' });
      res.write(Buffer.alloc(5000));
      setTimeout(() => res.destroy(), 20);
    };
    await fails(() => drain(api.save([app.id])), 'ENGINE_NOT_READY', /was lost/);
  }));

test('errors within an answer of status 200 are given back', () =>
  withEngine(async (engine, api) => {
    engine.loadError = 'write /x: no space left on device';
    const words = await api.load(api.save([app.id]));
    assert.equal(words, { lines: [], error: 'write /x: no space left on device' });
  }));

test('an answer that comes before all was sent ends the sending', () =>
  withEngine(async (engine, api) => {
    engine.fault = (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', connection: 'close' });
      res.end('{"error":"archive/tar: invalid tar header"}\r\n');
    };
    let sent = 0;
    const endless = async function* () {
      for (;;) {
        sent += 65_536;
        if (sent > 1 << 30) throw new Error('it went on and on');
        yield Buffer.alloc(65_536);
      }
    };
    assert.is((await api.load(endless())).error, 'archive/tar: invalid tar header');
  }));

test('what fails in the source of an archive is thrown as it is', () =>
  withEngine(async (engine, api) => {
    const damaged = new AirferryError('DIGEST_MISMATCH', 'blob sha256:… is damaged');
    const bytes = async function* () {
      yield Buffer.alloc(2048);
      throw damaged;
    };
    try {
      await api.load(bytes());
      assert.unreachable();
    } catch (error) {
      assert.is(error, damaged);
    }
    assert.is(engine.images.size, 2);
  }));

test('a signal ends what is under way', () =>
  withEngine(async engine => {
    const stop = new AbortController();
    const api = await open(engine.address, stop.signal);
    engine.fault = () => stop.abort();
    await api.images().then(
      () => assert.unreachable(),
      error => assert.is(error.code, 'INTERRUPTED'),
    );
    await api.close();
  }));

test('names are given and taken away', () =>
  withEngine(async (engine, api) => {
    await api.tag(app.id, parseReference('hub.company.com:5000/x:2'));
    assert.is(engine.names.get('hub.company.com:5000/x:2'), app.id);
    await api.removeName(parseReference('hub.company.com:5000/x:2'));
    assert.not(engine.names.has('hub.company.com:5000/x:2'));
    await api.removeName(parseReference('never:1'));
    await fails(() => api.tag(parseReference('nope:1'), parseReference('x:1')), 'IMAGE_NOT_FOUND', /nope/);
  }));

test('a pull tells its progress, carries the login in a header, and gives errors back', () =>
  withEngine(async (engine, api) => {
    let auth = '';
    engine.fault = (req, res) => {
      auth = String(req.headers['x-registry-auth']);
      res.write('{"status":"Pulling from x","id":"1"}\r\n{"status":"Downloading","id":"a","progr');
      res.end(
        'essDetail":{"current":5,"total":9}}\r\n{"errorDetail":{"message":"manifest unknown"},"error":"x"}\r\n',
      );
    };
    const moved: unknown[] = [];
    const words = await api.pull(parseReference('hub.company.com/x:1'), {
      login: { username: 'u', password: 'p' },
      onMessage: ({ progress }) => progress && moved.push(progress),
    });
    assert.is(words.error, 'manifest unknown');
    assert.equal(moved, [{ id: 'a', current: 5, total: 9 }]);
    const login = JSON.parse(Buffer.from(auth, 'base64url').toString());
    assert.equal(login, { username: 'u', password: 'p', serveraddress: 'hub.company.com' });
    assert.not.match(engine.seen.at(-1)?.path ?? '', /p=|password/);
  }));

const ANSWERS: [title: string, status: number, body: string, code: ErrorCode, message: RegExp][] = [
  [
    'an error in its own words',
    500,
    '{"message":"it hurts"}',
    'ENGINE_FAILED',
    /cannot list its images: it hurts/,
  ],
  ['a full disk', 500, '{"message":"no space left on device"}', 'HOST_DISK_FULL', /disk of the engine/],
  [
    'a refusal',
    403,
    '{"message":"authorization denied by plugin x"}',
    'ENGINE_DENIED',
    /authorization denied/,
  ],
  [
    'a newer minimum',
    400,
    '{"message":"client version 1.45 is too old. Minimum supported API version is 1.60"}',
    'ENGINE_FAILED',
    /too old/,
  ],
  ['a web page', 502, '<html><h1>Bad Gateway</h1></html>', 'ENGINE_FAILED', /is no Docker engine/],
  ['a web page with status 200', 200, '<html></html>', 'ENGINE_FAILED', /no JSON/],
  ['something else in JSON', 200, '{"images":[]}', 'ENGINE_FAILED', /its list of images is none/],
  ['a redirect', 301, '', 'ENGINE_FAILED', /status 301/],
  [
    'a server that wants TLS',
    400,
    'Client sent an HTTP request to an HTTPS server.\n',
    'ENGINE_TLS',
    /wants TLS/,
  ],
];

for (const [title, status, body, code, message] of ANSWERS) {
  test(`${title} is told as what it is`, () =>
    withEngine(async (engine, api) => {
      engine.fault = (_req, res) => res.writeHead(status).end(body);
      await fails(() => api.images(), code, message);
    }));
}

test('nobody at the socket, no socket, and something else there are three things', async () => {
  const folder = scratch();
  await fails(() => open(`unix://${folder}/none.sock`), 'ENGINE_NOT_READY', /there is no such socket/);
  const server = createPlainServer(socket => {
    socket.on('error', () => undefined);
    socket.end('SSH-2.0-OpenSSH_9.2\r\n');
  });
  const path = join(folder, 'other.sock');
  await new Promise<void>(resolve => server.listen(path, resolve));
  await fails(() => open(`unix://${path}`), 'ENGINE_FAILED', /does not speak HTTP/);
  server.close();
});

test.run();
