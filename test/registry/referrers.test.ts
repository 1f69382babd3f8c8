import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { fallbackTag } from '../../src/registry/referrers.ts';
import { type FakeRegistry, status, webPage } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';
import { failure, manifestOver, type Rig, sample, withRegistry } from './rig.ts';

const test = suite('referrers');
const REPOSITORY = 'plant/app';
const SIGNATURE = 'application/vnd.example.signature.v1+json';

/** An image in the registry, and a maker of signatures for it. */
async function signed({ client }: Rig) {
  const config = sample(10);
  await client.putBlob(REPOSITORY, config);
  const image = manifestOver([config]);
  await client.putManifest(REPOSITORY, '1.0', OCI_MANIFEST, image.bytes);
  const { digest } = image.descriptor;
  const sign = (note: string, more: object = { artifactType: SIGNATURE }) => {
    const document = { ...JSON.parse(manifestOver([config], note).bytes.toString()), ...more };
    const bytes = Buffer.from(JSON.stringify({ ...document, subject: image.descriptor }));
    return { bytes, digest: digestOf(bytes), put: () => put(bytes) };
  };
  const put = (bytes: Buffer) => client.putManifest(REPOSITORY, digestOf(bytes), OCI_MANIFEST, bytes);
  return { digest, sign };
}

const tagged = (registry: FakeRegistry, subject: Digest) => {
  const index = registry.manifests.get(REPOSITORY)?.get(fallbackTag(subject));
  return index && JSON.parse(index.bytes.toString());
};

test('the fallback tag is made of algorithm and hex, no longer than a tag may be', () => {
  const [sha256, sha512] = [digestOf('x'), digestOf('x', `sha512:${'0'.repeat(128)}` as Digest)];
  assert.is(fallbackTag(sha256), `sha256-${sha256.slice(7)}`);
  assert.is(fallbackTag(sha512), `sha512-${sha512.slice(7, 71)}`);
});

for (const referrers of [true, false]) {
  test(
    `a signature is found after it was stored, in a registry ${referrers ? 'with' : 'without'} a list of referrers`,
    withRegistry({ referrers }, async rig => {
      const { digest, sign } = await signed(rig);
      assert.equal(await rig.client.referrers(REPOSITORY, digest), []);
      const [first, second] = [sign('one'), sign('two')];
      assert.is(await first.put(), first.digest);
      await second.put();
      const found = await rig.client.referrers(REPOSITORY, digest);
      assert.equal(
        found.map(({ digest, size, artifactType, annotations }) => ({
          digest,
          size,
          artifactType,
          annotations,
        })),
        [
          {
            digest: first.digest,
            size: first.bytes.length,
            artifactType: SIGNATURE,
            annotations: { note: 'one' },
          },
          {
            digest: second.digest,
            size: second.bytes.length,
            artifactType: SIGNATURE,
            annotations: { note: 'two' },
          },
        ],
      );
      assert.is(tagged(rig.registry, digest) === undefined, referrers);
    }),
  );
}

test(
  'the entry of a manifest without artifactType has the media type of its config',
  withRegistry({}, async rig => {
    const { digest, sign } = await signed(rig);
    await sign('plain', {}).put();
    assert.is((await rig.client.referrers(REPOSITORY, digest))[0]?.artifactType, 'application/octet-stream');
  }),
);

test(
  'a manifest that was noted down before is not noted down twice, and entries of others stay as they are',
  withRegistry({}, async rig => {
    const { digest, sign } = await signed(rig);
    const signature = sign('one');
    await signature.put();
    const index = tagged(rig.registry, digest);
    index.manifests[0].urls = ['https://example.com/kept'];
    const bytes = Buffer.from(JSON.stringify(index));
    rig.registry.manifests.get(REPOSITORY)?.set(fallbackTag(digest), { mediaType: OCI_INDEX, bytes });
    await signature.put();
    await sign('two').put();
    const { manifests, mediaType } = tagged(rig.registry, digest);
    assert.is(mediaType, OCI_INDEX);
    assert.is(manifests.length, 2);
    assert.equal(manifests[0].urls, ['https://example.com/kept']);
  }),
);

test(
  'many signatures stored at once are all noted down',
  withRegistry({}, async rig => {
    const { digest, sign } = await signed(rig);
    await Promise.all(Array.from({ length: 12 }, (_, i) => sign(`${i}`).put()));
    assert.is((await rig.client.referrers(REPOSITORY, digest)).length, 12);
  }),
);

test(
  'an index that another writer has replaced meanwhile is written again',
  withRegistry({}, async rig => {
    const { digest, sign } = await signed(rig);
    const [theirs, ours, tag] = [sign('theirs'), sign('ours'), fallbackTag(digest)];
    await theirs.put();
    const before = rig.registry.manifests.get(REPOSITORY)?.get(tag);
    assert.ok(before);
    let reads = 0;
    rig.registry.fault(
      'GET',
      new RegExp(tag),
      async (_, proceed) => {
        if (++reads === 2) rig.registry.manifests.get(REPOSITORY)?.set(tag, before);
        await proceed();
      },
      99,
    );
    await ours.put();
    assert.is(reads, 3);
    assert.is((await rig.client.referrers(REPOSITORY, digest)).length, 2);
  }),
);

test(
  'a registry that never keeps the entry is told as that',
  withRegistry({}, async rig => {
    const { digest, sign } = await signed(rig);
    rig.registry.fault('PUT', new RegExp(fallbackTag(digest)), status(201), 99);
    const error = await failure(sign('lost').put(), 'REGISTRY_FAILED');
    assert.match(error.message, 'does not keep');
    assert.match(error.suggestions.join(), fallbackTag(digest));
  }),
);

test(
  'an entry whose manifest is gone does not keep the index from being written',
  withRegistry({}, async rig => {
    const { digest, sign } = await signed(rig);
    const gone = sign('gone');
    await gone.put();
    rig.registry.manifests.get(REPOSITORY)?.delete(gone.digest);
    await sign('new').put();
    assert.equal(
      (await rig.client.referrers(REPOSITORY, digest)).map(({ annotations }) => annotations?.note),
      ['new'],
    );
  }),
);

for (const [what, fault] of [
  ['404', status(404)],
  ['400', status(400)],
  ['a web page', webPage(200)],
  ['another document', status(200, '{"tags":[]}')],
] as const) {
  test(
    `${what} in place of a list of referrers leads to the fallback tag`,
    withRegistry({}, async rig => {
      const { digest, sign } = await signed(rig);
      const signature = sign('one');
      await signature.put();
      rig.registry.fault('GET', /referrers/, fault);
      assert.is((await rig.client.referrers(REPOSITORY, digest))[0]?.digest, signature.digest);
    }),
  );
}

test(
  'a registry that answered 404 once is not asked again',
  withRegistry({}, async rig => {
    const { digest } = await signed(rig);
    await rig.client.referrers(REPOSITORY, digest);
    await rig.client.referrers(REPOSITORY, digest);
    assert.is(rig.registry.seen.filter(({ path }) => path.includes('/referrers/')).length, 1);
  }),
);

test(
  'a failure that says nothing of the request is thrown, not taken for an empty list',
  withRegistry({ referrers: true }, async rig => {
    const { digest } = await signed(rig);
    rig.registry.fault('GET', /referrers/, status(403));
    await failure(rig.client.referrers(REPOSITORY, digest), 'REGISTRY_DENIED');
    rig.registry.fault('GET', /referrers/, status(500), 99);
    await failure(rig.client.referrers(REPOSITORY, digest), 'REGISTRY_FAILED');
  }),
);

test(
  'hostile entries in a list of referrers are refused',
  withRegistry({ referrers: true }, async ({ registry, client }) => {
    for (const manifests of [[{ digest: '../../x' }], [{ mediaType: 'x', digest: digestOf(''), size: -1 }]]) {
      registry.fault(
        'GET',
        /referrers/,
        status(200, JSON.stringify({ manifests }), { 'content-type': OCI_INDEX }),
      );
      await failure(client.referrers(REPOSITORY, digestOf('x')), 'MANIFEST_INVALID');
    }
  }),
);

test.run();
