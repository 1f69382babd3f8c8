import { createHash } from 'node:crypto';
import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { buildImageManifest, chainIds } from '../../src/content/manifest.ts';
import { type Compression, layerMediaType, OCI_CONFIG, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { parseReference } from '../../src/content/reference.ts';
import { readAll } from '../../src/content/verified.ts';
import type { AirferryError } from '../../src/errors.ts';
import { walkTar } from '../../src/tar/walk.ts';
import { type EngineStore, loadArchive, planLoads } from '../../src/transports/docker-load.ts';
import type { RandomSource, SourceImage, SourceLayer } from '../../src/transports/source.ts';
import { suite } from '../support/suite.ts';

const test = suite('docker load');

const PLATFORM = { os: 'linux', architecture: 'amd64' };

interface Made {
  layers: SourceLayer[];
  images: SourceImage[];
}

/** A layer whose plain content is `text`; addressed layers are as in a bundle, others as in an older `docker save`. */
function layer(text: string, compression: Compression, addressed: boolean): SourceLayer {
  const bytes = Buffer.from(text);
  const digest = digestOf(bytes);
  const descriptor = { mediaType: layerMediaType(compression), digest, size: bytes.length };
  return {
    key: addressed ? digest : `${text}/layer.tar`,
    size: bytes.length,
    compression,
    ...(addressed ? { descriptor } : {}),
    open: async function* () {
      yield bytes;
    },
  };
}

function image(
  made: Made,
  name: string,
  texts: string[],
  compression: Compression = 'gzip',
  addressed = true,
): void {
  const layers = texts.map(text => layer(text, compression, addressed));
  made.layers.push(...layers.filter(one => !made.layers.some(({ key }) => key === one.key)));
  const diffIds = texts.map(text => (compression === 'none' ? digestOf(text) : digestOf(`plain ${text}`)));
  const bytes = Buffer.from(
    JSON.stringify({ ...PLATFORM, rootfs: { type: 'layers', diff_ids: diffIds }, name }),
  );
  const config = {
    descriptor: { mediaType: OCI_CONFIG, digest: digestOf(bytes), size: bytes.length },
    bytes,
  };
  const manifest = buildImageManifest(
    config.descriptor,
    layers.flatMap(({ descriptor }) => descriptor ?? []),
  );
  made.images.push({
    names: [parseReference(name)],
    platform: PLATFORM,
    config,
    layers: layers.map(({ key }, i) => ({ key, diffId: diffIds[i] as Digest })),
    ...(addressed
      ? {
          manifest: {
            descriptor: { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length },
            bytes: manifest,
          },
        }
      : {}),
  });
}

function source({ layers, images }: Made): RandomSource {
  return {
    description: 'bundle:site.tar',
    access: 'random',
    inventory: async () => ({ images, indexes: [] }),
    layers: async function* () {
      yield* layers;
    },
    close: async () => undefined,
  };
}

function engine(over: Partial<EngineStore> = {}): EngineStore {
  return { kind: 'classic', major: 20, chains: new Set(), names: new Map(), ...over };
}

function two(compression: Compression = 'gzip', addressed = true): Made {
  const made: Made = { layers: [], images: [] };
  image(made, 'site/a:1', ['base', 'shared', 'a'], compression, addressed);
  image(made, 'site/b:1', ['base', 'shared', 'b'], compression, addressed);
  return made;
}

const texts = async (layers: SourceLayer[]): Promise<string[]> =>
  Promise.all(layers.map(async one => Buffer.from((await readAll(one.open(), 100)) ?? []).toString()));

async function unpack(load: Parameters<typeof loadArchive>[0]): Promise<Map<string, string>> {
  const entries = new Map<string, string>();
  for await (const { header, body } of walkTar(loadArchive(load), 'load'))
    entries.set(header.name, Buffer.from((await readAll(body, 1e6)) ?? []).toString());
  return entries;
}

test('what one image brings, the next leaves out', async () => {
  const [a, b] = await planLoads(source(two()), engine(), { platform: PLATFORM });
  assert.equal(await texts(a?.send ?? []), ['base', 'shared', 'a']);
  assert.equal(await texts(b?.send ?? []), ['b']);
  assert.is(b?.leftOut, 2);
  assert.is(b?.bytes, 1);
});

test('layers are left out by chain ID: the same layer on another parent is sent', async () => {
  const made = two();
  const diffIds = made.images[0]?.layers.map(({ diffId }) => diffId as Digest) ?? [];
  const has = engine({ chains: new Set(chainIds(diffIds.slice(0, 1))) });
  const [a] = await planLoads(source(made), has, { platform: PLATFORM });
  assert.equal(await texts(a?.send ?? []), ['shared', 'a']);
  const stray = engine({ chains: new Set(diffIds.slice(1)) });
  const [again] = await planLoads(source(made), stray, { platform: PLATFORM });
  assert.equal(await texts(again?.send ?? []), ['base', 'shared', 'a']);
});

test('an image that stands under its name is not loaded; under another ID it is', async () => {
  const made = two();
  const id = made.images[0]?.config.descriptor.digest ?? '';
  const loads = await planLoads(
    source(made),
    engine({
      names: new Map([
        ['site/a:1', id],
        ['site/b:1', id],
      ]),
    }),
    {
      platform: PLATFORM,
    },
  );
  assert.equal(
    loads.map(load => load.names),
    [['site/b:1']],
  );
});

test('the archive for the classic store lists all layers and holds those that travel', async () => {
  const [, b] = await planLoads(source(two()), engine(), { platform: PLATFORM });
  assert.ok(b);
  const entries = await unpack(b);
  const [manifest] = JSON.parse(entries.get('manifest.json') ?? '[]');
  assert.equal(manifest.RepoTags, ['site/b:1']);
  assert.is(manifest.Layers.length, 3);
  const present = manifest.Layers.filter((name: string) => entries.has(name));
  assert.equal(
    present.map((name: string) => entries.get(name)),
    ['b'],
  );
  const config = entries.get(manifest.Config) ?? '';
  assert.is(`sha256:${createHash('sha256').update(config).digest('hex')}`, b.id);
});

test('the containerd store gets a whole OCI layout, named by the digest of its manifest', async () => {
  const loads = await planLoads(source(two()), engine({ kind: 'containerd', major: 26 }), {
    platform: PLATFORM,
  });
  assert.equal(
    loads.map(load => load.leftOut),
    [0, 0],
  );
  const [, b] = loads;
  assert.ok(b);
  const entries = await unpack(b);
  const index = JSON.parse(entries.get('index.json') ?? '');
  assert.is(index.manifests[0].digest, b.id);
  assert.is(index.manifests[0].annotations['io.containerd.image.name'], 'docker.io/site/b:1');
  for (const [name, content] of entries) {
    const [, hex] = /^blobs\/sha256\/(.*)$/.exec(name) ?? [];
    if (hex) assert.is(createHash('sha256').update(content).digest('hex'), hex);
  }
});

test('an older docker save gets a manifest of its own for the containerd store, always the same', async () => {
  const store = engine({ kind: 'containerd', major: 26 });
  const [first] = await planLoads(source(two('none', false)), store, { platform: PLATFORM });
  const [second] = await planLoads(source(two('none', false)), store, { platform: PLATFORM });
  assert.ok(first?.id);
  assert.is(first.id, second?.id);
  assert.ok((await unpack(first)).has(`blobs/sha256/${first.id.slice(7)}`));
  const known = { ...store, names: new Map([['site/a:1', first.id]]) };
  const rest = await planLoads(source(two('none', false)), known, { platform: PLATFORM });
  assert.equal(
    rest.map(load => load.names),
    [['site/b:1']],
  );
});

test('a plain layer that is not what the config counts ends the archive before it is whole', async () => {
  const made = two('none', false);
  const [first] = made.layers;
  assert.ok(first);
  first.open = async function* () {
    yield Buffer.from('BASE');
  };
  const [a] = await planLoads(source(made), engine(), { platform: PLATFORM });
  assert.ok(a);
  const error = await unpack(a).catch((thrown: unknown) => thrown);
  assert.is((error as AirferryError).code, 'DIGEST_MISMATCH');
});

test('only named images go, and a name that is not there is an error', async () => {
  const loads = await planLoads(source(two()), engine(), { platform: PLATFORM, only: ['site/b:1'] });
  assert.equal(
    loads.map(load => load.names),
    [['site/b:1']],
  );
  const wrong = planLoads(source(two()), engine(), { platform: PLATFORM, only: ['site/c:1'] });
  assert.is(((await wrong.catch((thrown: unknown) => thrown)) as AirferryError).code, 'IMAGE_NOT_FOUND');
});

test('images for other platforms stay out', async () => {
  const loads = await planLoads(source(two()), engine(), {
    platform: { os: 'linux', architecture: 'arm64' },
  });
  assert.equal(loads, []);
});

test.run();
