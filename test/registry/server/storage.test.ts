import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { type Digest, digestOf } from '../../../src/content/digest.ts';
import { familiarName } from '../../../src/content/reference.ts';
import { openStorage } from '../../../src/registry/server/storage/storage.ts';
import { openImageSource } from '../../../src/transports/open.ts';
import { layoutOf, siteImages, writeFolder } from '../../support/archives.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { failure } from '../rig.ts';
import { manifestOf, pushBlob, pushImage, type Served, storing } from './rig.ts';

const test = suite('registry server: storage', { timeout: 60_000 });

const CHILD = fileURLToPath(new URL('./storing-child.ts', import.meta.url));

/** Every layout below a folder: whole in every part that its index leads to, and every blob what it is called. */
function checkLayouts(folder: string, name = ''): number {
  let layouts = 0;
  if (existsSync(join(folder, 'index.json'))) {
    layouts++;
    assert.equal(JSON.parse(readFileSync(join(folder, 'oci-layout'), 'utf8')), {
      imageLayoutVersion: '1.0.0',
    });
    for (const algorithm of readdirSync(join(folder, 'blobs')))
      for (const hex of readdirSync(join(folder, 'blobs', algorithm)))
        assert.is(
          digestOf(readFileSync(join(folder, 'blobs', algorithm, hex)), `${algorithm}:` as Digest),
          `${algorithm}:${hex}`,
          name,
        );
    const read = (digest: string): Buffer => readFileSync(join(folder, 'blobs', digest.replace(':', '/')));
    for (const { digest } of JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')).manifests) {
      const { config, layers } = JSON.parse(read(digest).toString());
      for (const part of [config, ...layers]) assert.is(read(part.digest).length, part.size);
    }
  }
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory() && entry.name !== 'blobs' && !entry.name.startsWith('.'))
      layouts += checkLayouts(join(folder, entry.name), `${name}/${entry.name}`);
  return layouts;
}

test('killed at any moment, the server leaves whole layouts, and the next one goes on', async () => {
  const root = scratch();
  let acknowledged = 0;
  const kept: [repository: string, tag: string, bytes: Buffer][] = [];
  for (let round = 0; round < 5; round++) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CHILD, root], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(child.stdout, 'data');
    const origin = `http://${String(line).trim()}`;
    const ask: Served['ask'] = async (method, path, { headers = {}, body } = {}) => {
      const answer = await fetch(`${origin}/v2/${path}`, { method, headers, body: body as string });
      return { status: answer.status, headers: answer.headers, bytes: Buffer.alloc(0), code: undefined };
    };
    const served = { ask } as Served;
    const work = Array.from({ length: 4 }, async (_, i) => {
      for (let n = 0; ; n++) {
        const repository = `plant/r${(n + i) % 3}`;
        const tag = `t${round}-${i}-${n}`;
        const image = await pushImage(served, repository, tag);
        kept.push([repository, tag, image.bytes]);
        acknowledged++;
      }
    });
    const ended = Promise.allSettled(work);
    const enough = acknowledged + 5;
    while (acknowledged < enough) await new Promise(resolve => setTimeout(resolve, 1));
    await new Promise(resolve => setTimeout(resolve, 7 * round));
    child.kill('SIGKILL');
    await once(child, 'close');
    await ended;
    checkLayouts(root);
  }
  assert.ok(acknowledged >= 25, `${acknowledged} pushes`);
  await storing(async ({ ask }) => {
    for (const [repository, tag, bytes] of kept)
      assert.equal(
        (await ask('GET', `${repository}/manifests/${tag}`)).bytes,
        bytes,
        'what was acknowledged is there',
      );
  }, root);
  assert.equal(
    readdirSync(join(root, '.airferry/unfinished')).filter(name => !name.startsWith('upload-')),
    [],
  );
});

test('a second server over the same folder is refused, with who has it', () =>
  storing(async ({ root, storage }) => {
    const error = await failure(openStorage(root), 'STORAGE_LOCKED');
    assert.match(error.message, `process ${process.pid} on ${hostname()}`);
    assert.is(error.where.file, join(root, '.airferry/lock'));
    await storage.close();
    await (await openStorage(root)).close();
    assert.not(existsSync(join(root, '.airferry/lock')));
  }));

test('the lock of a process that is gone is void, that of another machine is not', async () => {
  const root = scratch();
  const lock = join(root, '.airferry/lock');
  const taken = await openStorage(root);
  const owner = JSON.parse(readFileSync(lock, 'utf8'));
  await taken.close();
  const gone = [
    { ...owner, pid: 2 ** 22 + 1 },
    { ...owner, began: '1' },
    { ...owner, boot: 'before' },
  ];
  for (const one of [...gone.map(found => JSON.stringify(found)), '', 'rubbish']) {
    writeFileSync(lock, one);
    await (await openStorage(root)).close();
  }
  writeFileSync(lock, JSON.stringify({ ...owner, host: 'another machine' }));
  await failure(openStorage(root), 'STORAGE_LOCKED');
  rmSync(lock);
  const many = await Promise.allSettled(Array.from({ length: 8 }, () => openStorage(root)));
  const open = many.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
  assert.is(open.length, 1);
  await open[0]?.close();
});

test('of many that find a void lock one gets it', async () => {
  const root = scratch();
  await (await openStorage(root)).close();
  writeFileSync(join(root, '.airferry/lock'), 'rubbish');
  const many = await Promise.allSettled(Array.from({ length: 8 }, () => openStorage(root)));
  const open = many.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []));
  assert.is(open.length, 1);
  await open[0]?.close();
});

test('uploads of a day ago are taken away at the start, younger ones are kept', async () => {
  const root = scratch();
  await (await openStorage(root)).close();
  const file = (name: string, hours: number): void => {
    const path = join(root, '.airferry/unfinished', name);
    writeFileSync(path, 'x');
    const then = Date.now() / 1000 - hours * 3600;
    utimesSync(path, then, then);
  };
  file('upload-old', 25);
  file('upload-young', 23);
  file('part-killed', 0);
  await (await openStorage(root)).close();
  assert.equal(readdirSync(join(root, '.airferry/unfinished')), ['upload-young']);
});

test('a layout that others wrote is a repository, and keeps what they wrote', async () => {
  const root = scratch();
  const images = await siteImages();
  writeFolder(join(root, 'site/app'), layoutOf(images.slice(0, 1)));
  writeFolder(join(root, 'multi'), layoutOf(images, { indexName: 'multi:1' }));
  const before = JSON.parse(readFileSync(join(root, 'site/app/index.json'), 'utf8')).manifests;
  await storing(async stored => {
    const { ask } = stored;
    const tags = async (name: string) =>
      JSON.parse((await ask('GET', `${name}/tags/list`)).bytes.toString()).tags;
    assert.equal(await tags('site/app'), ['1.0', 'latest']);
    assert.equal(await tags('multi'), ['1']);
    const index = JSON.parse((await ask('GET', 'multi/manifests/1')).bytes.toString());
    for (const { digest } of index.manifests)
      assert.is((await ask('GET', `multi/manifests/${digest}`)).status, 200, 'a child of the index');
    assert.is((await ask('GET', `multi/manifests/${digestOf('x')}`)).status, 404);
    await pushImage(stored, 'site/app', '2.0');
  }, root);
  const after = JSON.parse(readFileSync(join(root, 'site/app/index.json'), 'utf8')).manifests;
  assert.equal(after.slice(0, before.length), before);
  assert.is(after.length, before.length + 1);
});

test('what was pushed is read as a layout by name', () =>
  storing(async stored => {
    const image = await pushImage(stored, 'quay.io_8443/plant/app', '1.0', await runnable());
    const source = await openImageSource(join(stored.root, 'quay.io_8443/plant/app'));
    const { images } = await source.inventory();
    assert.equal(images[0]?.names.map(familiarName), ['quay.io:8443/plant/app:1.0']);
    assert.is(images[0]?.manifest?.descriptor.digest, image.digest);
    await source.close();
  }));

async function runnable(): Promise<ReturnType<typeof manifestOf>> {
  const image = manifestOf();
  const layers = [digestOf(image.layer)];
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: layers } }),
  );
  const json = JSON.parse(image.bytes.toString());
  json.config = { ...json.config, digest: digestOf(config), size: config.length };
  const bytes = Buffer.from(JSON.stringify(json));
  return { ...image, config, bytes, digest: digestOf(bytes) };
}

test('a folder that is a layout itself, one that is damaged, and one that cannot be written are refused', async () => {
  const layout = writeFolder(scratch(), layoutOf(await siteImages()));
  const error = await failure(openStorage(layout), 'STORAGE_INVALID');
  assert.match(error.suggestions.join(), `registry serve ${layout}`);
  const root = scratch();
  mkdirSync(join(root, 'plant/a'), { recursive: true });
  for (const text of ['', '{', '[]', '{}', '{"manifests":[1]}', '{"manifests":[{"digest":"x"}]}']) {
    writeFileSync(join(root, 'plant/a/index.json'), text);
    const damaged = await failure(openStorage(root), 'STORAGE_INVALID');
    assert.is(damaged.where.file, join(root, 'plant/a/index.json'));
  }
  const file = join(scratch(), 'file');
  writeFileSync(file, '');
  await failure(openStorage(join(file, 'below')), 'FILE_UNWRITABLE');
  chmodSync(file, 0o600);
  await failure(openStorage('/proc/storage'), 'FILE_UNWRITABLE');
});

test('a manifest that was damaged on the disk is told to the operator, and mended by the next push', () =>
  storing(async stored => {
    const image = await pushImage(stored, 'a', '1');
    writeFileSync(join(stored.root, 'a/blobs', image.digest.replace(':', '/')), '{}');
    const told = await stored.ask('GET', 'a/manifests/1');
    assert.is(`${told.status} ${told.code}`, '500 UNKNOWN');
    assert.is(stored.problems.length, 1);
    await pushImage(stored, 'a', '1', image);
    assert.is((await stored.ask('GET', 'a/manifests/1')).status, 200);
    await pushBlob(stored, 'a', image.layer);
  }));

test.run();
