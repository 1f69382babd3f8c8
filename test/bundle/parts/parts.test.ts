/** Bundles in parts: written in one pass, read where they lie, and each part told from any other. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { splitBundle } from '../../../src/actions/bundle-split.ts';
import { type BundleVerified, problemsError, verifyBundle } from '../../../src/actions/bundle-verify.ts';
import { Bundle } from '../../../src/bundle/open.ts';
import { repairParts } from '../../../src/bundle/parts/repair.ts';
import { readAll } from '../../../src/content/verified.ts';
import { EXIT } from '../../../src/errors.ts';
import { Meter } from '../../../src/support/meter.ts';
import { openImageSource } from '../../../src/transports/open.ts';
import { PART_HEADER } from '../../../src/transports/parts/header.ts';
import { openWhole } from '../../../src/transports/parts/open.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { create, refused, writeSite } from '../rig.ts';

const test = suite('bundle/parts', { timeout: 60_000 });
const SIZE = 64 * 1024 + 100;
const home = scratch();
let whole: string;
let bytes: Buffer;
/** Parts of that bundle with parity, to be copied by tests. */
const pristine = join(home, 'pristine');

test.before(async () => {
  const recipe = await writeSite(home);
  writeFileSync(join(home, 'big'), Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) >> 3)));
  const more = `${recipe}  - { from: ./big, to: /etc/big }\n`;
  writeFileSync(join(home, 'recipe'), more);
  ({ path: whole } = await create(home, more));
  bytes = readFileSync(whole);
  mkdirSync(pristine);
  await split(pristine, true);
});

const split = (folder: string, parity: boolean, partSize = SIZE) =>
  splitBundle({ path: whole, output: `${folder}/`, partSize, parity, meter: new Meter() });

/** A folder of its own with the parts in it. */
function copy(): string {
  const folder = scratch();
  for (const name of readdirSync(pristine)) copyFileSync(join(pristine, name), join(folder, name));
  return folder;
}

const verify = (path: string, parts?: string[]): Promise<BundleVerified> =>
  verifyBundle({ path, trustedKeys: [], from: { parts }, meter: new Meter() });

async function contentOf(path: string, parts?: string[]): Promise<Buffer> {
  const file = openWhole(path, parts);
  try {
    return Buffer.from((await readAll(file.stream(), Infinity)) ?? []);
  } finally {
    file.close();
  }
}

function flip(path: string, at: number): void {
  const changed = readFileSync(path);
  changed.writeUInt8(changed.readUInt8(at) ^ 4, at);
  writeFileSync(path, changed);
}

test('parts hold the bytes of the bundle and a header each, no more', async () => {
  const folder = scratch();
  const { parts, size } = await split(folder, false);
  assert.is(size, bytes.length);
  assert.is(parts.length, Math.ceil(size / (SIZE - PART_HEADER)));
  assert.is(
    parts.reduce((sum, part) => sum + part.size, 0),
    size + parts.length * PART_HEADER,
  );
  assert.ok(parts.every(part => part.size <= SIZE));
  const joined = Buffer.concat(parts.map(({ path }) => readFileSync(path).subarray(PART_HEADER)));
  assert.ok(joined.equals(bytes), 'tail and cat make the bundle again');
  assert.equal(
    readdirSync(folder).sort(),
    parts.map(({ path }) => path.slice(folder.length + 1)),
  );
});

test('create writes the same parts that split cuts', async () => {
  const folder = scratch();
  const { parts, size, digest } = await create(home, readFileSync(join(home, 'recipe'), 'utf8'), {
    output: join(folder, 'site.tar'),
    parts: { partSize: SIZE, parity: true },
  });
  assert.is(size, bytes.length);
  assert.equal(readdirSync(folder).sort(), readdirSync(pristine).sort());
  assert.is(parts?.length, readdirSync(pristine).length);
  for (const name of readdirSync(pristine))
    assert.ok(readFileSync(join(folder, name)).equals(readFileSync(join(pristine, name))), name);
  const bundle = Bundle.open(join(folder, 'site.tar'));
  assert.is(bundle.digest, digest);
  bundle.close();
});

test('any part, or their common name, stands for the bundle; all of it is read in place', async () => {
  for (const name of ['site.tar', 'site.tar.001', 'site.tar.003', 'site.tar.parity']) {
    const path = join(pristine, name);
    assert.ok((await contentOf(path)).equals(bytes), name);
    assert.equal((await verify(path)).problems, [], name);
  }
  const source = await openImageSource(join(pristine, 'site.tar'));
  const names = (await source.inventory()).images.length;
  await source.close();
  assert.is(names, 2);
});

test('parts on several disks are found by --parts, under whatever names', async () => {
  const one = copy();
  const two = scratch();
  const names = readdirSync(one).sort();
  names.forEach((name, i) => {
    if (i % 2) renameSync(join(one, name), join(two, name.toUpperCase()));
  });
  assert.ok((await contentOf(join(one, 'site.tar.001'), [two])).equals(bytes));
  assert.ok((await contentOf(join(two, 'SITE.TAR.002'), [one])).equals(bytes));
});

test('a recipe takes images out of a bundle whose parts lie on several disks', async () => {
  const [here, there] = [scratch(), scratch()];
  for (const [i, name] of readdirSync(pristine).sort().entries())
    copyFileSync(join(pristine, name), join(i % 2 === 0 ? here : there, name));
  const path = join(here, 'site.tar');
  const output = join(scratch(), 'again.tar');
  const text = (more: string): string => `name: again\nversion: "1"\nimages: [{ archive: ${path}${more} }]\n`;
  await refused(() => create(home, text(''), { output }), 'BUNDLE_PARTS_MISSING');
  await create(home, text(`, parts: [${there}]`), { output });
  assert.equal((await verify(output)).problems, []);
});

test('swapped names make no difference: a part is what it says it is', async () => {
  const folder = copy();
  const [a, b, spare] = ['002', '004', '999'].map(n => join(folder, `site.tar.${n}`)) as [
    string,
    string,
    string,
  ];
  renameSync(a, spare);
  renameSync(b, a);
  renameSync(spare, b);
  assert.ok((await contentOf(join(folder, 'site.tar'))).equals(bytes));
});

test('missing parts are named, with where they were looked for, before anything is read', async () => {
  const folder = copy();
  const other = scratch();
  rmSync(join(folder, 'site.tar.002'));
  rmSync(join(folder, 'site.tar.004'));
  const error = await refused(
    () => Bundle.open(join(folder, 'site.tar'), { parts: [other] }),
    'BUNDLE_PARTS_MISSING',
    'parts 2 and 4 are missing',
  );
  assert.ok(error.suggestions[0]?.includes(folder) && error.suggestions[0]?.includes(other));
  await refused(() => verify(join(folder, 'site.tar.001')), 'BUNDLE_PARTS_MISSING');
  const nowhere = join(folder, 'nosuch');
  await refused(
    () => Bundle.open(join(folder, 'site.tar'), { parts: [nowhere] }),
    'FILE_NOT_FOUND',
    `there is no folder ${nowhere}`,
  );
});

test('a part of another bundle is told from the one that belongs there', async () => {
  const folder = copy();
  const foreign = scratch();
  const changed = readFileSync(join(home, 'recipe'), 'utf8').replace('2026.11', '2026.12');
  await create(home, changed, { output: join(foreign, 'site.tar'), parts: { partSize: SIZE } });
  copyFileSync(join(foreign, 'site.tar.003'), join(folder, 'site.tar.003'));
  const error = await refused(() => verify(join(folder, 'site.tar.001')), 'BUNDLE_PARTS_MISSING', 'part 3');
  assert.match(error.suggestions.join('\n'), /site\.tar\.003: it is part 3 of \d+ of plant-7 2026\.12/);
  await refused(() => verify(join(folder, 'site.tar.003')), 'BUNDLE_PARTS_MISSING');
  const both = copy();
  for (const name of readdirSync(foreign))
    copyFileSync(join(foreign, name), join(both, `${name.slice(0, -1)}9`));
  rmSync(join(both, 'site.tar.001'));
  await refused(() => verify(join(both, 'site.tar')), 'BUNDLE_INVALID', 'different bundles');
});

test('a part of another cut of the same bundle does not fit', async () => {
  const folder = copy();
  const other = scratch();
  await split(other, false, SIZE - 50);
  copyFileSync(join(other, 'site.tar.002'), join(folder, 'site.tar.002'));
  await refused(() => verify(join(folder, 'site.tar.001')), 'BUNDLE_PARTS_MISSING', 'part 2 is missing');
});

test('a damaged part is named, with the blobs in it and who needs them, and no other part', async () => {
  const folder = copy();
  const path = join(folder, 'site.tar.003');
  flip(path, PART_HEADER + 30_000);
  const report = await verify(join(folder, 'site.tar.001'));
  assert.equal(
    report.problems.filter(({ kind }) => kind === 'part').map(({ part }) => part),
    [path],
  );
  assert.ok(
    report.problems.some(({ kind, usedBy }) => kind === 'damaged' && usedBy.includes('file /etc/big')),
  );
  const error = problemsError(report);
  assert.is(error?.exit, EXIT.verification);
  assert.is(error?.where.file, path);
  assert.match(error?.suggestions.join('\n') ?? '', 'site.tar.003 over again; the other parts need not be');
});

test('a part is named whose damage leaves nothing to open: in the head, the manifest, its own header', async () => {
  for (const at of [PART_HEADER + 700, PART_HEADER + 10, 100, 3]) {
    const folder = copy();
    flip(join(folder, 'site.tar.001'), at);
    for (const name of ['site.tar', 'site.tar.001', 'site.tar.002']) {
      const error = await refused(() => verify(join(folder, name)), 'BUNDLE_CORRUPT', 'site.tar.001');
      assert.is(error.where.file, join(folder, 'site.tar.001'), `${at} ${name}`);
    }
  }
});

test('a part of a later format is told as one, and not as something else', async () => {
  const folder = copy();
  const path = join(folder, 'site.tar.001');
  const part = readFileSync(path);
  const text = part
    .subarray(0, PART_HEADER - 65)
    .toString('latin1')
    .replace('part.v1+json', 'part.v2+json');
  const sum = createHash('sha256').update(text, 'latin1').digest('hex');
  writeFileSync(path, Buffer.concat([Buffer.from(`${text}${sum}\n`, 'latin1'), part.subarray(PART_HEADER)]));
  const error = await refused(
    () => Bundle.open(path),
    'BUNDLE_INVALID',
    'a format that this airferry does not know',
  );
  assert.match(error.suggestions.join(), 'a newer one');
});

test('a part that was cut short, anywhere, is named', async () => {
  const { length } = readFileSync(join(pristine, 'site.tar.002'));
  for (const size of [0, 1, 512, PART_HEADER - 1, PART_HEADER, PART_HEADER + 512, length - 512, length - 1]) {
    const folder = copy();
    truncateSync(join(folder, 'site.tar.002'), size);
    const error = await refused(() => verify(join(folder, 'site.tar.001')), 'BUNDLE_CORRUPT', 'site.tar.002');
    assert.is(error.where.file, join(folder, 'site.tar.002'), String(size));
  }
});

test('any one lost part is made anew, byte for byte, parity and the last one too', async () => {
  for (const name of readdirSync(pristine)) {
    const folder = copy();
    rmSync(join(folder, name));
    const left = readdirSync(folder)[0] ?? '';
    const done = await repairParts({ path: join(folder, left), meter: new Meter() });
    assert.is(done.path, join(folder, name));
    assert.ok(readFileSync(join(folder, name)).equals(readFileSync(join(pristine, name))), name);
  }
});

test('a damaged part is replaced, into another folder where its own is read-only', async () => {
  const folder = copy();
  const output = scratch();
  flip(join(folder, 'site.tar.003'), PART_HEADER + 77);
  const done = await repairParts({ path: join(folder, 'site.tar'), output, meter: new Meter() });
  assert.is(done.path, join(output, 'site.tar.003'));
  assert.ok(readFileSync(done.path ?? '').equals(readFileSync(join(pristine, 'site.tar.003'))));
  flip(join(folder, 'site.tar.001'), 20);
  rmSync(join(folder, 'site.tar.003'));
  const again = await repairParts({
    path: join(folder, 'site.tar.001'),
    parts: [output],
    meter: new Meter(),
  });
  assert.is(again.part, 1);
  assert.equal((await verify(join(folder, 'site.tar'), [output])).problems, []);
  assert.is((await repairParts({ path: join(pristine, 'site.tar'), meter: new Meter() })).path, undefined);
});

test('more than one lost part, or none to make up for it, is said', async () => {
  const folder = copy();
  rmSync(join(folder, 'site.tar.002'));
  flip(join(folder, 'site.tar.004'), PART_HEADER);
  const repair = (path: string) => repairParts({ path, meter: new Meter() });
  const error = await refused(
    () => repair(join(folder, 'site.tar')),
    'BUNDLE_PARTS_MISSING',
    '2 parts are lost',
  );
  assert.match(error.suggestions.join('\n'), /part 2 of \d+, part 4 of/);
  const plain = scratch();
  await split(plain, false);
  flip(join(plain, 'site.tar.001'), PART_HEADER);
  await refused(() => repair(join(plain, 'site.tar')), 'BUNDLE_CORRUPT', 'there is no parity part');
  await refused(() => repair(join(plain, 'nothing.tar')), 'FILE_NOT_FOUND');
});

test('parts are not changed where they lie, and too many or too small ones are not written', async () => {
  const { signWithKey } = await import('../../../src/actions/bundle-sign.ts');
  const { newSecretKey } = await import('../../../src/bundle/sign/secret-key.ts');
  await refused(
    () => signWithKey(join(pristine, 'site.tar.001'), newSecretKey(), {}),
    'FILE_UNWRITABLE',
    'which are never changed',
  );
  await refused(() => split(scratch(), false, 1000), 'USAGE', 'too small');
});

test('an interrupted cut leaves nothing behind, and a new one replaces older parts, stale ones too', async () => {
  const folder = scratch();
  const stop = new AbortController();
  stop.abort(new Error('stop'));
  const options = { path: whole, output: `${folder}/`, partSize: SIZE, parity: true, meter: new Meter() };
  await splitBundle({ ...options, signal: stop.signal }).then(
    () => assert.unreachable(),
    () => undefined,
  );
  assert.equal(readdirSync(folder), []);
  await split(folder, true);
  writeFileSync(join(folder, 'site.tar.900'), 'mine');
  await split(folder, false, SIZE * 2);
  const { parts } = await split(folder, false, SIZE * 3);
  assert.equal(readdirSync(folder).sort(), [
    ...parts.map(({ path }) => path.slice(folder.length + 1)),
    'site.tar.900',
  ]);
});

test.run();
