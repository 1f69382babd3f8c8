import { duplexPair } from 'node:stream';
import * as assert from 'uvu/assert';
import { digestOf } from '../../../src/content/digest.ts';
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from '../../../src/content/media-types.ts';
import { AirferryError } from '../../../src/errors.ts';
import type { RegistryContent, ServedBlob } from '../../../src/registry/server/content.ts';
import type { ServedRequest } from '../../../src/registry/server/server.ts';
import { noise } from '../../support/archives.ts';
import { suite } from '../../support/suite.ts';
import { describe, manifestOf, pushImage, putManifest, raw, serving, storing } from './rig.ts';

const test = suite('registry server: pull');

const BLOB = noise(100_000);
const DIGEST = digestOf(BLOB);

/** One repository with one blob, which may break on its way. */
function content({ broken = false, tags = ['b', 'A', 'c', 'B'] } = {}): RegistryContent {
  const manifest = manifestOf();
  return {
    description: 'test',
    repositories: async () => ['plant/b', 'plant/a', 'tool'],
    tags: async name => (name === 'plant/a' ? tags : undefined),
    manifest: async (name, reference) =>
      name === 'plant/a' && (reference === 'b' || reference === manifest.digest)
        ? { descriptor: describe(OCI_MANIFEST, manifest.bytes), bytes: manifest.bytes }
        : undefined,
    blob: async (_name, digest) =>
      digest === DIGEST
        ? {
            size: BLOB.length,
            async *open(range) {
              const part = range ? BLOB.subarray(range.first, range.last + 1) : BLOB;
              for (let at = 0; at < part.length; at += 30_000) yield part.subarray(at, at + 30_000);
              if (broken) throw new AirferryError('DIGEST_MISMATCH', 'damaged');
            },
          }
        : undefined,
    referrers: async () => [],
  };
}

test('the base answers, and says which protocol it is', () =>
  serving(content(), {}, async ({ ask }) => {
    for (const path of ['/v2/', '/v2']) {
      const { status, headers } = await ask('GET', path);
      assert.is(status, 200);
      assert.is(headers.get('docker-distribution-api-version'), 'registry/2.0');
    }
  }));

test('a manifest comes by tag and by digest, byte for byte, with its type and its name', () =>
  storing(async stored => {
    const { bytes, digest } = await pushImage(stored, 'plant/a', '1.0');
    for (const reference of ['1.0', digest]) {
      const told = await stored.ask('GET', `plant/a/manifests/${reference}`);
      assert.is(told.status, 200);
      assert.equal(told.bytes, bytes);
      assert.is(told.headers.get('content-type'), OCI_MANIFEST);
      assert.is(told.headers.get('docker-content-digest'), digest);
      const head = await stored.ask('HEAD', `plant/a/manifests/${reference}`);
      assert.is(head.status, 200);
      assert.is(head.bytes.length, 0);
      assert.is(head.headers.get('content-length'), String(bytes.length));
      const known = { headers: { 'if-none-match': `"${digest}"` } };
      assert.is((await stored.ask('GET', `plant/a/manifests/${reference}`, known)).status, 304);
    }
  }));

test('what is not there is told by the code that the protocol has for it', () =>
  serving(content(), {}, async ({ ask }) => {
    const nowhere = digestOf('nowhere');
    const told: [path: string, status: number, code: string][] = [
      ['plant/a/manifests/none', 404, 'MANIFEST_UNKNOWN'],
      [`plant/a/manifests/${nowhere}`, 404, 'MANIFEST_UNKNOWN'],
      ['plant/a/manifests/.not-a-tag', 404, 'MANIFEST_UNKNOWN'],
      ['nobody/manifests/1.0', 404, 'MANIFEST_UNKNOWN'],
      [`plant/a/blobs/${nowhere}`, 404, 'BLOB_UNKNOWN'],
      ['plant/a/blobs/sha256:12', 400, 'DIGEST_INVALID'],
      ['nobody/tags/list', 404, 'NAME_UNKNOWN'],
      ['Plant/tags/list', 400, 'NAME_INVALID'],
      ['a//b/tags/list', 400, 'NAME_INVALID'],
      ['a%2f..%2fb/tags/list', 400, 'NAME_INVALID'],
      [`a/%00/tags/list`, 400, 'NAME_INVALID'],
      [`${'a/'.repeat(200)}b/tags/list`, 400, 'NAME_INVALID'],
      ['a/%zz/tags/list', 404, 'UNSUPPORTED'],
      ['plant/a/referrers/none', 400, 'DIGEST_INVALID'],
      ['/v1/search', 404, 'UNSUPPORTED'],
      ['/', 404, 'UNSUPPORTED'],
    ];
    for (const [path, status, code] of told) {
      const answer = await ask('GET', path);
      assert.is(`${answer.status} ${answer.code}`, `${status} ${code}`, path);
      assert.is(answer.headers.get('content-type'), 'application/json');
      assert.is((await ask('HEAD', path)).status, status, path);
    }
  }));

test('a blob comes as a whole, and in the part that is asked for', () =>
  serving(content(), {}, async ({ ask }) => {
    const whole = await ask('GET', `plant/a/blobs/${DIGEST}`);
    assert.equal(whole.bytes, BLOB);
    assert.is(whole.headers.get('accept-ranges'), 'bytes');
    const head = await ask('HEAD', `plant/a/blobs/${DIGEST}`);
    assert.is(head.headers.get('content-length'), '100000');
    const parts: [range: string, first: number, last: number][] = [
      ['bytes=0-0', 0, 0],
      ['bytes=10-19', 10, 19],
      ['bytes=99990-', 99_990, 99_999],
      ['bytes=99990-200000', 99_990, 99_999],
      ['bytes=-10', 99_990, 99_999],
      ['bytes=-200000', 0, 99_999],
    ];
    for (const [range, first, last] of parts) {
      const told = await ask('GET', `plant/a/blobs/${DIGEST}`, { headers: { range } });
      assert.is(told.status, 206, range);
      assert.equal(told.bytes, BLOB.subarray(first, last + 1), range);
      assert.is(told.headers.get('content-range'), `bytes ${first}-${last}/100000`);
    }
    for (const range of ['bytes=100000-', 'bytes=-0', 'bytes=500000-600000']) {
      const told = await ask('GET', `plant/a/blobs/${DIGEST}`, { headers: { range } });
      assert.is(told.status, 416, range);
      assert.is(told.headers.get('content-range'), 'bytes */100000');
    }
    for (const range of ['bytes=9-1', 'bytes=0-1,5-6', 'lines=1-2', 'bytes=', 'bytes=x-y']) {
      const told = await ask('GET', `plant/a/blobs/${DIGEST}`, { headers: { range } });
      assert.is(told.status, 200, `${range} is no range, and so it is all of it`);
    }
    const stale = { range: 'bytes=0-9', 'if-range': '"another"' };
    assert.is((await ask('GET', `plant/a/blobs/${DIGEST}`, { headers: stale })).status, 200);
  }));

test('a blob that turns out damaged never arrives whole, and its operator is told', () =>
  serving(content({ broken: true }), {}, async ({ ask, problems }) => {
    const failed = await ask('GET', `plant/a/blobs/${DIGEST}`).then(
      () => undefined,
      error => error,
    );
    assert.ok(failed, 'the client got a whole body');
    assert.is((problems[0] as AirferryError).code, 'DIGEST_MISMATCH');
  }));

test('a blob that was whole once is not checked each time; a damaged one is, until it is whole', () => {
  let checks = 0;
  const counted = content();
  const blob: RegistryContent['blob'] = async (name, digest) => {
    const found = await content().blob(name, digest);
    if (!found) return undefined;
    const open: ServedBlob['open'] = range => {
      if (!range) checks++;
      return found.open(range);
    };
    return { size: found.size, open };
  };
  return serving({ ...counted, blob }, {}, async ({ ask }) => {
    for (let i = 0; i < 3; i++) assert.equal((await ask('GET', `plant/a/blobs/${DIGEST}`)).bytes, BLOB);
    assert.is(checks, 1);
  });
});

test('many clients at once get small pieces, and the same bytes', () =>
  serving(content(), {}, async ({ ask }) => {
    const all = Array.from({ length: 40 }, () => ask('GET', `plant/a/blobs/${DIGEST}`));
    for (const { bytes } of await Promise.all(all)) assert.equal(bytes, BLOB);
  }));

test('tags come in the order of their letters, page after page', () =>
  serving(content(), {}, async ({ ask }) => {
    const list = async (query: string): Promise<[string[], string | null]> => {
      const { bytes, headers } = await ask('GET', `plant/a/tags/list${query}`);
      const { name, tags } = JSON.parse(bytes.toString());
      assert.is(name, 'plant/a');
      return [tags, headers.get('link')];
    };
    assert.equal(await list(''), [['A', 'B', 'b', 'c'], null]);
    assert.equal(await list('?n=2'), [['A', 'B'], '</v2/plant/a/tags/list?n=2&last=B>; rel="next"']);
    assert.equal(await list('?n=2&last=B'), [['b', 'c'], null]);
    assert.equal(await list('?last=aa'), [['B', 'b', 'c'], null]);
    assert.equal(await list('?n=0'), [[], null]);
    assert.equal(await list('?last=zzz'), [[], null]);
    for (const n of ['-1', 'x', '1e3', '99999999999'])
      assert.is((await ask('GET', `plant/a/tags/list?n=${n}`)).code, 'PAGINATION_NUMBER_INVALID');
  }));

test('the catalog comes sorted, page after page', () =>
  serving(content(), {}, async ({ ask }) => {
    const seen: string[] = [];
    let path: string | undefined = '/v2/_catalog?n=1';
    while (path !== undefined) {
      const { bytes, headers } = await ask('GET', path);
      seen.push(...JSON.parse(bytes.toString()).repositories);
      path = /^<(.*)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    }
    assert.equal(seen, ['plant/a', 'plant/b', 'tool']);
  }));

test('content that is only read takes nothing in', () =>
  serving(content(), {}, async ({ ask }) => {
    const writes: [method: string, path: string][] = [
      ['POST', 'plant/a/blobs/uploads/'],
      ['PATCH', 'plant/a/blobs/uploads/x'],
      ['PUT', 'plant/a/manifests/1.0'],
      ['DELETE', 'plant/a/manifests/b'],
      ['DELETE', `plant/a/blobs/${DIGEST}`],
      ['POST', '/v2/_catalog'],
    ];
    for (const [method, path] of writes) {
      const told = await ask(method, path, method === 'DELETE' ? {} : { body: 'x' });
      assert.is(`${told.status} ${told.code}`, '405 UNSUPPORTED', `${method} ${path}`);
    }
    assert.is((await ask('PUT', 'plant/a/manifests/b', { body: 'x' })).headers.get('allow'), 'GET, HEAD');
  }));

test('clients that take no index get the common image out of it, and others what they take', () =>
  storing(async stored => {
    const image = await pushImage(stored, 'plant/a', 'image');
    const platform = { os: 'linux', architecture: 'amd64' };
    const manifests = [{ ...describe(OCI_MANIFEST, image.bytes), platform }];
    const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
    assert.is((await putManifest(stored, 'plant/a', 'index', index, OCI_INDEX)).status, 201);
    const get = (reference: string, accept: string) =>
      stored.ask('GET', `plant/a/manifests/${reference}`, { headers: { accept } });
    for (const accept of ['*/*', `${OCI_MANIFEST}, ${OCI_INDEX};q=0.5`, 'application/*'])
      assert.equal((await get('index', accept)).bytes, index, accept);
    assert.equal((await get('index', OCI_MANIFEST)).bytes, image.bytes);
    assert.is((await get('index', DOCKER_MANIFEST)).code, 'MANIFEST_UNKNOWN');
    assert.is((await get('image', `${DOCKER_MANIFEST}, ${OCI_MANIFEST};q=0`)).code, 'MANIFEST_UNKNOWN');
    assert.equal((await get(digestOf(index), DOCKER_MANIFEST)).bytes, index, 'a digest says what is meant');
  }));

test('who asks in place of a registry gets what is under its name', () =>
  storing(async stored => {
    const here = await pushImage(stored, 'plant/a', '1');
    const there = await pushImage(stored, 'quay.io_8443/plant/a', '1');
    const ask = (query: string) => stored.ask('GET', `plant/a/manifests/1${query}`);
    assert.equal((await ask('')).bytes, here.bytes);
    assert.equal((await ask('?ns=docker.io')).bytes, here.bytes);
    assert.equal((await ask('?ns=quay.io:8443')).bytes, there.bytes);
    assert.equal((await ask('?ns=..')).bytes, here.bytes);
  }));

test('a stream that stands already is served like a connection, without any port', async () => {
  await serving(content(), { listen: undefined } as object, async ({ server, requests }) => {
    assert.is(server.address, undefined);
    const [near, far] = duplexPair();
    server.attach(far);
    let got = '';
    near.on('data', chunk => {
      got += chunk.toString('latin1');
    });
    const ask = `GET /v2/plant/a/blobs/${DIGEST} HTTP/1.1\r\nHost: x\r\n\r\n`;
    for (let i = 1; i <= 2; i++) {
      near.write(ask);
      while (got.length < i * BLOB.length) await new Promise(resolve => setTimeout(resolve, 5));
    }
    assert.is(got.match(/HTTP\/1.1 200 OK/g)?.length, 2);
    const ended = new Promise(resolve => near.once('end', resolve));
    near.on('end', () => near.end());
    await server.close(1000);
    await ended;
    assert.is(requests.length, 2);
    const [late, other] = duplexPair();
    server.attach(other);
    assert.ok(other.destroyed, 'what comes after the end is not served');
    late.destroy();
  });
});

test('a stream that breaks breaks nothing else', () =>
  serving(content(), { listen: undefined } as object, async ({ server }) => {
    for (const text of [
      'GET /v2/ HT',
      `GET /v2/plant/a/blobs/${DIGEST} HTTP/1.1\r\nHost: x\r\n\r\n`,
      '\0\0\0',
    ]) {
      const [near, far] = duplexPair();
      server.attach(far);
      near.on('error', () => undefined);
      near.write(text);
      await new Promise(resolve => setTimeout(resolve, 20));
      far.destroy(new Error('the channel is gone'));
      near.destroy();
    }
  }));

test('rubbish on the wire is turned away', () =>
  serving(content(), {}, async served => {
    assert.match(await raw(served, 'rubbish\r\n\r\n'), /^HTTP\/1.1 400/);
    const huge = `GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`;
    assert.match(await raw(served, huge), /^HTTP\/1.1 431/);
    assert.match(
      await raw(served, `GET /v2/${'a'.repeat(40_000)} HTTP/1.1\r\n\r\n`),
      /^HTTP\/1.1 4(?:00|31)/,
    );
    const dots = 'GET /v2/../../etc/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    assert.match(await raw(served, dots), /^HTTP\/1.1 400[\s\S]*NAME_INVALID/);
  }));

test('a client that has said all and listens on gets its answer', () =>
  serving(content(), {}, async served => {
    const ask = 'GET /v2/plant/a/tags/list HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    assert.match(await raw(served, ask, { end: true }), /"tags"/);
  }));

test('a client that leaves in the middle of a blob is a request that broke off, and no problem', () =>
  serving(content(), {}, async served => {
    await raw(served, `GET /v2/plant/a/blobs/${DIGEST} HTTP/1.1\r\nHost: x\r\n\r\n`, { ms: 20 });
    assert.equal(served.problems, []);
    assert.is((await served.ask('GET', '/v2/')).status, 200);
  }));

test('every request is told with its bytes, without the query', () =>
  serving(content(), {}, async ({ ask, requests }) => {
    await ask('GET', `plant/a/blobs/${DIGEST}?secret=1`);
    while (requests.length < 1) await new Promise(resolve => setTimeout(resolve, 1));
    const { ms, ...told } = requests[0] as ServedRequest;
    assert.ok(ms >= 0);
    assert.equal(told, {
      method: 'GET',
      path: `/v2/plant/a/blobs/${DIGEST}`,
      status: 200,
      sent: BLOB.length,
      received: 0,
    });
  }));

test.run();
