import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { inspectBundle } from '../../../src/actions/bundle-inspect.ts';
import { verifyBundle } from '../../../src/actions/bundle-verify.ts';
import { HEAD_SIZE } from '../../../src/bundle/manifest.ts';
import { Bundle } from '../../../src/bundle/open.ts';
import { retagBundle } from '../../../src/bundle/retag.ts';
import { digestOf } from '../../../src/content/digest.ts';
import { parseRetagRule } from '../../../src/content/retag.ts';
import { Meter } from '../../../src/support/meter.ts';
import { BLOCK } from '../../../src/tar/header.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../../src/tar/write.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { GOLDEN } from '../golden/make.ts';
import { create, refused, writeSite } from '../rig.ts';
import { complaints } from './json-schema.ts';
import { schemaFiles } from './schemas.ts';

const test = suite('bundle/format');
const dir = scratch();

type Json = Record<string, unknown>;

const verify = (path: string) => verifyBundle({ path, trustedKeys: [], meter: new Meter() });

function documentsOf(path: string): { head: Json; manifest: Json } {
  const bundle = Bundle.open(path);
  const head = JSON.parse(Buffer.from(bundle.file.readAt(BLOCK, HEAD_SIZE)).toString());
  const manifest = JSON.parse(Buffer.from(bundle.manifestBytes).toString());
  bundle.close();
  return { head, manifest };
}

/** The golden bundle with another manifest and head, all else as a writer of them would leave it; unsigned. */
async function rewritten(
  change: { head?: Json; manifest?: Json },
  extra: [string, Buffer][] = [],
): Promise<string> {
  const { head, manifest } = documentsOf(GOLDEN);
  const bundle = Bundle.open(GOLDEN);
  const place = bundle.tail[0]?.offset ?? 0;
  const before = Buffer.from(bundle.file.readAt(0, place - BLOCK));
  bundle.close();
  const bytes = Buffer.from(JSON.stringify({ ...manifest, ...change.manifest }));
  const digest = digestOf(bytes);
  const repeated = Object.fromEntries(
    Object.entries(change.manifest ?? {}).filter(([key]) => ['schemaVersion', 'needs'].includes(key)),
  );
  const named = { ...(head.manifest as Json), digest, size: bytes.length };
  const text = JSON.stringify({ ...head, ...repeated, manifest: named, ...change.head }, undefined, 2);
  before.write(`${text.padEnd(HEAD_SIZE - 1)}\n`, BLOCK);
  const entries: Uint8Array[] = [];
  for (const [name, content] of [...extra, [`blobs/${digest.replace(':', '/')}`, bytes] as const])
    entries.push(await fileHeader(name, content.length), content, padding(content.length));
  const path = join(dir, 'rewritten.tar');
  writeFileSync(path, Buffer.concat([before, ...entries, END_OF_ARCHIVE]));
  return path;
}

test('the published schemas are those by which bundles are read', () => {
  for (const [path, schema] of schemaFiles())
    assert.equal(JSON.parse(readFileSync(path, 'utf8')), schema, path);
});

test('real bundles keep the published schemas', async () => {
  const { path } = await create(dir, await writeSite(dir));
  const [head = {}, manifest = {}] = [...schemaFiles().values()];
  for (const file of [GOLDEN, path]) {
    const documents = documentsOf(file);
    assert.equal(complaints(documents.head, head), []);
    assert.equal(complaints(documents.manifest, manifest), []);
  }
  const { manifest: wrong } = documentsOf(GOLDEN);
  assert.ok(complaints({ ...wrong, blobs: [{ digest: 'sha256:x' }] }, manifest).length >= 2);
});

test('a newer minor is read, and what it adds is left out of account', async () => {
  const path = await rewritten({
    manifest: { schemaVersion: '1.7', needs: 'airferry 0.9.0', novelty: { deep: [1] } },
  });
  const report = await verify(path);
  assert.equal(report.problems, []);
  assert.is((await inspectBundle({ path })).schemaVersion, '1.7');
});

test('a newer minor is not written anew, since that would lose what it adds', async () => {
  const path = await rewritten({ manifest: { schemaVersion: '1.7', needs: 'airferry 0.9.0' } });
  const before = readFileSync(path);
  const rules = [parseRetagRule('hub.company.com/*=intranet.site/*')];
  const { suggestions } = await refused(
    () => retagBundle(path, { rules }),
    'BUNDLE_INVALID',
    'has format 1.7',
  );
  assert.match(suggestions.join(), 'airferry 0.9.0 or newer');
  assert.ok(readFileSync(path).equals(before));
});

test('another major is refused with the version that is needed', async () => {
  for (const [change, word] of [
    [{ schemaVersion: '2.0', needs: 'airferry 3.1.0' }, 'needs airferry 3.1.0 or newer'],
    [{ schemaVersion: '0.9', needs: undefined }, 'the airferry that made the bundle'],
    [{ schemaVersion: '12.3', needs: '\u001b[31m' }, 'the airferry that made the bundle'],
  ] as const) {
    const path = await rewritten({ head: { ...change, entirely: 'different' } });
    const { suggestions } = await refused(
      () => verify(path),
      'BUNDLE_INVALID',
      `has format ${change.schemaVersion}`,
    );
    assert.match(suggestions.join(), word);
  }
});

test('a head with more than the format says, or another than its manifest repeats, is refused', async () => {
  await refused(async () => verify(await rewritten({ head: { more: 1 } })), 'BUNDLE_INVALID', '"more"');
  for (const head of [{ needs: 'airferry 0.0.9' }, { schemaVersion: '1.1' }, { name: 'other' }]) {
    const path = await rewritten({ head });
    await refused(() => verify(path), 'BUNDLE_CORRUPT', 'is not the one of its manifest');
  }
});

test('a blob or an entry that the manifest does not name is refused; signatures alone are the exception', async () => {
  const blob = Buffer.from('smuggled');
  const extras: [string, Buffer][] = [
    [`blobs/${digestOf(blob).replace(':', '/')}`, blob],
    ['readme.txt', blob],
    ['signatures/AF00000000000001.minisig', blob],
  ];
  for (const extra of extras) {
    const { problems } = await verify(await rewritten({}, [extra]));
    assert.equal(
      problems.map(({ kind, message }) => [kind, message]),
      [['foreign', `the entry "${extra[0]}" is not named by the manifest`]],
      'before the manifest is no place for a signature',
    );
  }
  assert.equal((await verify(GOLDEN)).problems, [], 'it is signed');
});

test.run();
