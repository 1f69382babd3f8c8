/** Images by name out of a real registry (distribution), and the same bundle again out of its lock. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { updateBundle } from '../../src/actions/bundle-update.ts';
import { Cache } from '../../src/bundle/fetch/cache.ts';
import { keepFile } from '../../src/bundle/fetch/keep-file.ts';
import { parseRecipe } from '../../src/config/recipe.ts';
import { Meter } from '../../src/support/meter.ts';
import { create, refused } from '../bundle/rig.ts';
import { imageOf, layerOf, layoutOf, noise, writeTo } from '../support/archives.ts';
import { startPublisher } from '../support/publisher.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('bundles out of a real registry', { timeout: 120_000 });
const dir = scratch();
let registry: ChildProcess;
let address = '';

const skopeo = (...args: string[]): string =>
  execFileSync('skopeo', ['--insecure-policy', ...args], { encoding: 'utf8' });

async function push(text: string, name: string): Promise<void> {
  const platforms = ['linux/amd64', 'linux/arm64'];
  const base = await layerOf('base', noise(2_000_000).toString('latin1'));
  const images = await Promise.all(
    platforms.map(async platform => imageOf([], [base, await layerOf('own', text + platform)], { platform })),
  );
  const layout = join(dir, `layout-${text}`);
  mkdirSync(join(layout, 'blobs/sha256'), { recursive: true });
  for (const [path, content] of layoutOf(images, { indexName: 'x:1' })) writeTo(layout, path, content);
  skopeo(
    'copy',
    '--all',
    '--quiet',
    '--dest-tls-verify=false',
    `oci:${layout}`,
    `docker://${address}/${name}`,
  );
}

test.before(async () => {
  const port = await new Promise<number>(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
  address = `127.0.0.1:${port}`;
  const config = writeTo(
    dir,
    'config.yml',
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${join(dir, 'data')} } }\nhttp: { addr: "${address}" }\n`,
  );
  registry = spawn('docker-registry', ['serve', config], { stdio: 'ignore' });
  for (let tries = 0; ; tries++) {
    const up = await fetch(`http://${address}/v2/`).then(
      answer => answer.ok,
      () => false,
    );
    if (up) break;
    assert.ok(tries < 200, 'the registry listens');
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  await push('one', 'site/app:1');
});
test.after(() => void registry.kill());

test('an image for two platforms, from its tag; the lock keeps it when the tag moves; update follows', async () => {
  const text = `name: a\nversion: "1"\nplatforms: [linux/amd64, linux/arm64]\nregistries: { "${address}": { plain-http: true } }\nimages: ["${address}/site/app:1"]\n`;
  const fetch = { cache: join(dir, 'cache'), env: {} };
  const { path, pinned } = await create(dir, text, { fetch });
  assert.is(pinned.filter(({ kind }) => kind === 'images').length, 1);
  const first = readFileSync(path);
  const raw = skopeo('inspect', '--raw', `oci-archive:${path}:${address}/site/app:1`);
  assert.is(raw, skopeo('inspect', '--raw', '--tls-verify=false', `docker://${address}/site/app:1`));

  await push('two', 'site/app:1');
  for (const cache of [join(dir, 'cache'), false as const])
    assert.ok(
      readFileSync((await create(dir, text, { fetch: { cache, env: {}, locked: true } })).path).equals(first),
    );

  const recipe = parseRecipe(text, { file: join(dir, 'bundle.yaml') });
  const { changes } = await updateBundle({ recipe, fetch, meter: new Meter() });
  assert.is(changes.find(({ kind }) => kind === 'images')?.name, `${address}/site/app:1`);
  assert.not(
    readFileSync((await create(dir, text, { fetch: { ...fetch, locked: true } })).path).equals(first),
  );

  const other = scratch();
  const missing = text.replace('site/app:1', 'site/none:1');
  await refused(() => create(other, missing, { fetch }), 'IMAGE_NOT_FOUND', /has no image/);
  assert.not(existsSync(join(other, 'site.tar')));
});

/** A cache on a disk of 1 MB. */
async function onSmallDisk(body: (cache: string) => Promise<void>): Promise<void> {
  const disk = scratch();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    await body(join(disk, 'cache'));
  } finally {
    execFileSync('umount', [disk]);
  }
}

test('a full disk below the cache: images pass by it, and are told of; a download stops and leaves nothing', () =>
  onSmallDisk(async cache => {
    const site = scratch();
    const text = `name: a\nversion: "1"\nregistries: { "${address}": { plain-http: true } }\nimages: ["${address}/site/app:1"]\n`;
    const { path, warnings } = await create(site, text, { fetch: { cache, env: {} } });
    assert.ok(readFileSync(path).length > 1_500_000);
    assert.match(warnings.join(), /Not everything could be kept for the next run: the disk is full/);
    const publisher = await startPublisher();
    publisher.files.set('/big.tgz', noise(3_000_000, 5));
    try {
      const keep = keepFile(`${publisher.origin}big.tgz`, { cache: new Cache(cache), meter: new Meter() });
      await refused(() => keep, 'DISK_FULL');
      assert.equal(readdirSync(join(cache, 'downloads')), []);
    } finally {
      await publisher.close();
    }
  }));

test.run();
