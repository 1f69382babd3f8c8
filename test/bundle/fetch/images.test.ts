/** Images that a recipe names: fetched from a registry, pinned, fetched again; against a scripted registry. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../../src/bundle/open.ts';
import { digestOf } from '../../../src/content/digest.ts';
import { imageOf, layerOf, layoutOf, noise, type TestImage } from '../../support/archives.ts';
import { delay, type FakeRegistry, startFakeRegistry, status } from '../../support/fake-registry.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { artifactOf, attach, hold } from '../../transports/registry-content.ts';
import { create, refused } from '../rig.ts';

const test = suite('bundle/fetch/images');
const base = await layerOf('base', 'b');
const made = async (text: string, platform: string): Promise<TestImage> =>
  imageOf([], [base, await layerOf('own', text)], { platform });
const [amd, arm, newer] = (await Promise.all([
  made('amd', 'linux/amd64'),
  made('arm', 'linux/arm64'),
  made('newer', 'linux/amd64'),
])) as [TestImage, TestImage, TestImage];
const big = imageOf([], [await layerOf('big', noise(3_000_000).toString('latin1'))], {
  platform: 'linux/amd64',
});

interface Site {
  registry: FakeRegistry;
  dir: string;
  cache: string;
  /** A recipe over images of that registry. */
  recipe(images: string, more?: string): string;
  make(recipe: string, options?: Parameters<typeof create>[2]): ReturnType<typeof create>;
}

function onSite(body: (site: Site) => Promise<void>) {
  return async () => {
    const registry = await startFakeRegistry();
    const [dir, cache] = [scratch(), join(scratch(), 'cache')];
    try {
      hold(registry, 'site/multi', layoutOf([amd, arm], { indexName: 'multi:1' }), '1');
      hold(registry, 'site/app', layoutOf([amd]), '1');
      hold(registry, 'site/big', layoutOf([big]), '1');
      const recipe = (images: string, more = ''): string =>
        `name: a\nversion: "1"\nregistries: { "${registry.address}": { plain-http: true } }\n${more}images:\n${images.replaceAll('REG', registry.address)}`;
      await body({
        registry,
        dir,
        cache,
        recipe,
        make: (text, options) =>
          create(dir, text, {
            ...options,
            fetch: { cache, registry: { retry: { baseMs: 1 } }, ...options?.fetch },
          }),
      });
    } finally {
      await registry.close();
    }
  };
}

const namesIn = (file: string): string[] => {
  const bundle = Bundle.open(file);
  bundle.close();
  return bundle.manifest.images.map(({ name, platform }) => `${name?.replace(/^[^/]*\//, '')} ${platform}`);
};

test(
  'an image is fetched for the platforms of the recipe, and its digest is pinned',
  onSite(async ({ registry, dir, make, recipe }) => {
    const made = await make(recipe('  - REG/site/multi:1\n'));
    assert.equal(namesIn(made.path), ['site/multi:1 linux/amd64']);
    const lock = readFileSync(join(dir, 'bundle.lock.yaml'), 'utf8');
    const index = registry.manifests.get('site/multi')?.get('1')?.bytes ?? '';
    assert.match(lock, `  ${registry.address}/site/multi:1: ${digestOf(index)}\n`);
    assert.equal(
      made.pinned.map(({ kind }) => kind),
      ['images', 'referrers'],
    );
  }),
);

test(
  'with two platforms the index comes along, with both images',
  onSite(async ({ make, recipe }) => {
    const { path } = await make(recipe('  - REG/site/multi:1\n', 'platforms: [linux/amd64, linux/arm64]\n'));
    const bundle = Bundle.open(path);
    const { images, indexes } = await (
      bundle.images() as { inventory(): Promise<{ images: unknown[]; indexes: unknown[] }> }
    ).inventory();
    bundle.close();
    assert.equal([images.length, indexes.length], [2, 1]);
  }),
);

test(
  'same lock, same bytes: though the tag moves, the answers come in another order, and the cache is empty or not',
  onSite(async ({ registry, dir, cache, make, recipe }) => {
    const text = recipe(
      '  - REG/site/multi:1\n  - REG/site/app:1\n  - REG/site/big:1\n',
      'platforms: [linux/amd64, linux/arm64]\n',
    );
    const first = readFileSync((await make(text)).path);
    const lock = readFileSync(join(dir, 'bundle.lock.yaml'));
    hold(registry, 'site/app', layoutOf([newer]), '1');
    registry.fault('GET', /manifests/, delay(60), 1);
    registry.fault('GET', /blobs/, delay(40), 2);
    const others = [
      await make(text, { fetch: { cache: false } }),
      await make(text, { fetch: { cache, locked: true } }),
      await make(text, { fetch: { cache: join(cache, 'other') } }),
    ];
    for (const { path, pinned } of others) {
      assert.equal(pinned, []);
      assert.ok(readFileSync(path).equals(first));
    }
    assert.equal(readFileSync(join(dir, 'bundle.lock.yaml')), lock);
  }),
);

test(
  'the second time nothing that a digest names is asked for again',
  onSite(async ({ registry, make, recipe }) => {
    const text = recipe('  - REG/site/multi:1\n  - REG/site/big:1\n');
    await make(text);
    registry.seen.length = 0;
    await make(text);
    assert.equal(
      registry.requests().filter(line => /GET .*(?:blobs|manifests)/.test(line)),
      [],
    );
  }),
);

test(
  'what lies in the cache is for its owner alone',
  onSite(async ({ cache, make, recipe }) => {
    await make(recipe('  - REG/site/big:1\n'));
    const folder = join(cache, 'blobs/sha256');
    assert.ok(readdirSync(folder).length >= 3);
    for (const path of [cache, join(cache, 'blobs'), folder]) assert.is(statSync(path).mode & 0o777, 0o700);
    for (const name of readdirSync(folder)) assert.is(statSync(join(folder, name)).mode & 0o777, 0o600);
  }),
);

test(
  'a layer that was damaged in the cache is found, removed, and fetched anew by the next run',
  onSite(async ({ dir, cache, make, recipe }) => {
    const hugeText = noise(6_000_000).toString('latin1');
    const huge = imageOf([], [await layerOf('huge', hugeText)], { platform: 'linux/amd64' });
    const registry = await startFakeRegistry();
    try {
      hold(registry, 'site/huge', layoutOf([huge]), '1');
      const text = recipe('  - REG/site/huge:1\n').replace(/127\.0\.0\.1:\d+/g, registry.address);
      const first = readFileSync((await make(text)).path);
      const folder = join(cache, 'blobs/sha256');
      const [largest = ''] = readdirSync(folder).sort(
        (a, b) => statSync(join(folder, b)).size - statSync(join(folder, a)).size,
      );
      const bytes = readFileSync(join(folder, largest));
      bytes.writeUInt8((bytes[5_000_000] ?? 0) ^ 1, 5_000_000);
      writeFileSync(join(folder, largest), bytes);
      const error = await refused(() => make(text), 'DIGEST_MISMATCH', /in the cache was damaged/);
      assert.match(error.suggestions.join(' '), /run the command again/);
      assert.not(existsSync(join(dir, '.site.tar')));
      assert.ok(readFileSync((await make(text)).path).equals(first));
    } finally {
      await registry.close();
    }
  }),
);

test(
  'layers are fetched side by side; one that breaks off for good is gone on with by the next run',
  onSite(async ({ registry, dir, cache, make, recipe }) => {
    const texts = Array.from({ length: 8 }, (_, i) => noise(200_000, i + 1).toString('latin1'));
    const layers = await Promise.all(texts.map((text, i) => layerOf(`many${i}`, text)));
    hold(registry, 'site/many', layoutOf([imageOf([], layers, { platform: 'linux/amd64' })]), '1');
    const [digest = '', bytes = Buffer.alloc(0)] =
      [...(registry.blobs.get('site/many') ?? [])].findLast(([, blob]) => blob.length > 200_000) ?? [];
    let [now, most, breaks] = [0, 0, true];
    registry.fault(
      'GET',
      /site\/many\/blobs/,
      async ({ res, seen }, proceed) => {
        most = Math.max(most, ++now);
        res.on('close', () => now--);
        await new Promise(resolve => setTimeout(resolve, 100));
        if (!breaks || !seen.path.endsWith(digest)) return proceed();
        res.writeHead(200, { 'content-length': bytes.length });
        res.write(bytes.subarray(0, 150_000));
        await new Promise(resolve => setTimeout(resolve, 200));
        res.destroy();
      },
      100,
    );
    await refused(() => make(recipe('  - REG/site/many:1\n')), 'REGISTRY_UNREACHABLE');
    assert.ok(most >= 4, `${most} at once`);
    const [part = ''] = readdirSync(join(cache, 'downloads')).filter(name => name.endsWith('.part'));
    assert.is(part, `${digest.replace(':', '-')}.part`);
    assert.is(statSync(join(cache, 'downloads', part)).size, 150_000);
    assert.not(existsSync(join(dir, 'site.tar')));
    registry.seen.length = 0;
    breaks = false;
    await make(recipe('  - REG/site/many:1\n'));
    const asked = registry.seen.filter(({ path }) => path.endsWith(digest));
    assert.equal(
      asked.map(({ headers }) => headers.range),
      ['bytes=150000-'],
    );
  }),
);

test(
  '--locked names all that the lock does not have, and asks no registry',
  onSite(async ({ registry, dir, make, recipe }) => {
    const text = recipe('  - REG/site/app:1\n  - REG/site/big:1\n');
    const error = await refused(
      () => make(text, { fetch: { locked: true } }),
      'LOCK_INCOMPLETE',
      /site\/app:1/,
    );
    assert.match(error.message, /site\/big:1/);
    assert.equal([registry.seen.length, readdirSync(dir)], [0, []]);
  }),
);

test(
  'a pinned image that the registry has no more is refused with the way out',
  onSite(async ({ registry, make, recipe }) => {
    const text = recipe('  - REG/site/app:1\n');
    await make(text, { fetch: { cache: false } });
    registry.manifests.get('site/app')?.clear();
    const error = await refused(
      () => make(text, { fetch: { cache: false } }),
      'IMAGE_NOT_FOUND',
      /the lock pins .*no more/,
    );
    assert.match(error.suggestions.join(' '), /airferry bundle update 127\.0\.0\.1:\d+\/site\/app:1/);
    assert.is(error.where.line, 5);
  }),
);

test(
  'an image that is not there, or not for the platform, is refused at its line; nothing is written',
  onSite(async ({ dir, make, recipe }) => {
    const missing = await refused(
      () => make(recipe('  - REG/site/app:1\n  - REG/site/none:1\n')),
      'IMAGE_NOT_FOUND',
      /no image .*site\/none:1/,
    );
    assert.is(missing.where.line, 6);
    const other = await refused(
      () => make(recipe('  - REG/site/app:1\n', 'platforms: [linux/arm64]\n')),
      'PLATFORM_MISMATCH',
      /no image for linux\/arm64/,
    );
    assert.match(other.suggestions.join(' '), /for linux\/amd64/);
    assert.equal(readdirSync(dir), []);
  }),
);

test(
  'an image that lacks one of the platforms is told of',
  onSite(async ({ make, recipe }) => {
    const { warnings } = await make(
      recipe('  - REG/site/app:1\n', 'platforms: [linux/amd64, linux/arm64]\n'),
    );
    assert.match(warnings.join('\n'), /site\/app:1 has no image for linux\/arm64\./);
  }),
);

test(
  'names, platforms and new names may be given one by one, in lists, in compose files and manifests',
  onSite(async ({ registry, dir, make, recipe }) => {
    const reg = registry.address;
    writeFileSync(join(dir, 'list.txt'), `${reg}/site/app:1 hub.company.com/app:1\n`);
    writeFileSync(join(dir, 'compose.yml'), `services: { web: { image: "${reg}/site/big:1" } }\n`);
    writeFileSync(
      join(dir, 'pod.yaml'),
      `apiVersion: v1\nkind: Pod\nspec: { containers: [{ name: a, image: "${reg}/site/multi:1" }] }\n`,
    );
    const text = recipe(
      '  - { name: REG/site/multi:1, as: "arm:1", platforms: [linux/arm64] }\n  - list: ./list.txt\n  - compose: ./compose.yml\n  - kubernetes: ./pod.yaml\n',
    );
    const { path } = await make(text);
    assert.equal(namesIn(path).sort(), [
      'app:1 linux/amd64',
      'library/arm:1 linux/arm64',
      'site/big:1 linux/amd64',
      'site/multi:1 linux/amd64',
    ]);
  }),
);

test(
  'two images of one name in the bundle are refused',
  onSite(async ({ make, recipe }) => {
    await refused(
      () =>
        make(recipe('  - { name: REG/site/app:1, as: "x:1" }\n  - { name: REG/site/big:1, as: "x:1" }\n')),
      'RULE_COLLISION',
      /would both be docker.io\/library\/x:1/,
    );
  }),
);

test(
  'a mistake in a compose file is told at its place there',
  onSite(async ({ dir, make, recipe }) => {
    writeFileSync(join(dir, 'compose.yml'), 'services:\n  web:\n    image: "UPPER:1"\n');
    const error = await refused(() => make(recipe('  - compose: ./compose.yml\n')), 'COMPOSE_FILE_INVALID');
    assert.equal([error.where.file, error.where.line], [join(dir, 'compose.yml'), 3]);
  }),
);

test(
  'mirrors are asked first; one that fails is passed over, and told of',
  onSite(async ({ registry, make, recipe }) => {
    const origin = await startFakeRegistry();
    try {
      hold(origin, 'only/here', layoutOf([newer]), '1');
      hold(registry, 'hub/only/there', layoutOf([amd]), '1');
      const registries = `registries:\n  "${registry.address}": { plain-http: true }\n  "${origin.address}": { plain-http: true, mirrors: ["127.0.0.1:1", "${registry.address}/hub"] }\n`;
      const images = `images:\n  - ${origin.address}/only/here:1\n  - ${origin.address}/only/there:1\n`;
      const text = recipe('')
        .replace(/registries:.*\n/, registries)
        .replace(/images:\n$/, images);
      const { path, warnings } = await make(text);
      assert.equal(namesIn(path).sort(), ['only/here:1 linux/amd64', 'only/there:1 linux/amd64']);
      assert.match(warnings.join('\n'), /mirror 127\.0\.0\.1:1 was passed over/);
      assert.not(origin.requests().some(line => line.includes('only/there')));
    } finally {
      await origin.close();
    }
  }),
);

test(
  'signatures that come later do not change a bundle that is locked, and those that are pinned have to be there',
  onSite(async ({ registry, dir, make, recipe }) => {
    registry.quirks.referrers = true;
    const text = recipe('  - REG/site/app:1\n');
    const subject = digestOf(registry.manifests.get('site/app')?.get('1')?.bytes ?? '');
    const one = artifactOf('sbom', { subject, artifactType: 'application/spdx+json' });
    attach(registry, 'site/app', one);
    const first = readFileSync((await make(text)).path);
    assert.match(
      readFileSync(join(dir, 'bundle.lock.yaml'), 'utf8'),
      `referrers:\n  ${subject}:\n    - ${one.digest}\n`,
    );
    attach(registry, 'site/app', artifactOf('later', { subject, artifactType: 'application/spdx+json' }));
    assert.ok(readFileSync((await make(text, { fetch: { cache: false } })).path).equals(first));
    registry.manifests.get('site/app')?.delete(one.digest);
    await refused(() => make(text, { fetch: { cache: false } }), 'IMAGE_NOT_FOUND', /refers to/);
  }),
);

test(
  'a registry that fails in the middle leaves no bundle and no lock, and what came is not fetched twice',
  onSite(async ({ registry, dir, make, recipe }) => {
    const text = recipe('  - REG/site/multi:1\n  - REG/site/big:1\n');
    const layer =
      [...(registry.blobs.get('site/big') ?? [])].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] ?? '';
    registry.fault('GET', new RegExp(layer), status(404), 1);
    await refused(
      () => make(text, { fetch: { registry: { retry: { attempts: 1 } } } }),
      'REGISTRY_NOT_FOUND',
    );
    assert.equal(readdirSync(dir), []);
    registry.seen.length = 0;
    await make(text);
    assert.equal(
      registry
        .requests()
        .filter(line => line.includes('GET') && line.includes('site/multi') && line.includes('blobs')),
      [],
    );
  }),
);

test.run();
