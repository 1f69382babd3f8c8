import { gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { AirferryError } from '../../src/errors.ts';
import {
  delay,
  drop,
  dropAnswer,
  errorBody,
  type FakeRegistry,
  status,
  webPage,
} from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { clientFor, eventually, failure, manifestOver, type Sample, sample, withRegistry } from './rig.ts';

const test = suite('upload');
const REPOSITORY = 'plant/app';

const stored = (registry: FakeRegistry, blob: Sample, repository = REPOSITORY) =>
  registry.blobs.get(repository)?.get(blob.descriptor.digest);
const methods = (registry: FakeRegistry) => registry.seen.map(({ method }) => method).join(' ');
const unnamed = (blob: Sample) => ({ mediaType: 'application/octet-stream', open: blob.open });

test(
  'a blob of known digest is asked for and sent in one PUT of announced length',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(300_000);
    assert.equal(await client.putBlob(REPOSITORY, blob), { descriptor: blob.descriptor, how: 'moved' });
    assert.is(methods(registry), 'HEAD POST PUT');
    const put = registry.seen.at(-1);
    assert.is(put?.headers['content-length'], '300000');
    assert.is(put?.headers['transfer-encoding'], undefined);
    assert.equal(stored(registry, blob), blob.bytes);
  }),
);

test(
  'a blob that is there is not sent, and one HEAD is all',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(1000);
    await client.putBlob(REPOSITORY, blob);
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'present');
    assert.is(methods(registry), 'HEAD POST PUT HEAD');
    assert.is(blob.opened, 1);
  }),
);

test(
  'a blob whose size at the registry is another is sent again',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(1000);
    registry.blobs.set(REPOSITORY, new Map([[blob.descriptor.digest, Buffer.alloc(10)]]));
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.equal(stored(registry, blob), blob.bytes);
  }),
);

test(
  'a blob of unknown digest is sent as it flows and named at the end',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(300_000);
    const result = await client.putBlob(REPOSITORY, unnamed(blob));
    assert.equal(result, { descriptor: blob.descriptor, how: 'moved' });
    assert.is(methods(registry), 'POST PATCH PUT');
    assert.is(registry.seen[1]?.headers['transfer-encoding'], 'chunked');
    assert.equal(stored(registry, blob), blob.bytes);
  }),
);

test(
  'empty blobs are stored, named or not, without a body in the PUT',
  withRegistry({}, async ({ registry, client }) => {
    const empty = sample(0);
    await client.putBlob(REPOSITORY, empty);
    assert.is(registry.seen.at(-1)?.headers['content-length'], '0');
    assert.is(stored(registry, empty)?.length, 0);
    const result = await client.putBlob('plant/other', unnamed(empty));
    assert.is(result.descriptor.digest, digestOf(''));
    assert.is(stored(registry, empty, 'plant/other')?.length, 0);
  }),
);

for (const location of ['absolute', 'relative'] as const) {
  test(
    `an upload goes where a Location that is ${location} says, its query untouched`,
    withRegistry({ location }, async ({ registry, client }) => {
      const blob = sample(1000);
      await client.putBlob(REPOSITORY, blob);
      const digest = `digest=${encodeURIComponent(blob.descriptor.digest)}`;
      const state = location === 'absolute' ? '?_state=x%3D%3D' : '?_state=a%2Bb%20c~d+e';
      assert.is(registry.seen.at(-1)?.query, `${state}&${digest}`);
      await client.putBlob(REPOSITORY, unnamed(sample(1000)));
    }),
  );
}

test(
  'PATCH answered 201 and PUT answered 204 are as good',
  withRegistry({ patchStatus: 201, putStatus: 204 }, async ({ client }) => {
    assert.is((await client.putBlob(REPOSITORY, unnamed(sample(1000)))).how, 'moved');
    assert.is((await client.putBlob(REPOSITORY, sample(1000))).how, 'moved');
  }),
);

test(
  'a mount is done when it is answered 201',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(1000);
    await client.putBlob('plant/a', blob);
    assert.is((await client.putBlob('plant/b', blob, { mountFrom: 'plant/a' })).how, 'mounted');
    assert.equal(stored(registry, blob, 'plant/b'), blob.bytes);
    assert.is(blob.opened, 1);
  }),
);

test(
  'a mount answered 202 goes on with the Location that came with it',
  withRegistry({ mount: 'decline' }, async ({ registry, client }) => {
    const blob = sample(1000);
    await client.putBlob('plant/a', blob);
    const before = registry.seen.length;
    assert.is((await client.putBlob('plant/b', blob, { mountFrom: 'plant/a' })).how, 'moved');
    assert.equal(
      registry.seen.slice(before).map(({ method }) => method),
      ['HEAD', 'POST', 'PUT'],
    );
  }),
);

for (const mount of [400, 401, 403, 404]) {
  test(
    `a mount refused with ${mount} becomes an ordinary upload`,
    withRegistry({ mount }, async ({ registry, client }) => {
      const blob = sample(1000);
      if (mount === 401) {
        const basic = { 'www-authenticate': 'Bearer realm="/token"' };
        registry.fault('POST', /mount=/, status(401, '', basic), 2);
      }
      assert.is((await client.putBlob('plant/b', blob, { mountFrom: 'plant/a' })).how, 'moved');
      assert.equal(stored(registry, blob, 'plant/b'), blob.bytes);
    }),
  );
}

test(
  'chunks have the least length that the registry names, and ranges that include their ends',
  withRegistry({ chunkMin: 10 * 1024 * 1024 }, async ({ registry, client }) => {
    const blob = sample(22 * 1024 * 1024, 1024 * 1024 - 7);
    await client.putBlob(REPOSITORY, unnamed(blob));
    const patches = registry.seen.filter(({ method }) => method === 'PATCH');
    assert.is(patches.length, 3);
    for (const { bytes } of patches.slice(0, -1)) assert.ok(bytes >= 10 * 1024 * 1024, `${bytes}`);
    assert.is(patches[0]?.headers['content-range'], `0-${(patches[0]?.bytes ?? 0) - 1}`);
    assert.equal(stored(registry, blob), blob.bytes);
  }),
);

test(
  'the least length of chunks counts on the answer to a mount, too',
  withRegistry(
    { chunkMin: 3_000_000, mount: 'decline' },
    async ({ registry, client }) => {
      const blob = sample(7_000_000);
      await client.putBlob('plant/b', blob, { mountFrom: 'plant/a' });
      const patches = registry.seen.filter(({ method }) => method === 'PATCH');
      assert.equal(
        patches.map(({ bytes }) => bytes),
        [3_000_000, 3_000_000, 1_000_000],
      );
      assert.is(registry.seen.filter(({ method }) => method === 'POST').length, 1);
      assert.equal(stored(registry, blob, 'plant/b'), blob.bytes);
    },
    { chunks: { from: 1_000_000, chunk: 1_000_000 } },
  ),
);

test(
  'a blob whose digest is a sha512 is asked for, sent and verified as that',
  withRegistry({}, async ({ registry, client }) => {
    const bytes = sample(100_000).bytes;
    const digest = digestOf(bytes, `sha512:${'0'.repeat(128)}`);
    assert.match(digest, /^sha512:[0-9a-f]{128}$/);
    const descriptor = { mediaType: 'application/octet-stream', digest, size: bytes.length };
    const open = async function* () {
      yield bytes;
    };
    assert.is((await client.putBlob(REPOSITORY, { descriptor, open })).how, 'moved');
    assert.equal(Buffer.concat(await Array.fromAsync(client.getBlob(REPOSITORY, descriptor))), bytes);
    registry.blobs.get(REPOSITORY)?.set(digest, Buffer.alloc(bytes.length));
    await failure(Array.fromAsync(client.getBlob(REPOSITORY, descriptor)), 'DIGEST_MISMATCH');
  }),
);

test(
  'the empty layer of old images is a blob like any other, twice in one image too',
  withRegistry({}, async ({ registry, client }) => {
    const bytes = Buffer.from('H4sIAAAJbogA/2IYBaNgFIxYAAgAAP//Lq+17wAEAAA=', 'base64');
    assert.match(digestOf(gunzipSync(bytes)), /^sha256:5f70bf18/);
    const digest = digestOf(bytes);
    assert.match(digest, /^sha256:a3ed95ca/);
    const layer = { ...sample(1), bytes, descriptor: { mediaType: 'x', digest, size: bytes.length } };
    const source = {
      descriptor: layer.descriptor,
      open: async function* () {
        yield bytes;
      },
    };
    const config = sample(10);
    await Promise.all([config, source, source].map(blob => client.putBlob(REPOSITORY, blob)));
    await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, manifestOver([config, layer, layer]).bytes);
    assert.equal(registry.blobs.get(REPOSITORY)?.get(digest), bytes);
  }),
);

test(
  'a proxy that wants the length of every request gets chunks of known length',
  withRegistry({ needsLength: true }, async ({ registry, client }) => {
    const blob = sample(100_000);
    assert.is((await client.putBlob(REPOSITORY, unnamed(blob))).how, 'moved');
    assert.equal(stored(registry, blob), blob.bytes);
    assert.is(registry.uploads.size, 0, 'the first attempt was cancelled');
  }),
);

test(
  'a connection that drops in the middle of a blob: asked again, and the blob sent from its start',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(4_000_000);
    registry.fault('PUT', /digest=/, drop(1_000_000), 2);
    assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
    assert.is(methods(registry), 'HEAD POST PUT DELETE HEAD POST PUT DELETE HEAD POST PUT');
    assert.is(blob.opened, 3);
    assert.equal(stored(registry, blob), blob.bytes);
  }),
);

test(
  'a stream of unknown digest that drops is made again from the source',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(4_000_000);
    registry.fault('PATCH', /uploads/, drop(1_000_000));
    assert.is((await client.putBlob(REPOSITORY, unnamed(blob))).descriptor.digest, blob.descriptor.digest);
    assert.equal(stored(registry, blob), blob.bytes);
  }),
);

for (const named of [true, false]) {
  test(
    `a lost answer to the last PUT is no reason to send a blob ${named ? 'of known digest' : 'of unknown digest'} twice`,
    withRegistry({}, async ({ registry, client }) => {
      const blob = sample(10_000);
      registry.fault('PUT', /digest=/, dropAnswer());
      assert.is((await client.putBlob(REPOSITORY, named ? blob : unnamed(blob))).how, 'moved');
      assert.is(blob.opened, 1);
    }),
  );
}

for (const [what, fault] of [
  ['500', status(500)],
  ['a 502 page of a proxy', webPage(502)],
  ['429', status(429, '', { 'retry-after': '0' })],
  ['BLOB_UPLOAD_UNKNOWN', status(404, errorBody('BLOB_UPLOAD_UNKNOWN'))],
  ['BLOB_UPLOAD_INVALID', status(400, errorBody('BLOB_UPLOAD_INVALID'))],
  ['a bare 404', status(404)],
  ['416', status(416)],
] as const) {
  test(
    `after ${what} in mid-upload the blob is begun again`,
    withRegistry({}, async ({ registry, client }) => {
      const [known, unknown] = [sample(200_000), sample(200_000)];
      registry.fault('PUT', /digest=/, fault);
      await client.putBlob(REPOSITORY, known);
      registry.fault('PATCH', /uploads/, fault);
      await client.putBlob(REPOSITORY, unnamed(unknown));
      assert.equal([known.opened, unknown.opened], [2, 2]);
      assert.equal(stored(registry, known), known.bytes);
      assert.equal(stored(registry, unknown), unknown.bytes);
    }),
  );
}

for (const [code, refusal] of [
  ['REGISTRY_PROTOCOL', 400],
  ['REGISTRY_DENIED', 403],
  ['REGISTRY_TOO_LARGE', 413],
] as const) {
  test(
    `${refusal} is not tried again, and the upload is cancelled`,
    withRegistry({}, async ({ registry, client }) => {
      registry.fault('PUT', /digest=/, status(refusal, errorBody('X', 'why not')));
      const error = await failure(client.putBlob(REPOSITORY, sample(100_000)), code);
      assert.match(error.message, 'why not');
      assert.is(methods(registry), 'HEAD POST PUT DELETE');
      assert.is(registry.uploads.size, 0);
    }),
  );
}

test(
  'a missing project is told when the upload is opened, once',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('POST', /uploads/, status(404, errorBody('NAME_UNKNOWN', 'project plant not found')), 9);
    const error = await failure(client.putBlob(REPOSITORY, sample(10)), 'REGISTRY_NOT_FOUND');
    assert.match(error.suggestions.join(), 'must exist');
    assert.is(methods(registry), 'HEAD POST');
  }),
);

test(
  'a failure that never passes is thrown when the attempts are used up',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('PUT', /digest=/, status(500), 99);
    await failure(client.putBlob(REPOSITORY, sample(10)), 'REGISTRY_FAILED');
    assert.is(registry.seen.filter(({ method }) => method === 'PUT').length, 4);
  }),
);

test(
  'a source that turns out wrong at its end leaves nothing behind',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(3_000_000);
    const wrong = {
      descriptor: blob.descriptor,
      async *open() {
        yield* blob.open();
        throw new AirferryError('DIGEST_MISMATCH', 'the source is another one');
      },
    };
    await failure(client.putBlob(REPOSITORY, wrong), 'DIGEST_MISMATCH');
    await failure(client.putBlob(REPOSITORY, { mediaType: 'x', open: wrong.open }), 'DIGEST_MISMATCH');
    await eventually(() => registry.uploads.size === 0);
    assert.is(registry.blobs.get(REPOSITORY)?.size ?? 0, 0);
    const put = registry.seen.find(({ method }) => method === 'PUT');
    assert.ok(put && put.bytes < blob.bytes.length, 'the registry never had the whole blob');
  }),
);

for (const [how, fault] of [
  ['refuses', status(405, '')],
  ['fails at', status(500, '')],
  ['cuts', drop()],
] as const) {
  test(
    `a registry that ${how} the request to give an upload up changes nothing of what is told`,
    withRegistry({}, async ({ registry, client }) => {
      registry.fault('PUT', /digest=/, status(403, errorBody('DENIED', 'no')));
      registry.fault('DELETE', /uploads/, fault, 9);
      const error = await failure(client.putBlob(REPOSITORY, sample(300_000)), 'REGISTRY_DENIED');
      assert.match(error.message, 'no');
      assert.ok(methods(registry).includes('DELETE'));
    }),
  );
}

test(
  'a source that has more or fewer bytes than it says is a mismatch, and nothing stays',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(100_000);
    for (const size of [99_999, 100_001, 0]) {
      const lying = { descriptor: { ...blob.descriptor, size }, open: blob.open };
      const error = await failure(client.putBlob(REPOSITORY, lying), 'DIGEST_MISMATCH');
      assert.match(error.message, `a blob of ${size} bytes`);
    }
    await eventually(() => registry.uploads.size === 0);
    assert.is(registry.blobs.get(REPOSITORY)?.size ?? 0, 0);
  }),
);

test(
  'bytes that the registry finds to be others are a mismatch, too',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(1000);
    const other = { descriptor: { ...blob.descriptor, digest: digestOf('other') }, open: blob.open };
    const error = await failure(client.putBlob(REPOSITORY, other), 'DIGEST_MISMATCH');
    assert.match(error.message, 'received other bytes');
    assert.is(registry.seen.filter(({ method }) => method === 'PUT').length, 1);
  }),
);

test(
  'an interrupted upload is cancelled at the registry and at its source',
  withRegistry({}, async ({ registry }) => {
    const controller = new AbortController();
    const client = clientFor(registry, { signal: controller.signal });
    let closed = false;
    const endless = {
      descriptor: { ...sample(1).descriptor, size: 1e12 },
      async *open() {
        try {
          for (let i = 0; ; i++) {
            if (i === 20) controller.abort();
            yield Buffer.alloc(64 * 1024);
          }
        } finally {
          closed = true;
        }
      },
    };
    await failure(client.putBlob(REPOSITORY, endless), 'INTERRUPTED');
    await eventually(() => registry.uploads.size === 0 && closed);
    await client.close();
  }),
);

test(
  'a registry that finalises for longer than other answers may take is waited for',
  withRegistry(
    {},
    async ({ registry, client }) => {
      registry.fault('PUT', /digest=/, delay(400));
      registry.fault('PATCH', /uploads/, delay(400));
      assert.is((await client.putBlob(REPOSITORY, sample(1000))).how, 'moved');
      assert.is((await client.putBlob(REPOSITORY, unnamed(sample(1000)))).how, 'moved');
      assert.is(registry.seen.filter(({ method }) => method === 'PUT').length, 2);
    },
    { limits: { answerMs: 100, idleMs: 100 } },
  ),
);

for (const size of [1000, 300_000])
  test(
    `a proxy that gives up while the registry still stores ${size} bytes is no reason to send them again`,
    withRegistry({}, async ({ registry, client }) => {
      const blob = sample(size);
      registry.fault('PUT', /digest=/, async (exchange, proceed) => {
        await status(504)(exchange, proceed);
        const blobs = registry.blobs.get(REPOSITORY) ?? new Map();
        registry.blobs.set(REPOSITORY, blobs);
        setTimeout(() => blobs.set(blob.descriptor.digest, blob.bytes), 400);
      });
      assert.is((await client.putBlob(REPOSITORY, blob)).how, 'moved');
      assert.is(blob.opened, 1);
      assert.is(registry.seen.filter(({ method }) => method === 'PUT').length, 1);
    }),
  );

test(
  'a registry that says nothing of where the upload goes, or leads it astray, is refused',
  withRegistry({ location: () => 'ftp://example.com/' }, async ({ registry, client }) => {
    await failure(client.putBlob(REPOSITORY, sample(10)), 'REGISTRY_PROTOCOL');
    registry.fault('POST', /uploads/, status(202));
    await failure(client.putBlob(REPOSITORY, sample(10)), 'REGISTRY_PROTOCOL');
    registry.fault('POST', /uploads/, webPage(200));
    const page = await failure(client.putBlob(REPOSITORY, sample(10)), 'REGISTRY_PROTOCOL');
    assert.match(page.message, 'web page');
  }),
);

test(
  'a login does not follow an upload to another origin',
  withRegistry({}, async ({ registry: elsewhere }) => {
    await withRegistry(
      {
        auth: 'basic',
        login: { username: 'u', password: 'p' },
        location: path => `${elsewhere.origin}${path}`,
      },
      async ({ client, registry }) => {
        const blob = sample(10);
        elsewhere.fault('PUT', /digest=/, status(201));
        await client.putBlob(REPOSITORY, blob);
        assert.ok(registry.seen.at(-1)?.headers.authorization);
        assert.is(elsewhere.seen[0]?.headers.authorization, undefined);
      },
      { credentials: { kind: 'password', username: 'u', password: 'p' } },
    )();
  }),
);

test(
  'many uploads at once arrive whole',
  withRegistry({}, async ({ registry, client }) => {
    const blobs = Array.from({ length: 20 }, (_, i) => sample(100_000 + i));
    registry.fault('PUT', /digest=/, drop(50_000), 5);
    registry.fault('PUT', /digest=/, status(503), 5);
    await Promise.all(blobs.map((blob, i) => client.putBlob(REPOSITORY, i % 2 ? blob : unnamed(blob))));
    for (const blob of blobs) assert.equal(stored(registry, blob), blob.bytes);
    assert.is(registry.uploads.size, 0);
  }),
);

test.run();
