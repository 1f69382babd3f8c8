import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { copyImages } from '../../src/actions/image-copy.ts';
import { wantedImages } from '../../src/actions/image-names.ts';
import { sourceLocation, targetLocation } from '../../src/actions/image-words.ts';
import { listRegistry } from '../../src/actions/registry-list.ts';
import {
  type RegistryServeOptions,
  type RegistryServing,
  serveImages,
} from '../../src/actions/registry-serve.ts';
import { formatReference, parseReference, type Reference } from '../../src/content/reference.ts';
import type { ErrorCode } from '../../src/errors.ts';
import { Meter } from '../../src/support/meter.ts';
import type { Location } from '../../src/transports/location.ts';
import { failure } from '../registry/rig.ts';
import {
  dockerArchive20,
  gzipped,
  imageOf,
  layerOf,
  layoutOf,
  writeFolder,
  writeTo,
} from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('registry serve: action');
const folder = scratch();

/** Serve, do something once it listens, and stop. */
async function whileServing(
  options: Partial<RegistryServeOptions>,
  body: (serving: RegistryServing) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const ready = Promise.withResolvers<RegistryServing>();
  const ended = serveImages({
    sources: [],
    listen: '127.0.0.1:0',
    plainHttp: false,
    uploads: 4,
    signal: controller.signal,
    onReady: ready.resolve,
    onProblem: error => assert.unreachable(String(error)),
    ...options,
  });
  ended.catch(ready.reject);
  try {
    await body(await ready.promise);
  } finally {
    controller.abort();
    await ended;
  }
}

async function imageFile(name: string): Promise<string> {
  const image = imageOf([name], [await layerOf('file', name)]);
  return writeTo(folder, `${name.replace(/\W/g, '-')}.tar`, await dockerArchive20([image]));
}

test('several sources are one registry', async () => {
  const sources = [await imageFile('site/a:1'), await imageFile('site/b:1'), await imageFile('site/a:2')];
  await whileServing({ sources }, async ({ repositories, writable, url, content }) => {
    assert.equal(repositories, [
      { name: 'site/a', tags: ['1', '2'] },
      { name: 'site/b', tags: ['1'] },
    ]);
    assert.is(writable, false);
    assert.match(content, 'site-a-1.tar, docker-archive:');
    for (const tag of ['1', '2']) {
      const answer = await fetch(`${url}/v2/site/a/manifests/${tag}`);
      const { layers } = (await answer.json()) as { layers: { digest: string }[] };
      assert.is((await fetch(`${url}/v2/site/a/blobs/${layers[0]?.digest}`)).status, 200);
    }
  });
});

test('a storage is there for the next one as soon as it is closed', async () => {
  const storage = join(folder, 'storage');
  for (let i = 0; i < 2; i++)
    await whileServing({ storage }, async ({ writable, url }) => {
      assert.is(writable, true);
      assert.is((await fetch(`${url}/v2/a/blobs/uploads/`, { method: 'POST' })).status, 202);
    });
});

test('what cannot be served is told, with what to do instead, and nothing stays open', async () => {
  const archive = await imageFile('site/a:1');
  const compressed = writeTo(folder, 'a.tar.gz', gzipped(Buffer.alloc(10_240)));
  const users = join(folder, 'users');
  writeFileSync(users, 'ops:secret\n');
  const layout = writeFolder(join(folder, 'layout'), layoutOf([]));
  const wrong: [options: Partial<RegistryServeOptions>, code: ErrorCode, said: RegExp][] = [
    [{}, 'USAGE', /say what to serve/],
    [{ sources: [archive], storage: folder }, 'USAGE', /say what to serve/],
    [{ sources: [archive], listen: '0.0.0.0:0' }, 'USAGE', /plain HTTP/],
    [{ sources: [archive], listen: 'nonsense' }, 'USAGE', /is not an address/],
    [{ sources: [archive], tls: { cert: 'x', key: 'y' } }, 'FILE_NOT_FOUND', /there is no file x/],
    [{ sources: [archive], htpasswd: users }, 'CREDENTIALS_INVALID', /not hashed with bcrypt/],
    [{ sources: [join(folder, 'none.tar')] }, 'FILE_NOT_FOUND', /there is no file/],
    [{ sources: [archive, compressed] }, 'ARCHIVE_INVALID', /compressed as a whole/],
    [{ storage: users }, 'FILE_UNWRITABLE', /cannot write/],
    [{ storage: layout }, 'STORAGE_INVALID', /is an OCI layout itself/],
  ];
  for (const [options, code, said] of wrong) {
    const error = await failure(
      whileServing(options, async () => assert.unreachable()),
      code,
    );
    assert.match(error.message, said);
  }
  await whileServing(
    { storage: join(folder, 'storage'), listen: '0.0.0.0:0', plainHttp: true },
    async serving => {
      assert.is(serving.loopback, false);
      assert.match(serving.address, /^0\.0\.0\.0:\d+$/);
      assert.is(serving.registry, serving.address.replace('0.0.0.0', hostname()));
    },
  );
});

test('over IPv6, images are pushed to it and pulled from it, and its name goes through files and lists', async () => {
  process.env.DOCKER_CONFIG = folder;
  const storage = join(folder, 'storage-v6');
  const source = sourceLocation(await imageFile('site/six:1'), 'docker');
  await whileServing({ storage, listen: '[::1]:0' }, async ({ registry, loopback }) => {
    assert.match(registry, /^\[::1\]:\d+$/);
    assert.ok(loopback);
    const copy = (from: Location, to: string, wanted?: string) =>
      copyImages({
        sources: [from],
        target: targetLocation(to),
        sourcePlainHttp: true,
        targetPlainHttp: true,
        meter: new Meter(),
        ...(wanted !== undefined && { wanted: [{ name: parseReference(wanted), origins: [] }] }),
      });
    const pushed = await copy(source, `docker://${registry}/plant/`);
    const name = `${registry}/plant/site/six:1`;
    assert.equal(
      pushed.images.map(({ to, outcome }) => [to, outcome]),
      [[name, 'copied']],
    );
    const again = await copy(source, `docker://${registry}/plant/`);
    assert.equal([again.images[0]?.outcome, again.moved.blobs], ['present', 0]);
    const moved = await copy(sourceLocation(name, 'docker'), `docker://${registry}/other/six:2`);
    assert.equal([moved.moved.blobs, moved.mounted.blobs > 0], [0, true], 'a mount needs no bytes');
    const list = writeTo(folder, 'six.txt', `${name}\n`);
    const { images } = await wantedImages({ imageFiles: [list] });
    assert.is(images && formatReference(images[0]?.name as Reference), name);
    const pulled = await copy(sourceLocation(`docker://${name}`, 'docker'), `oci:${folder}/six`, name);
    assert.is(pulled.images[0]?.digest, pushed.images[0]?.digest);
    const back = await copy(
      sourceLocation(`oci:${folder}/six`, 'docker'),
      `docker-archive:${folder}/six.tar`,
    );
    assert.is(back.images[0]?.to, name);
    const { repositories } = await listRegistry({ place: registry, plainHttp: true });
    assert.equal(repositories.map(({ name }) => name).sort(), ['other/six', 'plant/site/six']);
  });
});

test.run();
