/** Bundles that somebody made to do harm: each is refused or reported, none is believed. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type BundleVerified, verifyBundle } from '../../src/actions/bundle-verify.ts';
import { type BundleManifest, formatHead } from '../../src/bundle/manifest.ts';
import { Bundle } from '../../src/bundle/open.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { ReadFile } from '../../src/support/file.ts';
import { Meter } from '../../src/support/meter.ts';
import { indexTar } from '../../src/tar/index.ts';
import { END_OF_ARCHIVE, fileHeader, linkHeader, padding } from '../../src/tar/write.ts';
import { HEAD_NAME } from '../../src/transports/oci/bundle-store.ts';
import { blobPath } from '../../src/transports/oci/file-store.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { create, refused, writeSite } from './rig.ts';

const test = suite('bundle/hostile', { timeout: 60_000 });
const dir = scratch();
let sound: string;
let entries: Entry[];
let manifest: BundleManifest;

interface Entry {
  name: string;
  bytes: Uint8Array;
  /** In place of the one that fits. */
  header?: Uint8Array;
}

test.before(async () => {
  ({ path: sound } = await create(dir, await writeSite(dir)));
  const bundle = Bundle.open(sound);
  const file = ReadFile.open(sound);
  manifest = bundle.manifest;
  const own = blobPath(bundle.digest);
  entries = indexTar(file)
    .filter(({ name }) => name !== HEAD_NAME && name !== own)
    .map(({ name, offset, size }) => ({ name, bytes: Buffer.from(file.readAt(offset, size)) }));
  bundle.close();
  file.close();
});

/** A bundle out of entries and a manifest, both as somebody wants them; the head is over the manifest. */
async function forge(
  change: (manifest: Record<string, unknown> & BundleManifest) => void,
  content: Entry[] = entries,
): Promise<string> {
  const forged = structuredClone(manifest) as Record<string, unknown> & BundleManifest;
  change(forged);
  const bytes = Buffer.from(JSON.stringify(forged));
  const digest = digestOf(bytes);
  const { schemaVersion, needs, name, version } = manifest;
  const head = formatHead({
    schemaVersion,
    needs,
    name,
    version,
    manifest: { mediaType: manifest.mediaType, digest, size: bytes.length },
  });
  const all: Entry[] = [{ name: HEAD_NAME, bytes: head }, ...content, { name: blobPath(digest), bytes }];
  const pieces: Uint8Array[] = [];
  for (const { name, bytes, header } of all)
    pieces.push(header ?? (await fileHeader(name, bytes.length)), bytes, padding(bytes.length));
  const path = join(dir, 'forged.tar');
  writeFileSync(path, Buffer.concat([...pieces, END_OF_ARCHIVE]));
  return path;
}

const verify = (path: string): Promise<BundleVerified> =>
  verifyBundle({ path, trustedKeys: [], meter: new Meter() });

async function complaints(path: string): Promise<string[]> {
  return (await verify(path)).problems.map(({ kind, message }) => `${kind} ${message.slice(0, 200)}`);
}

const digest = (word: string): Digest => digestOf(word);

test('what is forged without a change is sound, so that each complaint below is about its change', async () => {
  assert.equal(await complaints(await forge(() => undefined)), []);
});

test('a manifest that names blobs outside of the archive', async () => {
  const path = await forge(({ blobs, files }) => {
    blobs.push({ mediaType: 'x', digest: digest('elsewhere'), size: 10 });
    files.push({ path: '/etc/more', mode: '0644', digest: digest('nowhere'), size: 10 });
  });
  const told = await complaints(path);
  assert.ok(told.some(line => line === `missing ${blobPath(digest('elsewhere'))} is not in the archive`));
  assert.ok(
    told.some(line => /^dangling file \/etc\/more needs .* which the bundle does not list/.test(line)),
  );
});

test('entries twice, once with other content: the bundle does not depend on which one is read', async () => {
  const [first] = entries.filter(({ name }) => name.startsWith('blobs/'));
  assert.ok(first);
  const other = { name: first.name, bytes: Buffer.alloc(first.bytes.length, 'x') };
  assert.ok((await complaints(await forge(() => undefined, [...entries, other]))).length > 0);
  assert.ok((await complaints(await forge(() => undefined, [other, ...entries]))).length > 0);
  const spelled = { name: `./${first.name}`, bytes: other.bytes };
  assert.ok((await complaints(await forge(() => undefined, [...entries, spelled]))).length > 0);
});

test('links, with and without a name that belongs there', async () => {
  for (const target of ['/etc/shadow', '../../etc/shadow', 'index.json']) {
    for (const name of ['blobs/sha256/link', entries[0]?.name.slice(0, 90) ?? '', '/etc/cron.d/x', '../x']) {
      const link = { name, bytes: Buffer.alloc(0), header: await linkHeader(name, target) };
      const told = await complaints(await forge(() => undefined, [...entries, link]));
      assert.ok(
        told.some(line => /^foreign the entry/.test(line)),
        `${name} → ${target}`,
      );
    }
  }
});

test('sizes that lie, in the manifest, in a reference and in a tar header', async () => {
  const told = await complaints(await forge(({ blobs }) => void (blobs[0] && blobs[0].size++)));
  assert.ok(
    told.some(line => /^damaged .* bytes instead of/.test(line)),
    told.join('\n'),
  );
  const file = await complaints(await forge(({ files }) => void (files[0] && files[0].size++)));
  assert.ok(
    file.some(line => /^dangling file \/etc\/motd needs/.test(line)),
    file.join('\n'),
  );
  const [first] = entries;
  assert.ok(first);
  const longer = { ...first, header: await fileHeader(first.name, first.bytes.length + 512) };
  const path = await forge(() => undefined, [longer, ...entries.slice(1)]);
  await verify(path).then(
    report => assert.ok(report.problems.length > 0),
    error => assert.ok(['BUNDLE_CORRUPT', 'BUNDLE_INVALID'].includes(error.code), String(error)),
  );
});

test('bombs of 10 GB: an extended header, an entry, a manifest, each refused without being read', async () => {
  const huge = 10 * 1024 ** 3;
  const name = 'x'.repeat(90);
  const pax = Buffer.from(await fileHeader(name, huge));
  pax.write('x', 156);
  resum(pax);
  const before = process.memoryUsage().rss;
  for (const header of [pax, await fileHeader(name, huge)]) {
    const path = await forge(() => undefined, [{ name, bytes: Buffer.alloc(0), header }, ...entries]);
    await refused(() => verify(path), 'BUNDLE_CORRUPT');
  }
  const bytes = readFileSync(sound);
  const head = JSON.parse(bytes.toString('utf8', 512, 512 + 4096));
  head.manifest.size = huge;
  bytes.write(JSON.stringify(head).padEnd(4095), 512);
  const path = join(dir, 'bomb.tar');
  writeFileSync(path, bytes);
  await refused(() => verify(path), 'BUNDLE_INVALID', 'manifest.size');
  assert.ok(process.memoryUsage().rss - before < 200e6);
});

function resum(header: Buffer): void {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}

test('paths of files that lead elsewhere, modes and unit names that are none', async () => {
  for (const path of [
    'etc/motd',
    '/etc/../root/x',
    '/../etc/shadow',
    '/./x',
    '//etc/x',
    '/a\n/../x',
    '/etc/./x',
    '//',
    '/',
    '/etc/',
    '/..',
    '',
  ])
    await refused(
      async () => verify(await forge(({ files }) => void (files[0] && Object.assign(files[0], { path })))),
      'BUNDLE_INVALID',
      'files.0.path',
    );
  for (const mode of ['4755', '0999', '755', ''])
    await refused(
      async () => verify(await forge(({ files }) => void (files[0] && Object.assign(files[0], { mode })))),
      'BUNDLE_INVALID',
      'files.0.mode',
    );
  for (const name of ['../x.service', '/x', 'a/b/c', 'drop-ins/../x', ''])
    await refused(
      async () =>
        verify(
          await forge(({ units }) => Object.assign(units, { [name]: { digest: digest('x'), size: 1 } })),
        ),
      'BUNDLE_INVALID',
      'units',
    );
});

test('a delta that leaves out nothing, knows no base, or says it of what is not in its manifest', async () => {
  const base = { kind: 'bundle', name: 'x 1', digest: digest('x') };
  const set = (delta: unknown) => forge(forged => void Object.assign(forged, { delta }));
  for (const delta of [
    {},
    { bases: [], absent: [] },
    { bases: [base], absent: [] },
    { bases: [{ ...base, kind: 'y' }], absent: [{ digest: digest('x'), bases: [0] }] },
  ])
    await refused(async () => verify(await set(delta)), 'BUNDLE_INVALID', 'delta');
  const stray = await set({ bases: [base], absent: [{ digest: digest('stray'), bases: [7] }] });
  assert.is((await verify(stray)).leftOut?.blobs, 0);
  const [first] = manifest.blobs;
  const hidden = await set({ bases: [base], absent: [{ digest: first?.digest, bases: [0] }] });
  const report = await verify(hidden);
  assert.equal(report.problems, [], 'what is there all the same is checked all the same');
});

test.run();
