import * as assert from 'uvu/assert';
import type { RegistryServing } from '../../src/actions/registry-serve.ts';
import { requestLine, servingView } from '../../src/cli/views/registry-serve.ts';
import { suite } from '../support/suite.ts';
import { plainLook } from './look.ts';

const test = suite('registry serve: view');

const SERVING: RegistryServing = {
  address: '127.0.0.1:5000',
  registry: '127.0.0.1:5000',
  url: 'http://127.0.0.1:5000',
  content: 'bundle:site.tar',
  writable: false,
  loopback: true,
  tls: false,
  login: false,
  repositories: [{ name: 'site/app', tags: ['1.0', '1.1'] }],
};

test('the address comes first, then what to type', () => {
  assert.equal(servingView(SERVING, plainLook()), [
    'http://127.0.0.1:5000 serves bundle:site.tar, to pull from: 1 repository, 2 tags',
    '  docker pull 127.0.0.1:5000/site/app:1.0',
    '  docker pull 127.0.0.1:5000/site/app:1.1',
    'Ctrl-C ends it.',
  ]);
});

test('what else it takes is said: a login, an entry in daemon.json, a look at the rest', () => {
  const tags = Array.from({ length: 5 }, (_, i) => `v${i}`);
  const lines = servingView(
    {
      ...SERVING,
      ...{ address: '0.0.0.0:5000', registry: 'hub:5000', url: 'http://hub:5000' },
      ...{ writable: true, loopback: false, login: true, repositories: [{ name: 'a', tags }] },
    },
    plainLook(),
  );
  assert.equal(lines.slice(1), [
    '  docker login hub:5000',
    '  docker push hub:5000/team/app:1.0',
    '  docker pull hub:5000/a:v0',
    '  docker pull hub:5000/a:v1',
    '  docker pull hub:5000/a:v2',
    '  and 2 more: curl -u NAME http://hub:5000/v2/_catalog',
    'It speaks plain HTTP: engines need hub:5000 among "insecure-registries" in their daemon.json.',
    'Ctrl-C ends it.',
  ]);
});

test('a request is one line, whatever its path has in it', () => {
  const request = { method: 'GET', path: '/v2/a\u001b[2J', status: 404, sent: 130, received: 0, ms: 1.4 };
  assert.is(requestLine(request), 'GET /v2/a\\u{1b}[2J 404 130 B 1 ms');
  const broken = { ...request, path: '/v2/', status: undefined, sent: 0, received: 2_000_000 };
  assert.is(requestLine(broken), 'GET /v2/ broken off 2.00 MB 1 ms');
});

test.run();
