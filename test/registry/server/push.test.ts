import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type Digest, digestOf, hexOf } from '../../../src/content/digest.ts';
import { DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST } from '../../../src/content/media-types.ts';
import { noise } from '../../support/archives.ts';
import { suite } from '../../support/suite.ts';
import {
  describe,
  manifestOf,
  pushBlob,
  pushImage,
  putManifest,
  raw,
  type Stored,
  storing,
  storingWith,
  type Told,
} from './rig.ts';

const test = suite('registry server: push');

const BLOB = noise(300_000);
const DIGEST = digestOf(BLOB);
const EMPTY = digestOf('');

/** Begin an upload; its location. */
async function begin({ ask }: Stored, repository = 'plant/a'): Promise<string> {
  const { status, headers } = await ask('POST', `${repository}/blobs/uploads/`);
  assert.is(status, 202);
  assert.is(headers.get('range'), '0-0');
  return headers.get('location') ?? '';
}

const unfinished = (root: string): string[] => readdirSync(join(root, '.airferry/unfinished'));

const blobPath = (root: string, repository: string, digest: Digest): string =>
  join(root, repository, 'blobs', digest.replace(':', '/'));

test('a blob comes in one request, in two, in chunks, and as a stream', () =>
  storing(async stored => {
    const { ask, root } = stored;
    const ways: Record<string, () => Promise<Told>> = {
      'one/post': () => ask('POST', `one/post/blobs/uploads/?digest=${DIGEST}`, { body: BLOB }),
      'put/whole': async () =>
        ask('PUT', `${await begin(stored, 'put/whole')}?digest=${DIGEST}`, { body: BLOB }),
      'in/chunks': async () => {
        const location = await begin(stored, 'in/chunks');
        for (const [first, last] of [
          [0, 99_999],
          [100_000, 199_999],
        ] as const) {
          const headers = { 'content-range': `${first}-${last}` };
          const told = await ask('PATCH', location, { headers, body: BLOB.subarray(first, last + 1) });
          assert.is(told.status, 202);
          assert.is(told.headers.get('range'), `0-${last}`);
          assert.is(told.headers.get('location'), location);
        }
        const status = await ask('GET', location);
        assert.is(`${status.status} ${status.headers.get('range')}`, '204 0-199999');
        const headers = { 'content-range': '200000-299999' };
        return ask('PUT', `${location}?digest=${DIGEST}`, { headers, body: BLOB.subarray(200_000) });
      },
      'as/stream': async () => {
        const location = await begin(stored, 'as/stream');
        assert.is((await ask('PATCH', location, { body: BLOB })).status, 202);
        return ask('PUT', `${location}?digest=${DIGEST}`);
      },
    };
    for (const [repository, push] of Object.entries(ways)) {
      const { status, headers } = await push();
      assert.is(status, 201, repository);
      assert.is(headers.get('location'), `/v2/${repository}/blobs/${DIGEST}`);
      assert.is(headers.get('docker-content-digest'), DIGEST);
      assert.equal((await ask('GET', headers.get('location') ?? '')).bytes, BLOB);
      assert.is(statSync(blobPath(root, repository, DIGEST)).mode & 0o044, 0o044 & ~process.umask());
    }
    assert.equal(unfinished(root), []);
  }));

test('a blob that several repositories have is one file', () =>
  storing(async stored => {
    for (const repository of ['a', 'b/c', 'd']) await pushBlob(stored, repository, BLOB);
    const inodes = ['a', 'b/c', 'd'].map(name => statSync(blobPath(stored.root, name, DIGEST)).ino);
    assert.is(new Set(inodes).size, 1);
  }));

test('a blob that was damaged on the disk is whole again wherever it is, once it is pushed again', () =>
  storing(async stored => {
    await pushBlob(stored, 'a', BLOB);
    await pushBlob(stored, 'b', BLOB);
    writeFileSync(blobPath(stored.root, 'a', DIGEST), 'damaged');
    await pushBlob(stored, 'b', BLOB);
    assert.equal((await stored.ask('GET', `a/blobs/${DIGEST}`)).bytes, BLOB);
  }));

test('an upload is private until it is whole', () =>
  storing(async stored => {
    const location = await begin(stored);
    await stored.ask('PATCH', location, { body: BLOB });
    const [name = ''] = unfinished(stored.root);
    assert.is(statSync(join(stored.root, '.airferry/unfinished', name)).mode & 0o777, 0o600);
    assert.is(statSync(join(stored.root, '.airferry/unfinished')).mode & 0o777, 0o700);
    assert.not(existsSync(join(stored.root, 'plant')));
  }));

test('the empty blob, and blobs under sha512', () =>
  storing(async stored => {
    const { ask } = stored;
    assert.is((await ask('PUT', `${await begin(stored)}?digest=${EMPTY}`)).status, 201);
    const empty = await ask('GET', `plant/a/blobs/${EMPTY}`);
    assert.is(`${empty.status} ${empty.bytes.length}`, '200 0');
    const other: Digest = `sha512:${createHash('sha512').update(BLOB).digest('hex')}`;
    for (const path of [`plant/a/blobs/uploads/?digest=${other}`])
      assert.is((await ask('POST', path, { body: BLOB })).status, 201);
    const location = await begin(stored);
    await ask('PATCH', location, { body: BLOB.subarray(0, 1000) });
    assert.is((await ask('PUT', `${location}?digest=${other}`, { body: BLOB.subarray(1000) })).status, 201);
    assert.equal((await ask('GET', `plant/a/blobs/${other}`)).bytes, BLOB);
    const wrong = `sha512:${'0'.repeat(128)}`;
    assert.is((await ask('POST', `a/blobs/uploads/?digest=${wrong}`, { body: 'x' })).code, 'DIGEST_INVALID');
  }));

test('bytes that are not those of their digest are refused, and leave nothing', () =>
  storing(async stored => {
    const { ask, root } = stored;
    const post = await ask('POST', `plant/a/blobs/uploads/?digest=${digestOf('other')}`, { body: BLOB });
    assert.is(`${post.status} ${post.code}`, '400 DIGEST_INVALID');
    const location = await begin(stored);
    for (const query of ['?digest=sha256:12', '?digest=md5:00', ''])
      assert.is((await ask('PUT', `${location}${query}`, { body: 'x' })).code, 'DIGEST_INVALID', query);
    assert.is((await ask('PUT', `${location}?digest=${DIGEST}`, { body: 'x' })).code, 'DIGEST_INVALID');
    assert.is((await ask('GET', location)).code, 'BLOB_UPLOAD_UNKNOWN');
    assert.equal(unfinished(root), []);
    assert.is((await ask('HEAD', `plant/a/blobs/${DIGEST}`)).status, 404);
  }));

test('chunks out of order are turned back with where the next one begins', () =>
  storing(async stored => {
    const { ask } = stored;
    const location = await begin(stored);
    const patch = (range: string, size: number) =>
      ask('PATCH', location, { headers: { 'content-range': range }, body: BLOB.subarray(0, size) });
    assert.is((await patch('0-999', 1000)).status, 202);
    for (const range of ['0-999', '1001-2000', '999-1998', 'nonsense', '2000-1000', '']) {
      if (range === '') continue;
      const told = await patch(range, 1000);
      assert.is(told.status, 416, range);
      assert.is(told.headers.get('range'), '0-999');
      assert.is(told.headers.get('location'), location);
    }
    assert.is((await patch('1000-1999', 500)).code, 'SIZE_INVALID');
    assert.is((await patch('bytes 1000-1499/9000', 500)).status, 202);
    const put = await ask('PUT', `${location}?digest=${DIGEST}`, {
      headers: { 'content-range': '7-9' },
      body: 'abc',
    });
    assert.is(put.status, 416);
    assert.is((await ask('GET', location)).headers.get('range'), '0-1499');
  }));

test('an upload that is given up, and one that never was, are unknown', () =>
  storing(async stored => {
    const { ask, root } = stored;
    const location = await begin(stored);
    await ask('PATCH', location, { body: BLOB });
    assert.is((await ask('DELETE', location)).status, 204);
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE'])
      assert.is((await ask(method, `${location}?digest=${DIGEST}`)).status, 404, method);
    const other = location.replace('plant/a', 'plant/b');
    for (const path of [other, 'plant/a/blobs/uploads/..%2f..%2findex.json', 'plant/a/blobs/uploads/x'])
      assert.is((await ask('GET', path)).status, 404, path);
    assert.equal(unfinished(root), []);
  }));

test('a body that breaks off leaves what came, and the upload goes on from there', () =>
  storing(async stored => {
    const { ask } = stored;
    const location = await begin(stored);
    const head = `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: ${BLOB.length}\r\n\r\n`;
    await raw(
      stored,
      head +
        BLOB.subarray(0, 50_000)
          .toString('latin1')
          .replace(/[^\0-\x7f]/g, 'x'),
      { ms: 50 },
    );
    await ask('DELETE', location);
    const second = await begin(stored);
    await cutOff(stored, second, BLOB.subarray(0, 100_000), BLOB.length);
    const range = (await ask('GET', second)).headers.get('range') ?? '';
    const come = Number(range.slice(2)) + 1;
    assert.is(come, 100_000);
    const headers = { 'content-range': `${come}-${BLOB.length - 1}` };
    const told = await ask('PUT', `${second}?digest=${DIGEST}`, { headers, body: BLOB.subarray(come) });
    assert.is(told.status, 201);
    assert.equal(stored.problems, []);
  }));

test('a client that comes back takes its upload over from the connection that it lost', () =>
  storing(async stored => {
    const { ask } = stored;
    const location = await begin(stored);
    const lost = request(`${stored.origin}${location}`, {
      method: 'PATCH',
      headers: { 'content-length': String(BLOB.length) },
    });
    lost.on('error', () => undefined);
    lost.write(BLOB.subarray(0, 100_000));
    await new Promise(resolve => setTimeout(resolve, 50));
    const told = await ask('PATCH', location, {
      headers: { 'content-range': `100000-${BLOB.length - 1}` },
      body: BLOB.subarray(100_000),
    });
    assert.is(told.status, 202);
    assert.is((await ask('PUT', `${location}?digest=${DIGEST}`)).status, 201);
  }));

test('an upload goes on after the server was started again', async () => {
  let location = '';
  const root = await storing(async stored => {
    location = await begin(stored);
    await stored.ask('PATCH', location, { body: BLOB.subarray(0, 123_456) });
    return stored.root;
  });
  await storing(async ({ ask }) => {
    assert.is((await ask('GET', location)).headers.get('range'), '0-123455');
    const told = await ask('PUT', `${location}?digest=${DIGEST}`, { body: BLOB.subarray(123_456) });
    assert.is(told.status, 201);
  }, root);
});

test('a mount takes a blob over without its bytes, and falls back to an upload', () =>
  storing(async stored => {
    const { ask, root } = stored;
    await pushBlob(stored, 'plant/a', BLOB);
    const mount = (query: string) => ask('POST', `plant/b/blobs/uploads/?${query}`);
    for (const query of [
      `mount=${digestOf('none')}&from=plant/a`,
      `mount=${DIGEST}&from=nobody`,
      `mount=${DIGEST}&from=../a`,
      'mount=nonsense&from=plant/a',
    ]) {
      const told = await mount(query);
      assert.is(told.status, 202, query);
      assert.match(told.headers.get('location') ?? '', '/v2/plant/b/blobs/uploads/');
    }
    for (const query of [`mount=${DIGEST}&from=plant/a`, `mount=${DIGEST}&from=plant/a`, `mount=${DIGEST}`]) {
      const told = await mount(query);
      assert.is(told.status, 201, query);
      assert.is(told.headers.get('location'), `/v2/plant/b/blobs/${DIGEST}`);
    }
    assert.is(statSync(blobPath(root, 'plant/b', DIGEST)).nlink, 2);
    assert.equal((await ask('GET', `plant/b/blobs/${DIGEST}`)).bytes, BLOB);
  }));

test('more uploads than are taken at once wait for their turn', () =>
  storingWith({ uploads: 2 }, async stored => {
    const blobs = Array.from({ length: 12 }, (_, i) => noise(50_000, i));
    const digests = await Promise.all(blobs.map(blob => pushBlob(stored, 'plant/a', blob)));
    for (const digest of digests)
      assert.is((await stored.ask('HEAD', `plant/a/blobs/${digest}`)).status, 200);
  }));

test('far more than that are sent away for a while', () =>
  storingWith({ uploads: 1 }, async stored => {
    const locations = await Promise.all(Array.from({ length: 9 }, () => begin(stored)));
    const open = locations.slice(0, 8).map(location => {
      const one = request(`${stored.origin}${location}`, {
        method: 'PATCH',
        headers: { 'content-length': '9' },
      });
      one.on('error', () => undefined);
      one.write('x');
      return one;
    });
    await new Promise(resolve => setTimeout(resolve, 100));
    const told = await stored.ask('PATCH', locations[8] ?? '', { body: 'x' });
    assert.is(`${told.status} ${told.code}`, '429 TOOMANYREQUESTS');
    assert.ok(Number(told.headers.get('retry-after')) > 0);
    for (const one of open) one.destroy();
  }));

test('the same blob from many at once is there once, and whole', () =>
  storing(async stored => {
    const names = ['a', 'a', 'a', 'b', 'b', 'c/d', 'c/d', 'a'];
    await Promise.all(names.map(name => pushBlob(stored, name, BLOB)));
    for (const name of ['a', 'b', 'c/d'])
      assert.equal(readFileSync(blobPath(stored.root, name, DIGEST)), BLOB);
    assert.equal(unfinished(stored.root), []);
  }));

test('manifests whose content is missing are refused with the digest of each piece', () =>
  storing(async stored => {
    const { bytes, config, layer } = manifestOf();
    const none = await putManifest(stored, 'plant/a', '1', bytes);
    assert.is(`${none.status} ${none.code}`, '400 MANIFEST_BLOB_UNKNOWN');
    const missing = JSON.parse(none.bytes.toString()).errors.map((error: { detail: object }) => error.detail);
    assert.equal(missing, [{ digest: digestOf(config) }, { digest: digestOf(layer) }]);
    await pushBlob(stored, 'plant/a', config);
    await pushBlob(stored, 'plant/b', layer);
    assert.is((await putManifest(stored, 'plant/a', '1', bytes)).code, 'MANIFEST_BLOB_UNKNOWN');
    await pushBlob(stored, 'plant/a', layer);
    assert.is((await putManifest(stored, 'plant/a', '1', bytes)).status, 201);
    const index = indexOver([describe(OCI_MANIFEST, Buffer.from('none'))]);
    assert.is((await putManifest(stored, 'plant/a', 'i', index, OCI_INDEX)).code, 'MANIFEST_BLOB_UNKNOWN');
    const sparse = indexOver([describe(OCI_MANIFEST, Buffer.from('none')), describe(OCI_MANIFEST, bytes)]);
    assert.is((await putManifest(stored, 'plant/a', 'i', sparse, OCI_INDEX)).status, 201);
    assert.equal((await stored.ask('GET', 'plant/a/manifests/i')).bytes, sparse);
  }));

function indexOver(manifests: object[]): Buffer {
  return Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
}

test('manifests that are none are refused', () =>
  storing(async stored => {
    const { bytes, config, layer } = manifestOf();
    await pushBlob(stored, 'a', config);
    await pushBlob(stored, 'a', layer);
    const json = JSON.parse(bytes.toString());
    const wrongSize = { ...json, layers: [{ ...json.layers[0], size: 7 }] };
    const bad: [body: string | Buffer, type: string, code: string][] = [
      ['no json', OCI_MANIFEST, 'MANIFEST_INVALID'],
      ['[]', OCI_MANIFEST, 'MANIFEST_INVALID'],
      ['{}', OCI_MANIFEST, 'MANIFEST_INVALID'],
      [JSON.stringify({ schemaVersion: 1, fsLayers: [] }), OCI_MANIFEST, 'MANIFEST_INVALID'],
      [bytes, DOCKER_MANIFEST, 'MANIFEST_INVALID'],
      [JSON.stringify({ ...json, mediaType: 'text/plain' }), OCI_MANIFEST, 'MANIFEST_INVALID'],
      [JSON.stringify({ ...json, manifests: [] }), OCI_MANIFEST, 'MANIFEST_INVALID'],
      [JSON.stringify(wrongSize), OCI_MANIFEST, 'MANIFEST_INVALID'],
      [Buffer.alloc(4 * 1024 * 1024 + 1, ' '), OCI_MANIFEST, 'SIZE_INVALID'],
    ];
    for (const [body, type, code] of bad) {
      const told = await putManifest(stored, 'a', '1', Buffer.from(body), type);
      assert.is(told.code, code, body.toString().slice(0, 80));
    }
    for (const reference of ['.tag', 'a'.repeat(129), 'a%20b'])
      assert.is((await putManifest(stored, 'a', reference, bytes)).code, 'TAG_INVALID', reference);
    for (const reference of [digestOf('other'), 'sha256:12'])
      assert.is((await putManifest(stored, 'a', reference, bytes)).code, 'DIGEST_INVALID', reference);
    for (const name of ['a/blobs/b', 'index.json', 'oci-layout/a'])
      assert.is((await putManifest(stored, name, '1', bytes)).code, 'NAME_INVALID', name);
    assert.is((await stored.ask('GET', 'a/tags/list')).bytes.toString(), '{"name":"a","tags":[]}');
  }));

test('layers that lie elsewhere by licence need not be there', () =>
  storing(async stored => {
    const config = Buffer.from('{"architecture":"amd64","os":"windows"}');
    await pushBlob(stored, 'a', config);
    const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
    const layers = [{ ...describe(mediaType, BLOB), urls: ['https://example.com/layer'] }];
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(OCI_CONFIG, config),
      layers,
    };
    const told = await putManifest(stored, 'a', '1', Buffer.from(JSON.stringify(manifest)));
    assert.is(told.status, 201, told.bytes.toString());
  }));

test('what is about a manifest is listed with it, also when it came first', () =>
  storing(async stored => {
    const { ask } = stored;
    const image = manifestOf();
    const subject = describe(OCI_MANIFEST, image.bytes);
    const sbom = await pushImage(
      stored,
      'a',
      'sbom',
      manifestOf({ subject, artifactType: 'application/sbom', annotations: { by: 'us' } }),
    );
    const plain = manifestOf({ subject });
    const digest = plain.digest;
    await pushBlob(stored, 'a', plain.config);
    await pushBlob(stored, 'a', plain.layer);
    const put = await putManifest(stored, 'a', digest, plain.bytes);
    assert.is(put.headers.get('oci-subject'), subject.digest);
    const list = async (query = '') => {
      const told = await ask('GET', `a/referrers/${subject.digest}${query}`);
      assert.is(told.status, 200);
      assert.is(told.headers.get('content-type'), OCI_INDEX);
      return { manifests: JSON.parse(told.bytes.toString()).manifests, told };
    };
    const expected = [
      {
        ...describe(OCI_MANIFEST, sbom.bytes),
        artifactType: 'application/sbom',
        annotations: { by: 'us' },
      },
      { ...describe(OCI_MANIFEST, plain.bytes), artifactType: OCI_CONFIG },
    ];
    assert.equal((await list()).manifests, expected);
    const filtered = await list('?artifactType=application/sbom');
    assert.equal(filtered.manifests, expected.slice(0, 1));
    assert.is(filtered.told.headers.get('oci-filters-applied'), 'artifactType');
    assert.equal((await list('?artifactType=none')).manifests, []);
    assert.is((await list()).told.headers.get('oci-filters-applied'), null);
    const nobody = await ask('GET', `nobody/referrers/${subject.digest}`);
    assert.equal(JSON.parse(nobody.bytes.toString()).manifests, []);
    await ask('DELETE', `a/manifests/${sbom.digest}`);
    assert.equal((await list()).manifests, expected.slice(1));
    await storedAgain(stored, async again => {
      const told = await again.ask('GET', `a/referrers/${subject.digest}`);
      assert.equal(JSON.parse(told.bytes.toString()).manifests, expected.slice(1));
    });
  }));

/** The same folder, by a server that was started again. */
async function storedAgain(stored: Stored, body: (again: Stored) => Promise<void>): Promise<void> {
  await stored.storage.close();
  await storing(body, stored.root);
}

test('tags move, and are deleted alone; manifests with all of their tags', () =>
  storing(async stored => {
    const { ask } = stored;
    const first = await pushImage(stored, 'a', '1');
    await pushImage(stored, 'a', 'one', first);
    const second = await pushImage(stored, 'a', '1');
    const tags = async () => JSON.parse((await ask('GET', 'a/tags/list')).bytes.toString()).tags;
    assert.equal((await ask('GET', 'a/manifests/1')).bytes, second.bytes);
    assert.equal((await ask('GET', `a/manifests/${first.digest}`)).bytes, first.bytes);
    assert.is((await ask('DELETE', 'a/manifests/one')).status, 202);
    assert.equal(await tags(), ['1']);
    assert.equal((await ask('GET', `a/manifests/${first.digest}`)).bytes, first.bytes);
    assert.is((await ask('DELETE', 'a/manifests/one')).code, 'MANIFEST_UNKNOWN');
    await pushImage(stored, 'a', 'two', second);
    assert.is((await ask('DELETE', `a/manifests/${second.digest}`)).status, 202);
    assert.equal(await tags(), []);
    for (const reference of ['1', 'two', second.digest])
      assert.is((await ask('GET', `a/manifests/${reference}`)).status, 404, reference);
    assert.is((await ask('DELETE', `a/manifests/${second.digest}`)).status, 404);
    assert.not(existsSync(blobPath(stored.root, 'a', second.digest)));
  }));

test('a blob is deleted only when nothing needs it', () =>
  storing(async stored => {
    const { ask } = stored;
    const { digest, layer } = await pushImage(stored, 'a', '1');
    const path = `a/blobs/${digestOf(layer)}`;
    const needed = await ask('DELETE', path);
    assert.is(`${needed.status} ${needed.code}`, '405 UNSUPPORTED');
    assert.is((await ask('DELETE', `a/blobs/${digest}`)).status, 405, 'a manifest is deleted as one');
    assert.is((await ask('DELETE', `a/manifests/${digest}`)).status, 202);
    assert.is((await ask('DELETE', path)).status, 202);
    assert.is((await ask('HEAD', path)).status, 404);
    assert.is((await ask('DELETE', path)).code, 'BLOB_UNKNOWN');
    assert.is((await ask('DELETE', `nobody/blobs/${digest}`)).code, 'BLOB_UNKNOWN');
    assert.equal(await catalog(stored), []);
  }));

async function catalog({ ask }: Stored): Promise<string[]> {
  return JSON.parse((await ask('GET', '/v2/_catalog')).bytes.toString()).repositories;
}

test('the same tag from many at once: one of them has it, and no manifest is lost', () =>
  storing(async stored => {
    const images = Array.from({ length: 10 }, () => manifestOf());
    await Promise.all(images.map(image => pushImage(stored, 'a', 'latest', image)));
    await Promise.all(images.map((image, i) => pushImage(stored, 'a', `v${i}`, image)));
    const index = JSON.parse(readFileSync(join(stored.root, 'a/index.json'), 'utf8'));
    assert.is(index.manifests.length, 11);
    const { bytes } = await stored.ask('GET', 'a/manifests/latest');
    assert.ok(images.some(image => image.bytes.equals(bytes)));
    for (const { digest } of images)
      assert.is((await stored.ask('HEAD', `a/manifests/${digest}`)).status, 200, hexOf(digest));
  }));

test('at the end what is under way gets a moment, and is cut after that', () =>
  storing(async stored => {
    const location = await begin(stored);
    const hanging = request(`${stored.origin}${location}`, {
      method: 'PATCH',
      headers: { 'content-length': '9' },
    });
    const cut = new Promise(resolve => hanging.once('error', resolve));
    await new Promise(resolve => hanging.write('x', resolve));
    const other = await begin(stored);
    const late = request(`${stored.origin}${other}`, { method: 'PATCH', headers: { 'content-length': '2' } });
    const answered = new Promise(resolve =>
      late.once('response', answer => {
        answer.resume();
        resolve(answer.statusCode);
      }),
    );
    await new Promise(resolve => late.write('x', resolve));
    await new Promise(resolve => setTimeout(resolve, 50));
    const started = Date.now();
    const closed = stored.server.close(300);
    late.end('y');
    assert.is(await answered, 202);
    await closed;
    await cut;
    const took = Date.now() - started;
    assert.ok(took >= 290 && took < 3_000, `${took} ms`);
    const refused = await stored.ask('GET', '/v2/').catch(() => 'refused');
    assert.is(refused, 'refused');
  }));

/** Send the beginning of a body, and cut the connection once the server has it. */
async function cutOff(stored: Stored, location: string, bytes: Uint8Array, length: number): Promise<void> {
  const one = request(`${stored.origin}${location}`, {
    method: 'PATCH',
    headers: { 'content-length': String(length) },
  });
  one.on('error', () => undefined);
  await new Promise(resolve => one.write(bytes, resolve));
  await new Promise(resolve => setTimeout(resolve, 100));
  one.destroy();
  await new Promise(resolve => setTimeout(resolve, 50));
}

test.run();
