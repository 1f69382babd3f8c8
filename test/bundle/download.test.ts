/** Downloads and the lock, against a server that answers well and badly. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { download } from '../../src/bundle/download.ts';
import { openInput } from '../../src/bundle/inputs.ts';
import { Lock } from '../../src/config/lock.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { AirferryError } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import { refusal } from '../engine/expect.ts';
import { noise } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('download');
const file = noise(300_000);
const servers: Server[] = [];

test.after(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** A server with that one answer; the address of a file on it. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/engine/docker-20.10.24.tgz`;
}

const whole: RequestListener = (_, res) =>
  void res.writeHead(200, { 'content-length': file.length }).end(file);

async function fetchAll(
  url: string,
  over: Partial<Parameters<typeof download>[1]> = {},
): Promise<{ bytes: Buffer; learned: Digest[]; meter: Meter }> {
  const learned: Digest[] = [];
  const meter = new Meter();
  const stream = download(url, { learn: digest => learned.push(digest), meter, ...over });
  return { bytes: Buffer.concat(await Array.fromAsync(stream)), learned, meter };
}

test('a file arrives whole, its digest is learned and its bytes are counted', async () => {
  const { bytes, learned, meter } = await fetchAll(await serve(whole));
  assert.ok(bytes.equals(file));
  assert.equal(learned, [digestOf(file)]);
  assert.equal([meter.progress.done, meter.progress.total], [file.length, file.length]);
});

test('a file without a length arrives too', async () => {
  const { bytes } = await fetchAll(await serve((_, res) => void res.writeHead(200).end(file)));
  assert.ok(bytes.equals(file));
});

test('redirects are followed', async () => {
  const real = await serve(whole);
  const { bytes } = await fetchAll(
    await serve((_, res) => void res.writeHead(302, { location: real }).end()),
  );
  assert.ok(bytes.equals(file));
});

test('a pinned file that is another one is refused, and not learned', async () => {
  const learned: Digest[] = [];
  const url = await serve(whole);
  const error = await refusal(
    () => fetchAll(url, { pinned: digestOf('another'), learn: digest => learned.push(digest) }),
    'DIGEST_MISMATCH',
    /the recipe or its lock says/,
  );
  assert.equal([learned, error.where.url], [[], url]);
  assert.match(error.suggestions.join(' '), /bundle\.lock\.yaml/);
});

const BAD: [what: string, answer: RequestListener, message: RegExp][] = [
  [
    'a web page',
    (_, res) =>
      void res.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>log in</html>'),
    /answered with a web page/,
  ],
  ['not found', (_, res) => void res.writeHead(404).end('no'), /answered 404/],
  ['forbidden', (_, res) => void res.writeHead(403).end(), /answered 403/],
  ['a server error', (_, res) => void res.writeHead(500).end(), /answered 500/],
  [
    'a part of the file',
    (_, res) => void res.writeHead(206, { 'content-length': 3 }).end('abc'),
    /answered 206/,
  ],
  [
    'less than it promised',
    (_, res) => {
      res.writeHead(200, { 'content-length': file.length });
      res.write(file.subarray(0, 100_000), () => res.destroy());
    },
    /failed: |ended after/,
  ],
  ['a connection that drops at once', (_, res) => void res.destroy(), /failed: /],
  ['redirects in circles', (req, res) => void res.writeHead(302, { location: req.url }).end(), /failed: /],
];
for (const [what, answer, message] of BAD) {
  test(`${what} is no download`, async () => {
    const url = await serve(answer);
    const learned: Digest[] = [];
    const error = await refusal(
      () => fetchAll(url, { learn: digest => learned.push(digest) }),
      'DOWNLOAD_FAILED',
      message,
    );
    assert.equal([error.where.url, learned], [url, []]);
    assert.match(error.suggestions.join(' '), /by other means/);
  });
}

test('a port where nobody listens is no download', async () => {
  await refusal(() => fetchAll('http://127.0.0.1:1/x.tgz'), 'DOWNLOAD_FAILED', /127\.0\.0\.1:1/);
});

test('an interruption stops it with its own reason', async () => {
  const controller = new AbortController();
  const url = await serve(
    (_, res) => void res.writeHead(200, { 'content-length': file.length }).write(file.subarray(0, 1000)),
  );
  setTimeout(() => controller.abort(new AirferryError('INTERRUPTED', 'interrupted')), 50);
  await refusal(() => fetchAll(url, { signal: controller.signal }), 'INTERRUPTED');
});

test('a download that is given up midway lets the connection go', async () => {
  const url = await serve((_, res) => void res.writeHead(200).write(file));
  for await (const _ of download(url, { learn: () => undefined, meter: new Meter() })) break;
});

test('what the publisher gave is locked, and from then on nothing else will do', async () => {
  const folder = scratch();
  const recipe = join(folder, 'bundle.yaml');
  let content = file;
  const url = await serve((_, res) => void res.writeHead(200).end(content));
  const source = { kind: 'publisher', platform: 'linux/amd64', at: { line: 1, column: 1 } } as const;
  const read = async (lock: Lock): Promise<Buffer> =>
    Buffer.concat(await Array.fromAsync(openInput(source, () => url, { meter: new Meter(), lock }).open()));

  const lock = await Lock.beside(recipe);
  assert.is(lock.digestOf(url), undefined);
  assert.ok((await read(lock)).equals(file));
  assert.not(existsSync(lock.file), 'nothing is written before the bundle is whole');
  await lock.save();
  assert.is(lock.file, join(folder, 'bundle.lock.yaml'));

  const again = await Lock.beside(recipe);
  assert.is(again.digestOf(url), digestOf(file));
  const before = readFileSync(again.file);
  assert.ok((await read(again)).equals(file));
  await again.save();
  assert.equal(readFileSync(again.file), before);

  content = noise(300_000, 2);
  await refusal(() => read(again), 'DIGEST_MISMATCH');
});

test('the digest of the recipe goes before the lock', async () => {
  const folder = scratch();
  const lock = await Lock.beside(join(folder, 'bundle.yaml'));
  const url = await serve(whole);
  lock.pin(url, digestOf('old'));
  const source = {
    kind: 'url',
    platform: 'linux/amd64',
    url,
    digest: digestOf(file),
    at: { line: 1, column: 1 },
  } as const;
  const input = openInput(source, () => '', { meter: new Meter(), lock });
  assert.is(input.name, 'docker-20.10.24.tgz');
  assert.ok(Buffer.concat(await Array.fromAsync(input.open())).equals(file));
});

test('a lock is the same whatever the order in which it was filled', async () => {
  const texts = await Promise.all(
    [
      ['b', 'a'],
      ['a', 'b'],
    ].map(async names => {
      const lock = await Lock.beside(join(scratch(), 'bundle.yaml'));
      for (const name of names) lock.pin(`https://example.com/${name}`, digestOf(name));
      await lock.save();
      return readFileSync(lock.file, 'utf8');
    }),
  );
  assert.is(texts[0], texts[1]);
  assert.match(texts[0] ?? '', /^# Written by airferry/);
});

test('a lock that someone has broken is refused at its line', async () => {
  for (const [text, line] of [
    ['schemaVersion: 1\ndownloads:\n  https://example.com/x: sha256:abc\n', 3],
    ['schemaVersion: 2\ndownloads: {}\n', 1],
    ['schemaVersion: 1\nfoo: 1\ndownloads: {}\n', 2],
    ['schemaVersion: 1\ndownloads: [\n', 3],
    ['- 1\n', 1],
  ] as const) {
    const folder = scratch();
    writeFileSync(join(folder, 'bundle.lock.yaml'), text);
    const error = await refusal(() => Lock.beside(join(folder, 'bundle.yaml')), 'RECIPE_INVALID');
    assert.match(error.where.file ?? '', /bundle\.lock\.yaml$/);
    assert.ok(error.where.line !== undefined && error.where.line <= line, `${error.where.line} for ${text}`);
  }
});

test.run();
