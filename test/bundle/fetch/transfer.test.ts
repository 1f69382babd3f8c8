/** Downloads against a publisher that answers well and badly. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as assert from 'uvu/assert';
import { type TransferOptions, transfer } from '../../../src/bundle/fetch/transfer.ts';
import { AirferryError } from '../../../src/errors.ts';
import { refusal } from '../../engine/expect.ts';
import { noise } from '../../support/archives.ts';
import { type Publisher, serve, startPublisher } from '../../support/publisher.ts';
import { suite } from '../../support/suite.ts';

const test = suite('bundle/fetch/transfer');
const file = noise(300_000);
const PATH = '/engine/docker-20.10.24.tgz';
const servers: Server[] = [];
let publisher: Publisher;

test.before(async () => {
  publisher = await startPublisher();
});
test.beforeEach(() => {
  publisher.files.set(PATH, file);
  publisher.seen.length = 0;
  publisher.quirks = {};
});
test.after(async () => {
  await publisher.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server with that one answer; the address of a file on it. */
async function answering(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
}

const address = (): string => `${publisher.origin}${PATH.slice(1)}`;

async function all(url: string, options: TransferOptions = {}): Promise<Buffer> {
  return Buffer.concat(
    await Array.fromAsync(transfer(url, { retry: { baseMs: 1, attempts: 3 }, ...options })),
  );
}

test('a file arrives whole, with or without a length', async () => {
  assert.ok((await all(address())).equals(file));
  publisher.quirks.noLength = true;
  assert.ok((await all(address())).equals(file));
});

test('redirects are followed', async () => {
  const url = await answering((_, res) => void res.writeHead(302, { location: address() }).end());
  assert.ok((await all(url)).equals(file));
});

test('what breaks off goes on where it stopped, as often as it takes', async () => {
  const cuts = [100_000, 50_000, 1, 70_000, 20_000].map(bytes => serve(publisher, PATH, bytes));
  publisher.fault(/docker/, ...cuts);
  assert.ok((await all(address())).equals(file));
  const offsets = publisher.seen.map(line => Number(/bytes=(\d+)-$/.exec(line)?.[1] ?? 0));
  assert.is(offsets.length, cuts.length + 1);
  assert.ok((offsets.at(-1) ?? 0) > 100_000, offsets.join());
  assert.equal(
    offsets,
    offsets.toSorted((a, b) => a - b),
  );
});

test('a server without ranges sends it again, and the beginning is passed over', async () => {
  publisher.quirks.noRanges = true;
  publisher.fault(/docker/, serve(publisher, PATH, 100_000));
  assert.ok((await all(address())).equals(file));
});

test('a file that changes between two parts of a download is refused', async () => {
  publisher.fault(/docker/, (req, res) => {
    serve(publisher, PATH, 100_000)(req, res);
    publisher.files.set(PATH, noise(300_000, 2));
  });
  await refusal(
    () => all(address()),
    'DOWNLOAD_FAILED',
    /broke off, and the server now has another file there/,
  );
});

test('without validators a rest is taken only where a digest will tell', async () => {
  publisher.quirks.noValidators = true;
  publisher.fault(/docker/, serve(publisher, PATH, 100_000), serve(publisher, PATH, 100_000));
  await refusal(() => all(address()), 'DOWNLOAD_FAILED', /another file/);
  publisher.fault(/docker/, serve(publisher, PATH, 100_000));
  assert.ok((await all(address(), { checked: true })).equals(file));
});

test('what is there from an earlier run is not asked for again; what changed since begins anew', async () => {
  const heads: { offset: number; validator?: string }[] = [];
  const onHead = (head: { offset: number; validator?: string }): void => void heads.push(head);
  await all(address(), { onHead });
  const validator = heads[0]?.validator ?? '';
  assert.ok(
    (await all(address(), { from: { offset: 200_000, validator }, onHead })).equals(file.subarray(200_000)),
  );
  assert.ok((await all(address(), { from: { offset: 200_000, validator: '"old"' }, onHead })).equals(file));
  assert.equal(
    heads.map(({ offset }) => offset),
    [0, 200_000, 0],
  );
  assert.ok(
    (await all(address(), { from: { offset: 300_000, validator } })).equals(file),
    'a part that is too long',
  );
});

test('a server that fails for a moment is asked again', async () => {
  const busy: RequestListener = (_, res) => void res.writeHead(503).end();
  publisher.fault(/docker/, busy, busy);
  assert.ok((await all(address())).equals(file));
});

test('what is unchanged is not sent', async () => {
  const validators: string[] = [];
  await all(address(), { onHead: head => void validators.push(head.validator ?? '') });
  const [validator = ''] = validators;
  let unchanged = 0;
  const unless = { validator, unchanged: () => void unchanged++ };
  assert.is((await all(address(), { unless })).length, 0);
  assert.is(unchanged, 1);
});

const BAD: [what: string, answer: RequestListener, message: RegExp][] = [
  [
    'a web page',
    (_, res) =>
      void res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>log in</html>'),
    /answered with a web page/,
  ],
  [
    'a web page that says it is a file',
    (_, res) =>
      void res.writeHead(200, { 'content-type': 'application/gzip' }).end('\n<!DOCTYPE html><title>log in'),
    /answered with a web page/,
  ],
  ['not found', (_, res) => void res.writeHead(404).end('no'), /answered 404/],
  ['forbidden', (_, res) => void res.writeHead(403).end(), /answered 403/],
  ['a server error that stays', (_, res) => void res.writeHead(500).end(), /answered 500/],
  [
    'a part of the file',
    (_, res) => void res.writeHead(206, { 'content-length': 3 }).end('abc'),
    /answered 206/,
  ],
  [
    'less than it promised, always',
    (_, res) => {
      res.writeHead(200, { 'content-length': file.length, etag: '"1"' });
      res.write(file.subarray(0, 100_000), () => res.destroy());
    },
    /failed: .*lost|ended after/,
  ],
  ['a connection that drops at once', (_, res) => void res.destroy(), /failed: /],
  ['redirects in circles', (req, res) => void res.writeHead(302, { location: req.url }).end(), /failed: /],
  ['a redirect to nowhere', (_, res) => void res.writeHead(302).end(), /failed: .*nowhere/],
];
for (const [what, answer, message] of BAD) {
  test(`${what} is no download`, async () => {
    const url = await answering(answer);
    const error = await refusal(() => all(url), 'DOWNLOAD_FAILED', message);
    assert.is(error.where.url, url);
    assert.match(error.suggestions.join(' '), /by other means/);
  });
}

test('a port where nobody listens is no download', async () => {
  await refusal(() => all('http://127.0.0.1:1/x.tgz'), 'DOWNLOAD_FAILED', /127\.0\.0\.1:1/);
});

test('an interruption stops it with its own reason, also in a pause', async () => {
  const stalling = await answering(
    (_, res) => void res.writeHead(200, { 'content-length': file.length }).write(file.subarray(0, 1000)),
  );
  const failing = await answering((_, res) => void res.writeHead(503).end());
  for (const url of [stalling, failing]) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new AirferryError('INTERRUPTED', 'interrupted')), 50);
    await refusal(() => all(url, { signal: controller.signal, retry: { baseMs: 5000 } }), 'INTERRUPTED');
  }
});

test('a download that is given up midway lets the connection go', async () => {
  const url = await answering((_, res) => void res.writeHead(200).write(file));
  for await (const _ of transfer(url)) break;
});

test.run();
