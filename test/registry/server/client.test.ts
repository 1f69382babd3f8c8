import * as assert from 'uvu/assert';
import { OCI_MANIFEST } from '../../../src/content/media-types.ts';
import { RegistryClient } from '../../../src/registry/client.ts';
import type { RegistryContent, ServedBlob } from '../../../src/registry/server/content.ts';
import { suite } from '../../support/suite.ts';
import { collect, manifestOver, NOWHERE, sample } from '../rig.ts';
import { type Served, serving, storing } from './rig.ts';

const test = suite('registry server: our own client');

async function withClient<T>({ server }: Served, body: (client: RegistryClient) => Promise<T>): Promise<T> {
  const client = new RegistryClient({
    registry: server.address ?? '',
    plainHttp: true,
    configFile: `${NOWHERE}/config.json`,
    certsDir: NOWHERE,
    access: 'push',
    retry: { attempts: 4, baseMs: 1, maxMs: 5 },
  });
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

test('it pushes, mounts, lists and pulls', () =>
  storing(stored =>
    withClient(stored, async client => {
      const [config, layer] = [sample(500), sample(3_000_000)];
      const manifest = manifestOver([config, layer]);
      for (const source of [config, layer]) {
        const { how } = await client.putBlob('plant/app', source);
        assert.is(how, 'moved');
        assert.is((await client.putBlob('plant/app', source)).how, 'present');
      }
      // Without a digest beforehand: hashed on its way, and named at its end.
      const unnamed = sample(700_000);
      const named = await client.putBlob('plant/app', { mediaType: 'text/plain', open: unnamed.open });
      assert.is(named.descriptor.digest, unnamed.descriptor.digest);
      const digest = await client.putManifest('plant/app', '1.0', OCI_MANIFEST, manifest.bytes);
      assert.is(digest, manifest.descriptor.digest);
      const mounted = await client.putBlob('plant/other', layer, { mountFrom: 'plant/app' });
      assert.is(mounted.how, 'mounted');
      assert.equal(await client.listTags('plant/app'), ['1.0']);
      assert.is((await client.headManifest('plant/app', '1.0'))?.digest, digest);
      assert.equal(Buffer.from((await client.getManifest('plant/app', '1.0')).bytes), manifest.bytes);
      assert.equal(await collect(client.getBlob('plant/app', layer.descriptor)), layer.bytes);
      assert.is(await client.headManifest('plant/app', '2.0'), undefined);
    }),
  ));

test('a download that breaks off goes on where it stopped', () =>
  storing(async stored => {
    const layer = sample(3_000_000);
    await withClient(stored, client => client.putBlob('plant/app', layer));
    const opened: (number | undefined)[] = [];
    const breaking = (blob: ServedBlob): ServedBlob => ({
      size: blob.size,
      async *open(range) {
        opened.push(range?.first);
        let sent = 0;
        for await (const chunk of blob.open(range)) {
          yield chunk;
          sent += chunk.length;
          if (opened.length === 1 && sent >= 2_000_000)
            throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
        }
      },
    });
    const content: RegistryContent = {
      description: 'breaking',
      repositories: () => stored.storage.repositories(),
      tags: name => stored.storage.tags(name),
      manifest: (name, reference) => stored.storage.manifest(name, reference),
      referrers: (name, subject) => stored.storage.referrers(name, subject),
      blob: async (name, digest) => {
        const blob = await stored.storage.blob(name, digest);
        return blob && breaking(blob);
      },
    };
    await serving(content, {}, served =>
      withClient(served, async client => {
        assert.equal(await collect(client.getBlob('plant/app', layer.descriptor)), layer.bytes);
        assert.ok(opened.length === 2 && (opened[1] ?? 0) > 0, `opened at ${opened}`);
      }),
    );
  }));

test.run();
