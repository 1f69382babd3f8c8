import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { generateKeys } from '../../src/actions/bundle-keygen.ts';
import { openSecretKey, signWithKey } from '../../src/actions/bundle-sign.ts';
import { parseHead } from '../../src/bundle/manifest.ts';
import { Bundle } from '../../src/bundle/open.ts';
import { outlineOf } from '../../src/bundle/outline.ts';
import { BundleWriter } from '../../src/bundle/writer.ts';
import { digestOf } from '../../src/content/digest.ts';
import { type ReadableFile, ReadFile } from '../../src/support/file.ts';
import { PendingFile } from '../../src/support/write-file.ts';
import { indexTar, type TarEntry } from '../../src/tar/index.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../src/tar/write.ts';
import { blobPath, digestAt } from '../../src/transports/oci/file-store.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { create, refused, writeSite } from './rig.ts';

const test = suite('bundle/outline', { timeout: 60_000 });
const dir = scratch();
let sound: string;
let entries: TarEntry[];

test.before(async () => {
  ({ path: sound } = await create(dir, await writeSite(dir)));
  const file = ReadFile.open(sound);
  entries = indexTar(file);
  file.close();
});

/** The outline of a file, and how often the file was read for it. */
function outline(path: string): { outline: ReturnType<typeof outlineOf>; reads: number } {
  const file = ReadFile.open(path);
  let reads = 0;
  const counted: ReadableFile = Object.create(file, {
    path: { value: path },
    size: { value: file.size },
    readAt: {
      value: (offset: number, length: number) => {
        reads++;
        return file.readAt(offset, length);
      },
    },
  });
  try {
    return { outline: outlineOf(counted, parseHead(file.readAt(512, 4096), path)), reads };
  } finally {
    file.close();
  }
}

/** The bundle with its entries in another order, as another tool might pack it. */
async function packed(order: readonly TarEntry[]): Promise<string> {
  const bytes = readFileSync(sound);
  const parts: Uint8Array[] = [];
  for (const { name, offset, size } of order)
    parts.push(await fileHeader(name, size), bytes.subarray(offset, offset + size), padding(size));
  const path = join(dir, 'packed.tar');
  writeFileSync(path, Buffer.concat([...parts, END_OF_ARCHIVE]));
  return path;
}

/** Every blob of a bundle, read and hashed. */
async function readAllBlobs(bundle: Bundle): Promise<void> {
  for (const blob of bundle.manifest.blobs) {
    const parts: Uint8Array[] = [];
    for await (const chunk of bundle.blob(blob)) parts.push(chunk);
    assert.is(digestOf(Buffer.concat(parts)), blob.digest);
  }
}

test('every place is foretold, by a few reads at the end of the file', () => {
  const { outline: told, reads } = outline(sound);
  assert.ok(reads < 10, `${reads} reads`);
  assert.ok(entries.length > 10);
  for (const { name, offset, size } of entries) {
    const key = name === 'index.json' ? name : digestAt(name);
    const span = key && told?.places.get(key);
    if (key) assert.equal([span?.offset, span?.size], [offset, size], name);
  }
  assert.is(told?.places.size, entries.filter(({ name }) => digestAt(name)).length + 1);
});

test('behind the manifest its signatures are found', async () => {
  const path = join(dir, 'signed.tar');
  writeFileSync(path, readFileSync(sound));
  const { keyId } = await generateKeys({ output: join(dir, 'site.key') });
  const { key } = await openSecretKey(join(dir, 'site.key'), async () => undefined);
  await signWithKey(path, key, {});
  const { outline: told } = outline(path);
  assert.equal(
    told?.tail.map(({ name }) => name),
    [entries.at(-1)?.name, `signatures/${keyId}.minisig`],
  );
});

test('blobs that were written side by side are named in the order in which they lie', async () => {
  const path = join(dir, 'beside.tar');
  const file = await PendingFile.create(path);
  const writer = new BundleWriter(file, { concurrency: 4 });
  const gate = Promise.withResolvers<void>();
  const unnamed = writer.putBlob({
    mediaType: 'a',
    async *open() {
      yield Buffer.from('first ');
      await gate.promise;
      yield Buffer.from('and longer');
    },
  });
  const bytes = Buffer.from('second');
  const named = writer.putBlob({
    descriptor: { mediaType: 'b', digest: digestOf(bytes), size: bytes.length },
    async *open() {
      yield bytes;
    },
  });
  const small = writer.putBytes('c', Buffer.from('third'));
  setTimeout(gate.resolve, 20);
  await Promise.all([unnamed, named, small]);
  const none = { platforms: ['linux/amd64'], units: {}, daemon: {}, files: [] };
  await writer.finish({ name: 'beside', version: '1', ...none });
  await file.commit();
  const bundle = Bundle.open(path);
  assert.equal(
    bundle.manifest.blobs.map(({ mediaType }) => mediaType),
    ['a', 'b', 'c'],
  );
  assert.ok(outline(path).outline);
  await readAllBlobs(bundle);
  bundle.close();
});

test('where blobs lie in another order than the manifest says, each is still found', async () => {
  const [one, other] = entries.filter(({ name }) => digestAt(name) !== undefined).slice(0, 2);
  assert.ok(one && other && one.size !== other.size);
  const swapped = entries.map(entry => (entry === one ? other : entry === other ? one : entry));
  const path = await packed(swapped as TarEntry[]);
  assert.ok(outline(path).outline, 'the sum of all is the same, so this is noticed later');
  const bundle = Bundle.open(path);
  await readAllBlobs(bundle);
  assert.is((await bundle.images().inventory()).images.length, 2);
  bundle.close();
});

test('a bundle that was packed anew with its manifest elsewhere has no outline, and is read all the same', async () => {
  const [head, ...rest] = entries;
  const path = await packed([head, rest.at(-1), ...rest.slice(0, -1)] as TarEntry[]);
  assert.is(outline(path).outline, undefined);
  const bundle = Bundle.open(path);
  await readAllBlobs(bundle);
  bundle.close();
});

test('a header that is damaged is told of by whoever takes what is behind it', async () => {
  const bytes = readFileSync(sound);
  const layer = entries.find(({ name }) => digestAt(name) !== undefined) as TarEntry;
  bytes.writeUInt8(bytes.readUInt8(layer.offset - 512) ^ 1, layer.offset - 512);
  const path = join(dir, 'damaged.tar');
  writeFileSync(path, bytes);
  const bundle = Bundle.open(path);
  const blob = bundle.manifest.blobs.find(({ digest }) => blobPath(digest) === layer.name);
  assert.ok(blob);
  const error = await refused(
    async () => {
      for await (const _ of bundle.blob(blob));
    },
    'ARCHIVE_INVALID',
    'checksum',
  );
  assert.is(error.where.offset, layer.offset - 512);
  await refused(() => bundle.entries, 'ARCHIVE_INVALID', 'checksum');
  bundle.close();
});

test('a manifest whose bytes are not those of its digest gives no outline', async () => {
  const bytes = readFileSync(sound);
  const last = entries.at(-1) as TarEntry;
  bytes.writeUInt8(bytes.readUInt8(last.offset + 5) ^ 1, last.offset + 5);
  const path = join(dir, 'changed.tar');
  writeFileSync(path, bytes);
  assert.is(outline(path).outline, undefined);
  await refused(() => Bundle.open(path), 'DIGEST_MISMATCH');
});

test.run();
