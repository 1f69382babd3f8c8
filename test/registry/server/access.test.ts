import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import bcrypt from 'bcryptjs';
import * as assert from 'uvu/assert';
import type { RegistryContent } from '../../../src/registry/server/content.ts';
import { htpasswdGate } from '../../../src/registry/server/htpasswd.ts';
import { isLoopback, parseListen } from '../../../src/registry/server/listen.ts';
import { mergeContents } from '../../../src/registry/server/merge.ts';
import { serveRegistry } from '../../../src/registry/server/server.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { failure } from '../rig.ts';
import { raw, serving } from './rig.ts';

const test = suite('registry server: access');

const folder = scratch();
const EMPTY: RegistryContent = {
  description: 'nothing',
  repositories: async () => [],
  tags: async () => undefined,
  manifest: async () => undefined,
  blob: async () => undefined,
  referrers: async () => [],
};

const hash = (password: string): string => bcrypt.hashSync(password, 4).replace(/^\$2b/, '$2y');
const basic = (login: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(login).toString('base64')}`,
});

function htpasswd(text: string): string {
  const path = join(folder, 'htpasswd');
  writeFileSync(path, text);
  return path;
}

test('addresses are read as Docker and Go write them', () => {
  assert.equal(parseListen('127.0.0.1:5000'), { host: '127.0.0.1', port: 5000 });
  assert.equal(parseListen('[::1]:0'), { host: '::1', port: 0 });
  assert.equal(parseListen('localhost:80'), { host: 'localhost', port: 80 });
  assert.equal(parseListen(':5000'), { host: '0.0.0.0', port: 5000 });
  for (const text of ['', '5000', 'a:', 'a:b', '1.2.3.4:70000', '::1:5000', '[x]:1', 'http://a:1', 'a b:1'])
    assert.throws(() => parseListen(text), /is not an address to listen on/, text);
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', 'hub.company.com', '127.0.0.1.example.com'])
    assert.not(isLoopback(host), host);
});

test('plain HTTP for other machines wants to be asked for', async () => {
  const listen = { host: '0.0.0.0', port: 0 };
  const error = await failure(serveRegistry(EMPTY, { listen }), 'USAGE');
  assert.match(error.suggestions.join(), '--plain-http');
  const server = await serveRegistry(EMPTY, { listen, plainHttp: true });
  await server.close();
});

test('an address that another program has is told as that', async () => {
  const server = await serveRegistry(EMPTY, { listen: { host: '127.0.0.1', port: 0 } });
  const listen = parseListen(server.address ?? '');
  const error = await failure(serveRegistry(EMPTY, { listen }), 'SERVE_FAILED');
  assert.match(error.message, 'another program has that port');
  await server.close();
  await failure(
    serveRegistry(EMPTY, { listen: { host: '192.0.2.1', port: 0 }, plainHttp: true }),
    'SERVE_FAILED',
  );
});

test('only names of the file come in, with their passwords', async () => {
  const path = htpasswd(`# operators\n\nops:${hash('pa:ss wörd')}\nrobot$plant:${hash('')}\n`);
  await serving(EMPTY, { authorize: htpasswdGate(path) }, async ({ ask }) => {
    const none = await ask('GET', '/v2/');
    assert.is(`${none.status} ${none.code}`, '401 UNAUTHORIZED');
    assert.match(none.headers.get('www-authenticate') ?? '', /^Basic realm=/);
    const wrong = ['ops:wrong', 'nobody:pa:ss wörd', 'ops', ':', 'OPS:pa:ss wörd', 'ops:'];
    for (const login of wrong)
      assert.is((await ask('GET', '/v2/', { headers: basic(login) })).status, 401, login);
    for (const login of ['ops:pa:ss wörd', 'ops:pa:ss wörd', 'robot$plant:'])
      assert.is((await ask('GET', '/v2/', { headers: basic(login) })).status, 200, login);
    for (const authorization of ['Bearer x', 'Basic', 'Basic !!', `Basic ${'A'.repeat(9000)}`])
      assert.is((await ask('GET', '/v2/', { headers: { authorization } })).status, 401);
  });
});

test('a password is hashed once for many requests, and asked again when the file changes', async () => {
  const costly = bcrypt.hashSync('secret', 10);
  const path = htpasswd(`ops:${costly}\n`);
  const gate = htpasswdGate(path);
  const header = basic('ops:secret').authorization;
  assert.ok(await gate(header));
  const before = process.cpuUsage();
  for (let i = 0; i < 50; i++) assert.ok(await gate(header));
  const { user } = process.cpuUsage(before);
  assert.ok(user < 1_000_000, `50 checks took ${user} us`);
  htpasswd(`ops:${hash('other')}\n`);
  assert.not(await gate(header));
  assert.ok(await gate(basic('ops:other').authorization));
  htpasswd('half written');
  assert.ok(
    await gate(basic('ops:other').authorization),
    'what was good stays good in the middle of a change',
  );
});

test('files that distribution would not take are refused with their line', async () => {
  const bad: [text: string, line: number][] = [
    ['', 1],
    ['# nobody\n', 1],
    [`ops:${hash('a')}\nplain:secret\n`, 2],
    ['sha:{SHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=\n', 1],
    ['apr:$apr1$x$y\n', 1],
    ['no colon\n', 1],
    [`:${hash('a')}\n`, 1],
  ];
  for (const [text, line] of bad) {
    const error = await failure((async () => htpasswdGate(htpasswd(text)))(), 'CREDENTIALS_INVALID');
    assert.is(error.where.line, line, text);
    assert.not.match(error.message, 'secret');
  }
  await failure((async () => htpasswdGate(join(folder, 'none')))(), 'FILE_NOT_FOUND');
});

test('HTTPS with a certificate, and streams that are attached stay plain', async () => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], {
    stdio: 'ignore',
  });
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  await serving(EMPTY, { tls, listen: { host: '0.0.0.0', port: 0 } }, async served => {
    const port = Number(served.server.address?.split(':')[1]);
    const status = await new Promise((resolve, reject) => {
      const one = request({ host: '127.0.0.1', port, path: '/v2/', ca: tls.cert }, answer => {
        answer.resume();
        resolve(answer.statusCode);
      });
      one.on('error', reject);
      one.end();
    });
    assert.is(status, 200);
    assert.not.match(await raw(served, 'GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n', { ms: 300 }), '200 OK');
  });
  const other = { ...tls, key: Buffer.from('no key') };
  const error = await failure(
    serveRegistry(EMPTY, { tls: other, listen: { host: '::1', port: 0 } }),
    'SERVE_FAILED',
  );
  assert.match(error.message, 'certificate');
});

test('of several contents the first one that has a name answers to it', async () => {
  const one = { ...EMPTY, description: 'one', repositories: async () => ['a', 'b'], tags: async () => ['1'] };
  const two = {
    ...EMPTY,
    description: 'two',
    repositories: async () => ['b', 'c'],
    tags: async () => ['1', '2'],
  };
  const both = mergeContents([one, two]);
  assert.is(both.description, 'one, two');
  assert.equal(await both.repositories(), ['a', 'b', 'c']);
  assert.equal(await both.tags('b'), ['1', '2']);
  assert.is(await mergeContents([EMPTY, EMPTY]).tags('b'), undefined);
  assert.is(mergeContents([one]), one);
});

test.run();
