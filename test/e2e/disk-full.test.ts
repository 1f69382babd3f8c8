/** Disks that run full while something is written to them: a real one of a few kilobytes. */
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { retagBundle } from '../../src/bundle/retag.ts';
import { verifyBundle } from '../../src/bundle/verify.ts';
import { parseRetagRule } from '../../src/content/retag.ts';
import { Meter } from '../../src/support/meter.ts';
import { openImageSource } from '../../src/transports/open.ts';
import { create, refused } from '../bundle/rig.ts';
import { dockerArchive20, noise, siteImages, writeTo } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { copyAll, PLACES } from '../transports/places.ts';

const test = suite('a full disk', { timeout: 60_000 });
const folder = scratch();
const disk = join(folder, 'disk');
mkdirSync(disk);

test.before(() => {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'airferry-test', disk]);
});

test.after(() => {
  execFileSync('umount', [disk]);
});

test.beforeEach(() => {
  execFileSync('find', [disk, '-mindepth', '1', '-delete']);
});

/** Leave so many kilobytes. */
function fillUpTo(kilobytes: number): void {
  writeFileSync(join(disk, 'ballast'), noise((256 - kilobytes) * 1024 - 4096));
}

const archive = writeTo(folder, 'site.tar', await dockerArchive20(await siteImages()));

// A registry has a disk of its own: what its being full looks like from here is for its own tests.
const { docker: _, ...FILES } = PLACES;
for (const [name, place] of Object.entries(FILES)) {
  test(`${name}: an archive that finds no room says so and leaves nothing, and a layout nothing that is not whole`, async () => {
    fillUpTo(40);
    const source = await openImageSource(archive);
    try {
      const error = await refused(() => copyAll(source, place(disk)), 'DISK_FULL', 'the disk is full');
      assert.match(error.suggestions.join(' '), 'df -h');
    } finally {
      await source.close();
    }
    if (name !== 'oci') assert.equal(readdirSync(disk), ['ballast']);
    else assert.not(existsSync(join(disk, 'layout/index.json')));
    assert.equal(
      readdirSync(disk, { recursive: true }).filter(path => String(path).endsWith('.part')),
      [],
    );
  });
}

test('a bundle whose names would need more room than there is stays as it was, and whole', async () => {
  const source = await openImageSource(archive);
  const path = join(folder, 'bundle.tar');
  const place = PLACES.bundle?.(folder);
  if (place) await copyAll(source, place);
  await source.close();
  const before = readFileSync(path);
  const long = `hub.company.com/${'very-long/'.repeat(20)}`;
  for (const spare of [0, 8, 12, 16]) {
    execFileSync('find', [disk, '-mindepth', '1', '-delete']);
    copyFileSync(path, join(disk, 'bundle.tar'));
    const free = 256 * 1024 - Math.ceil(statSync(path).size / 4096) * 4096;
    writeFileSync(join(disk, 'ballast'), noise(free - spare * 1024));
    try {
      await retagBundle(join(disk, 'bundle.tar'), { rules: [parseRetagRule(`*=${long}*`)] });
    } catch (error) {
      assert.is((error as { code: string }).code, 'DISK_FULL', String(error));
      assert.ok(readFileSync(join(disk, 'bundle.tar')).equals(before), `${spare} kB to spare`);
    }
    const bundle = Bundle.open(join(disk, 'bundle.tar'));
    assert.equal((await verifyBundle(bundle, { meter: new Meter() })).problems, []);
    bundle.close();
    assert.equal(readdirSync(disk).sort(), ['ballast', 'bundle.tar']);
  }
});

/** A folder with a file of so many bytes, which fits on the disk, and one that does not; and recipes of either. */
function twoFiles(size: number): { home: string; recipe(from: 'small' | 'large'): string } {
  const home = scratch();
  writeFileSync(join(home, 'small'), noise(size, 1));
  writeFileSync(join(home, 'large'), noise(2_000_000, 2));
  return { home, recipe: from => `name: t\nversion: "1"\nfiles: [{ from: ./${from}, to: /etc/x }]\n` };
}

test('a bundle that finds no room in the middle leaves nothing, and the older one stays', async () => {
  const { home, recipe } = twoFiles(50_000);
  const options = { output: join(disk, 'site.tar') };
  await create(home, recipe('small'), options);
  const before = readFileSync(options.output);
  const failure = await create(home, recipe('large'), options).catch((error: unknown) => error);
  assert.is((failure as { code: string }).code, 'DISK_FULL', String(failure));
  assert.equal(readdirSync(disk), ['site.tar']);
  assert.ok(readFileSync(options.output).equals(before));
});

test('a bundle in parts leaves none of them where the disk is full in the middle, and older ones stay', async () => {
  const { home, recipe } = twoFiles(100_000);
  const options = { output: join(disk, 'site.tar'), parts: { partSize: 65_536, parity: true } };
  execFileSync('find', [disk, '-mindepth', '1', '-delete']);
  await create(home, recipe('small'), options);
  const before = readdirSync(disk).sort();
  assert.ok(before.length > 2);
  const failure = await create(home, recipe('large'), options).catch((error: unknown) => error);
  assert.is((failure as { code: string }).code, 'DISK_FULL', String(failure));
  assert.equal(readdirSync(disk).sort(), before);
  const bundle = Bundle.open(join(disk, 'site.tar'));
  assert.equal((await verifyBundle(bundle, { meter: new Meter() })).problems, []);
  bundle.close();
});

test.run();
