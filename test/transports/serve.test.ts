import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_LAYER, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { parseReference } from '../../src/content/reference.ts';
import type { RegistryContent, ServedBlob } from '../../src/registry/server/content.ts';
import { contentOf, servable } from '../../src/transports/serve.ts';
import type { ImageSource, Inventory, RandomSource } from '../../src/transports/source.ts';
import { collect, failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  noise,
  podmanArchive,
  siteImages,
  tarOf,
  writeFolder,
} from '../support/archives.ts';
import { suite } from '../support/suite.ts';
import { everyDialect, fileOf, folder, plain, withSource } from './rig.ts';

const test = suite('serve');

async function serve<T>(path: string, work: (content: RegistryContent) => Promise<T>): Promise<T> {
  return withSource(path, async source => work(await contentOf(servable(source))));
}

async function blobOf(content: RegistryContent, name: string, digest: Digest): Promise<ServedBlob> {
  const blob = await content.blob(name, digest);
  assert.ok(blob, `${name} has ${digest}`);
  return blob as ServedBlob;
}

test('an image can be pulled out of every dialect, each layer under its own digest', async () => {
  const images = await siteImages();
  const [app] = images;
  for (const [dialect, path] of await everyDialect(images)) {
    if (/, (?:gzip|zstd)$/.test(dialect)) continue;
    await serve(path, async content => {
      assert.equal((await content.repositories()).sort(), ['library/tool', 'site/app'], dialect);
      assert.equal((await content.tags('site/app'))?.sort(), ['1.0', 'latest'], dialect);
      const tagged = await content.manifest('site/app', '1.0');
      assert.ok(tagged, dialect);
      if (!tagged) return;
      assert.is(digestOf(tagged.bytes), tagged.descriptor.digest);
      assert.equal(await content.manifest('site/app', tagged.descriptor.digest), tagged);
      const { config, layers } = JSON.parse(Buffer.from(tagged.bytes).toString());
      const found = await blobOf(content, 'site/app', config.digest);
      assert.equal(await collect(found.open()), Buffer.from(app.config));
      assert.is(layers.length, app.layers.length);
      for (const [i, { digest, size, mediaType }] of layers.entries()) {
        const blob = await blobOf(content, 'site/app', digest);
        const bytes = await collect(blob.open());
        assert.is(bytes.length, size);
        assert.is(blob.size, size);
        assert.is(digestOf(bytes), digest, dialect);
        const compression = /\+(gzip|zstd)$/.exec(mediaType)?.[1] ?? 'none';
        assert.is(digestOf(plain(bytes, compression)), app.diffIds[i], dialect);
        const part = await collect(blob.open({ first: 100, last: 299 }));
        assert.equal(part, bytes.subarray(100, Math.min(300, size)), dialect);
      }
    });
  }
});

test('over plain layers the manifest is always the same, and names them by their diffIDs', async () => {
  const [app] = await siteImages();
  const seen = new Set<string>();
  for (const write of [dockerArchive20, dockerArchive20])
    await serve(fileOf(await write([app])), async content => {
      const manifest = await content.manifest('site/app', '1.0');
      const { layers } = JSON.parse(Buffer.from(manifest?.bytes ?? []).toString());
      assert.equal(
        layers.map(({ digest }: { digest: string }) => digest),
        app.diffIds,
      );
      assert.ok(layers.every(({ mediaType }: { mediaType: string }) => mediaType === OCI_LAYER));
      seen.add(manifest?.descriptor.digest ?? '');
    });
  assert.is(seen.size, 1);
});

test('compressed layers without a digest are served as they lie, under the digest that they have', async () => {
  const [app] = await siteImages();
  await serve(fileOf(await podmanArchive([app])), async content => {
    const manifest = await content.manifest('site/app', '1.0');
    const { layers } = JSON.parse(Buffer.from(manifest?.bytes ?? []).toString());
    assert.is(layers[0].mediaType, `${OCI_LAYER}+gzip`);
    const blob = await blobOf(content, 'site/app', layers[0].digest);
    assert.equal(await collect(blob.open()), gzipped(app.layers[0] as Uint8Array));
  });
});

test('an archive that is compressed as a whole is refused with what to do', async () => {
  const path = fileOf(gzipped(await dockerArchive20(await siteImages())), 'images.tgz');
  await withSource(path, async source => {
    const error = await failure((async () => servable(source))(), 'ARCHIVE_INVALID');
    assert.match(error.message, 'compressed as a whole');
    assert.match(error.suggestions.join(), 'gunzip');
  });
});

test('an index brings its images, and a layout without names is called as its folder is', async () => {
  const images = await siteImages();
  const path = writeFolder(`${folder}/Some Images`, layoutOf(images, { indexName: 'multi:1' }));
  await serve(path, async content => {
    const index = await content.manifest('library/multi', '1');
    const { manifests } = JSON.parse(Buffer.from(index?.bytes ?? []).toString());
    for (const { digest } of manifests) assert.ok(await content.manifest('library/multi', digest));
  });
  const unnamed = images.slice(0, 1).map(image => ({ ...image, names: [] }));
  await serve(writeFolder(`${folder}/More_Images`, layoutOf(unnamed)), async content => {
    assert.equal(await content.repositories(), ['more-images']);
    assert.equal(await content.tags('more-images'), ['latest']);
  });
});

/** A source of one image for each name. */
async function sourceOf(names: string[], inventory: Partial<Inventory> = {}): Promise<RandomSource> {
  const images = await Promise.all(
    names.map(async name => imageOf([name], [await layerOf('file', noise(100))], { env: [name] })),
  );
  const made = images.map(image => {
    const bytes = Buffer.from(image.config);
    const descriptor = {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: image.id,
      size: bytes.length,
    };
    return {
      names: [parseReference(image.names[0] ?? '')],
      platform: image.platform,
      config: { descriptor, bytes },
      layers: [],
    };
  });
  return {
    description: 'test:images.tar',
    access: 'random',
    async *layers() {},
    inventory: async () => ({ images: made, indexes: [], ...inventory }),
    close: async () => undefined,
  };
}

const mark = async (content: RegistryContent, name: string, tag = '1'): Promise<string | undefined> => {
  const manifest = await content.manifest(name, tag);
  if (!manifest) return undefined;
  const { config } = JSON.parse(Buffer.from(manifest.bytes).toString());
  const blob = await blobOf(content, name, config.digest);
  return JSON.parse((await collect(blob.open())).toString()).config.Env[0];
};

test('repositories are found by their path, by their whole name, and Docker’s own by their short one', async () => {
  const content = await contentOf(
    await sourceOf(['nginx:1', 'quay.io/plant/app:1', 'hub.company.com:5000/tool:1']),
  );
  assert.equal((await content.repositories()).sort(), ['library/nginx', 'plant/app', 'tool']);
  for (const [name, expected] of Object.entries({
    nginx: 'nginx:1',
    'library/nginx': 'nginx:1',
    'docker.io/library/nginx': 'nginx:1',
    'plant/app': 'quay.io/plant/app:1',
    'quay.io/plant/app': 'quay.io/plant/app:1',
    tool: 'hub.company.com:5000/tool:1',
    'hub.company.com_5000/tool': 'hub.company.com:5000/tool:1',
    app: undefined,
    'docker.io/nginx': undefined,
  }))
    assert.is(await mark(content, name), expected, name);
});

test('of two with the same path one answers to it, Docker’s own first, and both to their whole names', async () => {
  const names = ['quay.io/library/nginx:1', 'quay.io/library/nginx:2', 'nginx:1', 'ghcr.io/nginx:1'];
  const content = await contentOf(await sourceOf(names));
  assert.equal((await content.repositories()).sort(), ['library/nginx', 'nginx', 'quay.io/library/nginx']);
  assert.equal(await content.tags('library/nginx'), ['1'], 'no tags of another one among its own');
  assert.is(await mark(content, 'library/nginx'), 'nginx:1');
  assert.is(await mark(content, 'quay.io/library/nginx'), 'quay.io/library/nginx:1');
  assert.is(await mark(content, 'nginx'), 'ghcr.io/nginx:1', 'a path is more than a short name');
});

test('what is about an image is with it', async () => {
  const base = await sourceOf(['plant/app:1']);
  const { images } = await base.inventory();
  const config = images[0]?.config.descriptor;
  const bytes = (fields: object): Buffer =>
    Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [], ...fields }));
  const document = (of: Buffer) => ({
    descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(of), size: of.length },
    bytes: of,
  });
  const app = document(bytes({}));
  const sbom = document(bytes({ subject: app.descriptor, artifactType: 'application/sbom' }));
  const signature = document(bytes({ subject: sbom.descriptor, annotations: { signed: 'yes' } }));
  const [image] = images;
  if (!image) return assert.unreachable();
  const about = (of: typeof app, subject: Digest) => ({ ...image, names: [], manifest: of, subject });
  const source: ImageSource = await sourceOf([], {
    images: [
      about(signature, sbom.descriptor.digest),
      { ...image, manifest: app },
      about(sbom, app.descriptor.digest),
    ],
  });
  const content = await contentOf(source);
  assert.equal(await content.repositories(), ['plant/app']);
  const [found] = await content.referrers('plant/app', app.descriptor.digest);
  assert.equal(found, { ...sbom.descriptor, artifactType: 'application/sbom' });
  const [signed] = await content.referrers('plant/app', sbom.descriptor.digest);
  assert.equal(signed?.annotations, { signed: 'yes' });
  assert.ok(await content.manifest('plant/app', signature.descriptor.digest));
  assert.equal(await content.referrers('nobody', app.descriptor.digest), []);
});

test('a part of a blob is read from where it begins, without what is before it', async () => {
  const [app] = await siteImages();
  const archive = await tarOf(layoutOf([app]));
  const path = fileOf(archive);
  await serve(path, async content => {
    const manifest = await content.manifest('site/app', '1.0');
    const { layers } = JSON.parse(Buffer.from(manifest?.bytes ?? []).toString());
    const blob = await blobOf(content, 'site/app', layers[0].digest);
    const end = await collect(blob.open({ first: blob.size - 10, last: blob.size - 1 }));
    assert.is(end.length, 10);
    assert.equal(end, (await collect(blob.open())).subarray(-10));
  });
});

test.run();
