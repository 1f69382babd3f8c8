import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type BundleVerified, problemsError, verifyBundle } from '../../src/actions/bundle-verify.ts';
import { Bundle } from '../../src/bundle/open.ts';
import { EXIT, isAirferryError } from '../../src/errors.ts';
import { ReadFile } from '../../src/support/file.ts';
import { Meter } from '../../src/support/meter.ts';
import { indexTar } from '../../src/tar/index.ts';
import { fileHeader, padding } from '../../src/tar/write.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { create, refused, writeSite } from './rig.ts';

const test = suite('bundle/verify', { timeout: 60_000 });
const dir = scratch();
let sound: string;
let size: number;

test.before(async () => {
  ({ path: sound, size } = await create(dir, await writeSite(dir)));
});

const verify = (path: string): Promise<BundleVerified> =>
  verifyBundle({ path, trustedKeys: [], meter: new Meter() });

/** A copy of the sound bundle, changed. */
function changed(change: (bytes: Buffer) => Uint8Array | undefined): string {
  const bytes = readFileSync(sound);
  const path = join(dir, 'changed.tar');
  writeFileSync(path, change(bytes) ?? bytes);
  return path;
}

function entry(name: string) {
  const file = ReadFile.open(sound);
  try {
    const found = indexTar(file).find(candidate => candidate.name.startsWith(name));
    assert.ok(found, name);
    return found;
  } finally {
    file.close();
  }
}

test('a sound bundle has no problems, and the report says what was checked', async () => {
  const report = await verify(sound);
  assert.equal(report.problems, []);
  assert.is(report.name, 'plant-7');
  assert.is(report.size, size);
  assert.is(problemsError(report), undefined);
  const blobs = indexTar(ReadFile.open(sound)).filter(({ name }) => name.startsWith('blobs/'));
  assert.is(report.blobs, blobs.length + 3, 'all blobs and the three documents');
  assert.is(
    report.hashedBytes,
    indexTar(ReadFile.open(sound))
      .slice(1)
      .reduce((n, { size }) => n + size, 0),
  );
  // engine, 13 units, file, 2 images with manifest, config and 2 layers each
  assert.is(report.references, 1 + 13 + 1 + 2 * 4);
});

test('any flipped byte is found', async () => {
  const path = join(dir, 'flipped.tar');
  copyFileSync(sound, path);
  const bytes = readFileSync(sound);
  const misses: number[] = [];
  // Every 31st byte, and every third of the first header, the head, and the end of the archive.
  for (let at = 0; at < bytes.length; at += at < 700 || at > bytes.length - 1100 ? 3 : 31) {
    const flipped = Buffer.from([(bytes[at] ?? 0) ^ (1 << (at % 8))]);
    const file = await open(path, 'r+');
    await file.write(flipped, 0, 1, at);
    const found = await verify(path).then(
      report => report.problems.length > 0,
      error => isAirferryError(error, 'BUNDLE_CORRUPT', 'BUNDLE_INVALID'),
    );
    if (!found) misses.push(at);
    await file.write(bytes.subarray(at, at + 1), 0, 1, at);
    await file.close();
  }
  assert.equal(misses, []);
  assert.equal((await verify(path)).problems, []);
});

test('a damaged layer is named with its offset and the images that need it', async () => {
  const { manifest } = JSON.parse(readFileSync(sound).toString('utf8', 512, 512 + 4096));
  assert.match(manifest.digest, /^sha256:/);
  const index = JSON.parse(
    readFileSync(sound)
      .subarray(entry('manifest.json').offset)
      .toString('utf8', 0, entry('manifest.json').size),
  );
  const shared = entry(index[0].Layers[0]);
  const path = changed(bytes => {
    bytes.writeUInt8(bytes.readUInt8(shared.offset + 20) ^ 1, shared.offset + 20);
    return undefined;
  });
  const report = await verify(path);
  assert.is(report.problems.length, 1);
  const [problem] = report.problems;
  assert.is(problem?.kind, 'damaged');
  assert.is(problem?.offset, shared.offset);
  assert.is(`blobs/${problem?.blob?.replace(':', '/')}`, shared.name);
  assert.equal(problem?.usedBy, ['layer 1 of site/app:1.0', 'layer 1 of tool:2']);
  const error = problemsError(report);
  assert.is(error?.exit, EXIT.verification);
  assert.is(error?.where.offset, shared.offset);
});

test('a bundle that was cut short is found wherever it was cut', async () => {
  const path = join(dir, 'cut.tar');
  const bundle = Bundle.open(sound);
  const boundaries = bundle.entries.flatMap(({ offset, size: bytes }) => {
    const end = offset + bytes;
    return [offset - 512, offset, end, Math.ceil(end / 512) * 512];
  });
  bundle.close();
  const lengths = new Set([...boundaries, size - 512].flatMap(at => [at - 1, at, at + 1]));
  for (let length = size - 1; length > 0; length -= 1 + ((length * 7) % 1911)) lengths.add(length);
  for (const length of lengths) {
    if (length <= 0 || length >= size) continue;
    copyFileSync(sound, path);
    truncateSync(path, length);
    const found = await verify(path).then(
      report => report.problems.length > 0,
      error => isAirferryError(error, 'BUNDLE_CORRUPT', 'BUNDLE_INVALID'),
    );
    assert.ok(found, `cut at ${length}`);
  }
});

test('what the manifest does not name is refused: more entries, entries twice, bytes after the end', async () => {
  const extra = Buffer.concat([await fileHeader('blobs/extra', 5), Buffer.from('extra'), padding(5)]);
  const beforeEnd = (bytes: Buffer, more: Uint8Array) =>
    Buffer.concat([bytes.subarray(0, -1024), more, Buffer.alloc(1024)]);
  const kinds = async (path: string) =>
    (await verify(path)).problems.map(({ kind, message }) => `${kind} ${message}`);
  assert.equal(await kinds(changed(bytes => beforeEnd(bytes, extra))), [
    'foreign the entry "blobs/extra" is not named by the manifest',
  ]);
  const { offset, size: length } = entry('oci-layout');
  assert.equal(
    await kinds(
      changed(bytes =>
        beforeEnd(bytes, bytes.subarray(offset - 512, offset + Math.ceil(length / 512) * 512)),
      ),
    ),
    ['foreign the entry "oci-layout" is in the archive twice'],
  );
  assert.equal(await kinds(changed(bytes => Buffer.concat([bytes, Buffer.from('more')]))), [
    'structure 4 bytes follow the end of the archive',
  ]);
});

test('a blob that was taken out is missing by name', async () => {
  const { offset, size: length, name } = entry('oci-layout');
  const path = changed(bytes =>
    Buffer.concat([bytes.subarray(0, offset - 512), bytes.subarray(offset + Math.ceil(length / 512) * 512)]),
  );
  const { problems } = await verify(path);
  assert.ok(problems.some(({ kind, message }) => kind === 'missing' && message.includes(name)));
});

test('what is no bundle is said to be none', async () => {
  const path = join(dir, 'none');
  for (const bytes of ['', 'hello', '<html>', Buffer.alloc(5000), readFileSync(join(dir, 'images.tar'))]) {
    writeFileSync(path, bytes);
    await refused(() => verify(path), 'BUNDLE_INVALID', 'is no airferry bundle');
  }
  await refused(() => verify(join(dir, 'missing.tar')), 'FILE_NOT_FOUND');
});

test('a bundle of a later format is refused with a clear word', async () => {
  const path = changed(bytes => {
    const at = bytes.indexOf('"schemaVersion": "1.0"', 512);
    bytes.write('2', at + '"schemaVersion": "'.length);
    return undefined;
  });
  const { suggestions } = await refused(() => verify(path), 'BUNDLE_INVALID', 'has format 2.0');
  assert.match(suggestions.join(' '), 'needs airferry 0.1.0 or newer');
});

test.run();
