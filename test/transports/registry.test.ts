import * as assert from 'uvu/assert';
import { parseReference } from '../../src/content/reference.ts';
import { registryTarget } from '../../src/transports/registry.ts';
import type { ImageTarget } from '../../src/transports/target.ts';
import {
  failure,
  manifestOver,
  type Rig,
  type Sample,
  sample,
  withRegistry as withRig,
} from '../registry/rig.ts';
import { drop, type Quirks, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';

const test = suite('transports/registry');

interface Set extends Rig {
  target: ImageTarget;
  name(rest: string): ReturnType<typeof parseReference>;
}

function withTarget(quirks: Quirks, body: (set: Set) => Promise<void>) {
  return withRig(quirks, rig =>
    body({
      ...rig,
      target: registryTarget(rig.client),
      name: rest => parseReference(`${rig.registry.address}/${rest}`),
    }),
  );
}

async function push({ target }: Set, name: ReturnType<typeof parseReference>, blobs: Sample[]) {
  const manifest = manifestOver(blobs);
  const results = await Promise.all(blobs.map(blob => target.putBlob(blob, name)));
  await target.putManifest(manifest, name);
  return { manifest, how: results.map(result => result.how) };
}

test(
  'what is pushed is held, and one request tells so',
  withTarget({}, async set => {
    const name = set.name('plant/app:1.0');
    const { manifest } = await push(set, name, [sample(10), sample(1000)]);
    const before = set.registry.seen.length;
    assert.ok(await set.target.holds(name, manifest.descriptor));
    assert.equal(set.registry.requests().slice(before), ['HEAD /v2/plant/app/manifests/1.0']);
    assert.not(await set.target.holds(set.name('plant/app:2.0'), manifest.descriptor));
    assert.not(await set.target.holds(name, manifestOver([sample(1)]).descriptor));
  }),
);

test(
  'a name without tag is stored under the digest of its bytes',
  withTarget({}, async set => {
    const blob = sample(10);
    const name = { ...set.name('plant/app'), tag: undefined };
    const { manifest } = await push(set, name, [blob]);
    assert.equal([...(set.registry.manifests.get('plant/app')?.keys() ?? [])], [manifest.descriptor.digest]);
    assert.ok(await set.target.holds(name, manifest.descriptor));
  }),
);

test(
  'the same blob for one repository at once is uploaded once',
  withTarget({}, async set => {
    const blob = sample(200_000);
    const name = set.name('plant/app:1.0');
    const results = await Promise.all([1, 2, 3].map(() => set.target.putBlob(blob, name)));
    assert.equal(results.map(({ how }) => how).sort(), ['moved', 'present', 'present']);
    assert.is(blob.opened, 1);
    assert.is(set.registry.seen.length, 3);
  }),
);

test(
  'the same blob for several repositories at once travels once and is mounted elsewhere',
  withTarget({}, async set => {
    const blob = sample(200_000);
    const names = ['plant/a', 'plant/b', 'other/c'].map(path => set.name(path));
    const results = await Promise.all(names.map(name => set.target.putBlob(blob, name)));
    assert.equal(results.map(({ how }) => how).sort(), ['mounted', 'mounted', 'moved']);
    assert.is(blob.opened, 1);
    for (const { repository } of names) {
      assert.equal(set.registry.blobs.get(repository)?.get(blob.descriptor.digest), blob.bytes);
    }
  }),
);

test(
  'a blob whose digest came to be while it flowed is mounted elsewhere by that digest',
  withTarget({}, async set => {
    const blob = sample(200_000);
    const { descriptor } = await set.target.putBlob({ mediaType: 'x', open: blob.open }, set.name('plant/a'));
    const gone = {
      descriptor,
      open: () => {
        throw new Error('the source is gone');
      },
    };
    assert.is((await set.target.putBlob(gone, set.name('plant/b'))).how, 'mounted');
  }),
);

test(
  'where the first upload of a blob fails, another repository sends it itself',
  withTarget({}, async set => {
    const blob = sample(200_000);
    set.registry.fault('PUT', /plant\/a.*digest=/, status(403), 9);
    const [first, second] = await Promise.allSettled([
      set.target.putBlob(blob, set.name('plant/a')),
      set.target.putBlob(blob, set.name('plant/b')),
    ]);
    assert.equal([first.status, second.status], ['rejected', 'fulfilled']);
    set.registry.fault('HEAD', /./, status(404));
    const again = await failure(set.target.putBlob(blob, set.name('plant/a')), 'REGISTRY_DENIED').catch(
      () => 'mounted',
    );
    assert.is(again, 'mounted', 'a failure is not kept in the book');
  }),
);

test(
  'a registry that lies about what it has gets the blobs when the manifest finds it out',
  withTarget({ claimsAllBlobs: true }, async set => {
    const blobs = [sample(10), sample(200_000), sample(300_000)];
    const name = set.name('plant/app:1.0');
    const { manifest, how } = await push(set, name, blobs);
    assert.equal(how, ['present', 'present', 'present']);
    assert.equal(
      blobs.map(({ opened }) => opened),
      [1, 1, 1],
    );
    assert.ok(await set.target.holds(name, manifest.descriptor));
    for (const { descriptor, bytes } of blobs) {
      assert.equal(set.registry.blobs.get('plant/app')?.get(descriptor.digest), bytes);
    }
  }),
);

test(
  'a registry that says it mounted what it did not gets the blob when the manifest finds it out',
  withTarget({ mount: 201 }, async set => {
    const origin = set.name('plant/base:1.0');
    const blobs = [sample(10), sample(300_000)];
    await push(set, origin, blobs);
    const { registry } = set;
    const name = set.name('plant/app:1.0');
    const { manifest } = await push(set, name, blobs);
    assert.ok(await set.target.holds(name, manifest.descriptor));
    for (const { descriptor, bytes } of blobs)
      assert.equal(registry.blobs.get('plant/app')?.get(descriptor.digest), bytes);
    assert.ok(
      registry.seen.some(({ query }) => query.includes('mount=')),
      'it was asked to mount',
    );
  }),
);

test(
  'two images that share a layer which is not there after all wait for the one sending',
  withTarget({ claimsAllBlobs: true }, async set => {
    const shared = sample(300_000);
    const images = [
      { name: set.name('plant/app:1.0'), blobs: [sample(10), shared] },
      { name: set.name('plant/app:2.0'), blobs: [sample(20), shared] },
    ];
    for (const { name, blobs } of images) for (const blob of blobs) await set.target.putBlob(blob, name);
    await Promise.all(images.map(({ name, blobs }) => set.target.putManifest(manifestOver(blobs), name)));
    for (const { name, blobs } of images)
      assert.ok(await set.target.holds(name, manifestOver(blobs).descriptor));
    assert.is(shared.opened, 1);
  }),
);

test(
  'blobs that went missing on a bad day are sent again through drops and errors',
  withTarget({ claimsAllBlobs: true }, async set => {
    set.registry.fault('PUT', /digest=/, drop(1000), 2);
    set.registry.fault('PUT', /digest=/, status(500));
    const blob = sample(100_000);
    await push(set, set.name('plant/app:1.0'), [blob]);
    assert.equal(set.registry.blobs.get('plant/app')?.get(blob.descriptor.digest), blob.bytes);
  }),
);

test(
  'a blob that the registry took and lost is sent again when the manifest finds it out',
  withTarget({}, async set => {
    set.registry.fault('PUT', /digest=/, status(201));
    const [lost, kept] = [sample(100_000), sample(10)];
    const name = set.name('plant/app:1.0');
    const { manifest, how } = await push(set, name, [lost, kept]);
    assert.equal(how, ['moved', 'moved']);
    assert.ok(await set.target.holds(name, manifest.descriptor));
    assert.equal(set.registry.blobs.get('plant/app')?.get(lost.descriptor.digest), lost.bytes);
  }),
);

test(
  'a refusal that breaks off in its middle is asked for again: what is missing stands in its body',
  withTarget({ claimsAllBlobs: true }, async set => {
    set.registry.fault('PUT', /manifests/, async ({ req, res }) => {
      res.writeHead(400, { 'content-type': 'application/json', 'content-length': 200 });
      res.write('{"errors":');
      await new Promise(resolve => setTimeout(resolve, 50));
      req.socket.destroy();
    });
    const blob = sample(100_000);
    await push(set, set.name('plant/app:1.0'), [blob]);
    assert.equal(set.registry.blobs.get('plant/app')?.get(blob.descriptor.digest), blob.bytes);
  }),
);

test(
  'a manifest over blobs that were never given is refused with what the registry said',
  withTarget({}, async set => {
    const manifest = manifestOver([sample(10)]);
    const error = await failure(
      set.target.putManifest(manifest, set.name('plant/app:1.0')),
      'REGISTRY_FAILED',
    );
    assert.match(error.message, 'lacks content');
    assert.is(set.registry.seen.length, 1);
  }),
);

test(
  'a name of another registry is refused before any request',
  withTarget({}, async set => {
    const name = parseReference('hub.company.com/plant/app:1.0');
    const error = await failure(set.target.putBlob(sample(10), name), 'REFERENCE_INVALID');
    assert.match(error.message, 'hub.company.com/plant/app:1.0');
    assert.is(set.registry.seen.length, 0);
  }),
);

test(
  'the target says what it is',
  withTarget({}, async ({ target, registry }) => {
    assert.equal([target.description, target.scope], [`docker://${registry.address}`, 'repository']);
    assert.ok(target.concurrency > 1);
  }),
);

test.run();
