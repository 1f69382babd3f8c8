import * as assert from 'uvu/assert';
import { digestOf } from '../../src/content/digest.ts';
import { OCI_MANIFEST } from '../../src/content/media-types.ts';
import { isMissingContent } from '../../src/registry/errors.ts';
import {
  errorBody,
  type FakeRegistry,
  startFakeRegistry,
  status,
  webPage,
} from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { collect, failure, manifestOver, type Sample, sample, withRegistry } from './rig.ts';

const test = suite('download');
const REPOSITORY = 'plant/app';

function give(registry: FakeRegistry, ...blobs: Sample[]): void {
  registry.blobs.set(REPOSITORY, new Map(blobs.map(({ descriptor, bytes }) => [descriptor.digest, bytes])));
}

/** Give a registry the blobs of an image; its manifest, which it does not have yet. */
function giveImage(registry: FakeRegistry): ReturnType<typeof manifestOver> {
  const [config, layer] = [sample(100), sample(1000)];
  give(registry, config, layer);
  return manifestOver([config, layer]);
}

test(
  'a manifest is stored and fetched byte for byte, by tag and by digest',
  withRegistry({}, async ({ registry, client }) => {
    const manifest = giveImage(registry);
    const { digest } = manifest.descriptor;
    assert.is(await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, manifest.bytes), digest);
    assert.is(registry.seen.at(-1)?.headers['content-type'], OCI_MANIFEST);
    for (const reference of ['1.0', digest]) {
      const fetched = await client.getManifest(REPOSITORY, reference);
      assert.equal(fetched.descriptor, manifest.descriptor);
      assert.equal(Buffer.from(fetched.bytes), manifest.bytes);
      assert.equal(await client.headManifest(REPOSITORY, reference), { digest, mediaType: OCI_MANIFEST });
    }
  }),
);

test(
  'a manifest that breaks off in the middle is asked for again',
  withRegistry({}, async ({ registry, client }) => {
    const manifest = giveImage(registry);
    await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, manifest.bytes);
    registry.fault('GET', /manifests/, async ({ req, res }) => {
      res.writeHead(200, { 'content-type': OCI_MANIFEST, 'content-length': manifest.bytes.length });
      res.write(manifest.bytes.subarray(0, manifest.bytes.length / 2));
      await new Promise(resolve => setTimeout(resolve, 20));
      req.socket.destroy();
    });
    const { bytes } = await client.getManifest(REPOSITORY, '1.0');
    assert.equal(Buffer.from(bytes), manifest.bytes);
    assert.is(registry.requests().filter(line => /^GET .*manifests/.test(line)).length, 2);
  }),
);

for (const [what, quirks] of [
  ['names no digest', { noDigestHeader: true }],
  ['is not allowed', { headStatus: 405 }],
  ['is forbidden', { headStatus: 403 }],
] as const) {
  test(
    `where HEAD ${what}, the manifest is fetched and hashed`,
    withRegistry(quirks, async ({ registry, client }) => {
      const config = sample(100);
      give(registry, config);
      const { bytes, descriptor } = manifestOver([config]);
      await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, bytes);
      assert.is((await client.headManifest(REPOSITORY, '1.0'))?.digest, descriptor.digest);
      assert.is(registry.requests().length, 3);
      if ('headStatus' in quirks) assert.is(await client.headManifest(REPOSITORY, '2.0'), undefined);
    }),
  );
}

test(
  'a refusal of HEAD is explained by the GET that follows',
  withRegistry({ headStatus: 403 }, async ({ registry, client }) => {
    registry.fault('GET', /manifests/, status(403, errorBody('DENIED', 'the project is archived')));
    const error = await failure(client.headManifest(REPOSITORY, '1.0'), 'REGISTRY_DENIED');
    assert.match(error.message, 'the project is archived');
  }),
);

test(
  'web pages with status 200 are no manifest, no tags and no blob',
  withRegistry({}, async ({ registry, client }) => {
    for (const method of ['GET', 'HEAD']) registry.fault(method, /./, webPage(200), 99);
    for (const work of [
      () => client.headManifest(REPOSITORY, '1.0'),
      () => client.getManifest(REPOSITORY, '1.0'),
      () => client.listTags(REPOSITORY),
      () => client.headBlob(REPOSITORY, sample(1).descriptor),
      () => collect(client.getBlob(REPOSITORY, sample(1).descriptor)),
    ]) {
      const error = await failure(work(), 'REGISTRY_PROTOCOL');
      assert.match(error.message, 'web page');
      assert.match(error.suggestions.join(), 'login page or a proxy');
    }
  }),
);

test(
  'a manifest that is not what its digest or the registry says is refused',
  withRegistry({}, async ({ registry, client }) => {
    const { bytes } = manifestOver([sample(1)]);
    registry.fault('GET', /manifests/, status(200, bytes.toString(), { 'content-type': OCI_MANIFEST }));
    await failure(client.getManifest(REPOSITORY, digestOf('another')), 'DIGEST_MISMATCH');
    const lie = { 'content-type': OCI_MANIFEST, 'docker-content-digest': digestOf('another') };
    registry.fault('GET', /manifests/, status(200, bytes.toString(), lie));
    await failure(client.getManifest(REPOSITORY, '1.0'), 'DIGEST_MISMATCH');
    registry.fault('PUT', /manifests/, status(201, '', lie));
    await failure(client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, bytes), 'REGISTRY_PROTOCOL');
  }),
);

test(
  'a manifest is stored, found and verified by its sha512, and not under a digest that is another',
  withRegistry({}, async ({ registry, client }) => {
    const config = sample(10);
    give(registry, config);
    const { bytes } = manifestOver([config]);
    const digest = digestOf(bytes, `sha512:${'0'.repeat(128)}`);
    assert.is(await client.putManifest(REPOSITORY, digest, OCI_MANIFEST, bytes), digest);
    assert.is((await client.getManifest(REPOSITORY, digest)).descriptor.digest, digest);
    assert.is((await client.headManifest(REPOSITORY, digest))?.digest, digest);
    const before = registry.seen.length;
    const wrong = client.putManifest(REPOSITORY, digestOf('another'), OCI_MANIFEST, bytes);
    await failure(wrong, 'DIGEST_MISMATCH');
    assert.is(registry.seen.length, before, 'nothing was asked');
  }),
);

test(
  'a manifest above 4 MiB, one of schema 1 and one that is no JSON are refused',
  withRegistry({}, async ({ registry, client }) => {
    for (const body of [`{"a":"${'x'.repeat(5_000_000)}"}`, '{"schemaVersion":1}', 'no json', '[]']) {
      registry.fault('GET', /manifests/, status(200, body, { 'content-type': 'application/json' }));
      await failure(client.getManifest(REPOSITORY, '1.0'), 'MANIFEST_INVALID');
    }
  }),
);

test(
  'a manifest whose blobs are missing is refused in a way that can be told',
  withRegistry({}, async ({ client }) => {
    const { bytes } = manifestOver([sample(1)]);
    let missing = false;
    await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, bytes).catch(error => {
      missing = isMissingContent(error);
    });
    assert.ok(missing);
  }),
);

test(
  'a tag that is immutable is named as that and not tried again',
  withRegistry({}, async ({ registry, client }) => {
    registry.fault('PUT', /manifests/, status(412, errorBody('PRECONDITION', 'configured as immutable')), 9);
    const error = await failure(
      client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, Buffer.from('{}')),
      'REGISTRY_DENIED',
    );
    assert.match(error.message, 'configured as immutable');
    assert.is(registry.seen.length, 1);
  }),
);

test(
  'a blob is streamed and verified',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(3_000_000);
    give(registry, blob, sample(0));
    assert.equal(await collect(client.getBlob(REPOSITORY, blob.descriptor)), blob.bytes);
    const empty = sample(0).descriptor;
    assert.is((await collect(client.getBlob(REPOSITORY, empty))).length, 0);
    await failure(collect(client.getBlob(REPOSITORY, sample(5).descriptor)), 'REGISTRY_NOT_FOUND');
  }),
);

for (const ignoresRange of [false, true]) {
  test(
    `a download that breaks off goes on where it stopped, from a registry ${ignoresRange ? 'without' : 'with'} ranges`,
    withRegistry({ ignoresRange, cutDownloads: [1_000_000, 500_000, 0] }, async ({ registry, client }) => {
      const blob = sample(3_000_000);
      give(registry, blob);
      assert.equal(await collect(client.getBlob(REPOSITORY, blob.descriptor)), blob.bytes);
      assert.is(registry.seen.length, 4);
      assert.ok(registry.seen[1]?.headers.range);
    }),
  );
}

test(
  'a download that breaks off without end is given up',
  withRegistry({ cutDownloads: Array(50).fill(0) }, async ({ registry, client }) => {
    const blob = sample(100_000);
    give(registry, blob);
    await failure(collect(client.getBlob(REPOSITORY, blob.descriptor)), 'REGISTRY_UNREACHABLE');
    assert.ok(registry.seen.length < 20);
  }),
);

test(
  'a blob with other bytes, fewer or more of them, is a mismatch',
  withRegistry({}, async ({ registry, client }) => {
    const blob = sample(100_000);
    const { digest } = blob.descriptor;
    for (const wrong of [
      sample(100_000).bytes,
      blob.bytes.subarray(1),
      Buffer.concat([blob.bytes, blob.bytes]),
    ]) {
      registry.blobs.set(REPOSITORY, new Map([[digest, wrong]]));
      await failure(collect(client.getBlob(REPOSITORY, blob.descriptor)), 'DIGEST_MISMATCH');
    }
  }),
);

test('a blob that lies in a storage elsewhere is fetched there without our login', async () => {
  const storage = await startFakeRegistry();
  const login = { username: 'u', password: 'p' };
  await withRegistry(
    { auth: 'basic', login, blobsAt: storage.origin },
    async ({ registry, client }) => {
      const blob = sample(100_000);
      give(registry, blob);
      give(storage, blob);
      assert.equal(await collect(client.getBlob(REPOSITORY, blob.descriptor)), blob.bytes);
      assert.ok(registry.seen.at(-1)?.headers.authorization);
      assert.is(storage.seen[0]?.headers.authorization, undefined);
    },
    { credentials: { kind: 'password', ...login } },
  )();
  await storage.close();
});

test(
  'a registry without HEAD is asked for the first byte of a blob',
  withRegistry({ headStatus: 405 }, async ({ registry, client }) => {
    const blob = sample(500_000);
    give(registry, blob);
    assert.ok(await client.headBlob(REPOSITORY, blob.descriptor));
    assert.is(registry.seen.at(-1)?.headers.range, 'bytes=0-0');
    assert.not(await client.headBlob(REPOSITORY, sample(7).descriptor));
  }),
);

test(
  'tags are listed page after page, and null means none',
  withRegistry({ tagPage: 2 }, async ({ registry, client }) => {
    const entry = { mediaType: OCI_MANIFEST, bytes: Buffer.from('{}') };
    registry.manifests.set(REPOSITORY, new Map(['a', 'b', 'c', 'd', 'e'].map(tag => [tag, entry])));
    assert.equal(await client.listTags(REPOSITORY), ['a', 'b', 'c', 'd', 'e']);
    assert.is(registry.seen.length, 3);
    assert.is(registry.seen[0]?.query, '', 'n is not sent');
    registry.quirks.nullTags = true;
    registry.quirks.tagPage = undefined;
    assert.equal(await client.listTags(REPOSITORY), []);
  }),
);

test(
  'lists of tags that run in circles or are none are refused',
  withRegistry({}, async ({ registry, client }) => {
    const circle = { link: '</v2/plant/app/tags/list>; rel=next' };
    registry.fault('GET', /tags/, status(200, '{"tags":[]}', circle));
    await failure(client.listTags(REPOSITORY), 'REGISTRY_PROTOCOL');
    for (const body of ['{"tags":{}}', 'x']) {
      registry.fault('GET', /tags/, status(200, body));
      await failure(client.listTags(REPOSITORY), 'REGISTRY_PROTOCOL');
    }
  }),
);

test.run();
