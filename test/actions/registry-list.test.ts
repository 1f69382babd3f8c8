import * as assert from 'uvu/assert';
import { listRegistry, type RegistryListOptions } from '../../src/actions/registry-list.ts';
import { registryListView } from '../../src/cli/views/registry-list.ts';
import { buildIndex } from '../../src/content/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { plainLook } from '../cli/look.ts';
import { failure, manifestOver, sample, withRegistry } from '../registry/rig.ts';
import { asHarbor } from '../support/fake-harbor.ts';
import { type FakeRegistry, status } from '../support/fake-registry.ts';
import { suite } from '../support/suite.ts';

const test = suite('registry list');

/** Two repositories with a layer in common, an index among their tags, and one that was emptied. */
async function fill({
  registry,
  client,
}: {
  registry: FakeRegistry;
  client: import('../../src/registry/client.ts').RegistryClient;
}) {
  const [config, shared, own] = [sample(100), sample(5000), sample(300)];
  for (const repository of ['plant/app', 'plant/web'])
    for (const blob of [config, shared, own]) await client.putBlob(repository, blob);
  const [first, second] = [manifestOver([config, shared]), manifestOver([config, shared, own])];
  await client.putManifest('plant/app', '1.0', OCI_MANIFEST, first.bytes);
  await client.putManifest('plant/web', '2.0', OCI_MANIFEST, second.bytes);
  await client.putManifest('plant/web', first.descriptor.digest, OCI_MANIFEST, first.bytes);
  const index = buildIndex([
    { ...first.descriptor, platform: { os: 'linux', architecture: 'amd64' } },
    { ...second.descriptor, platform: { os: 'linux', architecture: 'arm64' } },
  ]);
  await client.putManifest('plant/web', 'all', OCI_INDEX, Buffer.from(index));
  registry.manifests.set('emptied', new Map());
  return { first, second };
}

const list = (registry: FakeRegistry, path = '', more: Partial<RegistryListOptions> = {}) =>
  listRegistry({ place: registry.address + path, plainHttp: true, ...more });

test(
  'repositories, tags, digests and sizes; shared blobs count once',
  withRegistry({}, async rig => {
    const { first } = await fill(rig);
    const listing = await list(rig.registry);
    assert.equal(
      listing.repositories.map(({ name, tags }) => [name, tags.map(({ tag, size }) => [tag, size])]),
      [
        ['emptied', []],
        ['plant/app', [['1.0', 5100]]],
        [
          'plant/web',
          [
            ['2.0', 5400],
            ['all', 5400],
          ],
        ],
      ],
    );
    assert.is(listing.size, 5400);
    assert.is(listing.repositories[1]?.tags[0]?.digest, first.descriptor.digest);
    assert.equal(listing.repositories[2]?.tags[1]?.platforms, ['linux/amd64', 'linux/arm64']);
    const view = registryListView(listing, plainLook(100));
    assert.match(view.join('\n'), /plant\/web:all +sha256:[0-9a-f]{12} +linux\/amd64 linux\/arm64 +5.40 kB/);
    assert.is(view.at(-1), '3 repositories, 3 tags, 5.40 kB in all');
  }),
);

test(
  'without sizes a repository takes one request',
  withRegistry({}, async rig => {
    await fill(rig);
    rig.registry.seen.length = 0;
    const listing = await list(rig.registry, '', { sizes: false });
    assert.is(rig.registry.seen.length, 1 + 3);
    assert.is(listing.size, undefined);
    assert.match(registryListView(listing, plainLook()).join('\n'), /plant\/web +2\.0 all/);
  }),
);

test(
  'sizes are left out unasked where there are many tags',
  withRegistry({}, async rig => {
    const tags = Array.from(
      { length: 40 },
      (_, i) => [`v${i}`, { mediaType: OCI_MANIFEST, bytes: Buffer.from('{}') }] as const,
    );
    rig.registry.manifests.set('many', new Map(tags));
    assert.is((await list(rig.registry)).size, undefined);
    const weighed = await list(rig.registry, '', { sizes: true });
    assert.match(weighed.repositories[0]?.tags[0]?.problem ?? '', 'config');
  }),
);

test(
  'a path lists what is it or below it, not what only begins like it',
  withRegistry({}, async rig => {
    await fill(rig);
    rig.registry.manifests.set('plant-b/app', new Map());
    const names = async (path: string) =>
      (await list(rig.registry, path)).repositories.map(({ name }) => name);
    assert.equal(await names('/plant'), ['plant/app', 'plant/web']);
    assert.equal(await names('/plant/app/'), ['plant/app']);
    rig.registry.fault('GET', /tags/, status(404));
    await failure(names('/nowhere'), 'REGISTRY_NOT_FOUND');
  }),
);

test(
  'where nobody may list all, a repository can still be named, and Harbor has a list of its own',
  withRegistry({}, async rig => {
    await fill(rig);
    rig.registry.fault(
      'GET',
      /_catalog/,
      status(401, '', { 'www-authenticate': 'Bearer realm="/token"' }),
      99,
    );
    assert.equal(
      (await list(rig.registry, '/plant/app')).repositories.map(({ name }) => name),
      ['plant/app'],
    );
    const error = await failure(list(rig.registry), 'REGISTRY_DENIED');
    assert.match(error.suggestions.join(), 'registry list');
    asHarbor(rig.registry, { plant: { repositories: ['plant/app', 'plant/web'] } });
    assert.equal((await list(rig.registry)).repositories.length, 2);
  }),
);

test('a place that is no registry, or names an image, is refused', async () => {
  for (const place of ['https://hub', 'hub/UPPER', 'hub/../x'])
    await failure(listRegistry({ place, plainHttp: true }), 'REFERENCE_INVALID');
  const image = await failure(
    listRegistry({ place: 'hub.io/app:1.0', plainHttp: true }),
    'REFERENCE_INVALID',
  );
  assert.match(image.suggestions.join(), 'airferry registry list hub.io/app');
});

test.run();
