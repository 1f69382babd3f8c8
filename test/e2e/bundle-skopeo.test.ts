/** Other tools read a bundle: skopeo as an OCI archive and as a docker-archive, GNU tar as a tar. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { createBundle } from '../../src/actions/bundle-create.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { digestOf } from '../../src/content/digest.ts';
import { familiarName, parseReference } from '../../src/content/reference.ts';
import { Meter } from '../../src/support/meter.ts';
import { dockerArchive20, imageOf, layerOf, ociArchive, siteImages, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('skopeo and bundles', { timeout: 60_000 });
const folder = scratch();
const images = await siteImages();
const policy = writeTo(folder, 'policy.json', '{"default":[{"type":"insecureAcceptAnything"}]}');

function skopeo(...args: string[]): string {
  return execFileSync('skopeo', ['--policy', policy, '--tmpdir', folder, ...args], { encoding: 'utf8' });
}

async function bundleOf(
  archive: Uint8Array,
  compression: 'gzip' | 'zstd' | 'none',
  platforms = '[linux/amd64]',
): Promise<string> {
  writeTo(folder, 'images.tar', archive);
  const output = join(folder, `${compression}.tar`);
  const recipe = parseRecipe(
    `name: site\nversion: "1"\nplatforms: ${platforms}\nimages: [{ archive: ./images.tar }]\n`,
    { file: join(folder, 'bundle.yaml') },
  );
  await createBundle({ recipe, output, compression, meter: new Meter() });
  return output;
}

interface Inspected {
  Digest: string;
  Layers: string[];
}

for (const compression of ['gzip', 'zstd', 'none'] as const) {
  test(`with ${compression}, skopeo reads every image as an OCI archive, and its content is that which was packed`, async () => {
    const bundle = await bundleOf(await dockerArchive20(images), compression);
    for (const image of images) {
      for (const name of image.names) {
        const whole = `docker.io/${name.includes('/') ? name : `library/${name}`}`;
        const config = skopeo('inspect', '--config', '--raw', `oci-archive:${bundle}:${whole}`);
        assert.is(digestOf(config), image.id);
        const target = join(folder, `${compression}-${name.replaceAll(/\W/g, '-')}`);
        mkdirSync(target);
        skopeo('copy', '--quiet', `oci-archive:${bundle}:${whole}`, `dir:${target}`);
        const { Layers, Digest } = JSON.parse(skopeo('inspect', `dir:${target}`)) as Inspected;
        assert.is(Layers.length, image.layers.length);
        assert.is(Digest, digestOf(readFileSync(join(target, 'manifest.json'))));
      }
    }
  });
}

test('skopeo reads every image as a docker-archive, by its tag', async () => {
  const bundle = await bundleOf(await dockerArchive20(images), 'gzip');
  for (const image of images) {
    for (const name of image.names.map(text => familiarName(parseReference(text)))) {
      const config = skopeo('inspect', '--config', '--raw', `docker-archive:${bundle}:${name}`);
      assert.is(digestOf(config), image.id);
      const target = join(folder, `docker-${name.replaceAll(/\W/g, '-')}`);
      mkdirSync(target);
      skopeo('copy', '--quiet', `docker-archive:${bundle}:${name}`, `dir:${target}`);
    }
  }
});

test('skopeo finds the platforms of an index that was packed', async () => {
  const both = [
    imageOf([], [await layerOf('arch', 'amd64')]),
    imageOf([], [await layerOf('arch', 'arm64')], { platform: 'linux/arm64' }),
  ];
  const archive = await ociArchive(both, { indexName: 'multi:1' });
  const bundle = await bundleOf(archive, 'gzip', '[linux/amd64, linux/arm64]');
  for (const image of both) {
    const { architecture } = image.platform;
    const config = skopeo(
      '--override-arch',
      architecture,
      'inspect',
      '--config',
      '--raw',
      `oci-archive:${bundle}:docker.io/library/multi:1`,
    );
    assert.is(digestOf(config), image.id, architecture);
  }
});

test('what skopeo saves is packed with its digests', async () => {
  const archive = writeTo(folder, 'plain.tar', await dockerArchive20(images));
  const oci = join(folder, 'by-skopeo.tar');
  skopeo(
    'copy',
    '--quiet',
    `docker-archive:${archive}:tool:2`,
    `oci-archive:${oci}:docker.io/library/tool:2`,
  );
  const { Digest } = JSON.parse(
    skopeo('inspect', `oci-archive:${oci}:docker.io/library/tool:2`),
  ) as Inspected;
  const bundle = await bundleOf(readFileSync(oci), 'gzip');
  const packed = JSON.parse(skopeo('inspect', `oci-archive:${bundle}:docker.io/library/tool:2`)) as Inspected;
  assert.is(packed.Digest, Digest);
});

test('GNU tar finds nothing to complain of', async () => {
  const bundle = await bundleOf(await dockerArchive20(images), 'gzip');
  const listing = spawnSync('tar', ['-tvf', bundle], { encoding: 'utf8' });
  assert.equal([listing.status, listing.stderr], [0, '']);
  assert.match(listing.stdout.split('\n')[0] ?? '', /^-rw-r--r-- 0\/0\s+4096 1970-01-01 \S+ airferry\.json$/);
});

test.run();
