/** Bundles in parts on the command line: cut, created as parts, lost and made anew, damaged, spread over folders. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { create } from '../bundle/rig.ts';
import { noise } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { airferry, inFolder, saveArchive, writeRecipe } from './airferry.ts';

const test = suite('parts on the command line', { timeout: 60_000 });

const NAMES = ['site.tar.001', 'site.tar.002', 'site.tar.003', 'site.tar.004', 'site.tar.parity'];
const site = scratch();
const parts = scratch();

test.before(async () => {
  await saveArchive(join(site, 'a.tar'), 'site/a:1.0', noise(180_000));
  await writeRecipe(site, ['a.tar']);
  const recipe = await readFile(join(site, 'bundle.yaml'), 'utf8');
  await create(site, recipe);
  const cut = { partSize: 64 * 1024, parity: true };
  await create(site, recipe, { output: join(parts, 'site.tar'), parts: cut });
  assert.equal((await readdir(parts)).sort(), NAMES);
});

async function assertPristine(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [is, was] = await Promise.all([folder, parts].map(from => readFile(join(from, name))));
    assert.ok(was && is?.equals(was), name);
  }
}

test('split tells of its parts, parity last, and leaves the bundle as it is', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    await mkdir(join(cwd, 'cut'));
    const argv = ['bundle', 'split', 'site.tar', '--part-size', '64KiB', '--parity', '1', '-o', 'cut/'];
    const { status, stdout, stderr } = await airferry(argv, { cwd });
    assert.is(status, 0, stderr);
    assert.match(stdout, /^✔ site\.tar, plant-7 2026\.11, is in 5 parts\n/);
    assert.equal(
      [...stdout.matchAll(/^ {2}cut\/(\S+) +[\d.]+ kB$/gm)].map(([, name]) => name),
      NAMES,
    );
    assert.equal((await readdir(join(cwd, 'cut'))).sort(), NAMES);
    await assertPristine(join(cwd, 'cut'), NAMES);
    const [is, was] = await Promise.all([cwd, site].map(from => readFile(join(from, 'site.tar'))));
    assert.ok(was && is?.equals(was));
  }));

test('create writes parts at once, the same ones, and lists them; what fits on a CD is one part', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    await rm(join(cwd, 'site.tar'));
    const argv = ['bundle', 'create', '-o', 'site.tar', '--part-size', '65536', '--parity', '1', '--json'];
    const made = await airferry(argv, { cwd });
    assert.is(made.status, 0, made.stderr);
    const created = JSON.parse(made.stdout);
    const whole = await readFile(join(site, 'site.tar'));
    assert.equal([created.path, created.size], ['site.tar', whole.length]);
    const sizes = await Promise.all(NAMES.map(async name => (await readFile(join(parts, name))).length));
    assert.equal(
      created.parts,
      NAMES.map((path, i) => ({ path, size: sizes[i] })),
    );
    assert.ok(sizes.every(size => size <= 65_536));
    await assertPristine(cwd, NAMES);
    assert.equal((await readdir(cwd)).sort(), ['a.tar', 'bundle.yaml', ...NAMES], 'and no whole bundle');

    const disc = await airferry(['bundle', 'create', '-o', 'disc.tar', '--part-size', 'cd'], { cwd });
    assert.is(disc.status, 0, disc.stderr);
    assert.match(disc.stdout, /^ {2}disc\.tar\.001 +[\d.]+ kB$/m);
    assert.match(disc.stdout, created.digest);
    assert.equal(
      (await readdir(cwd)).filter(name => name.startsWith('disc')),
      ['disc.tar.001'],
    );
  }));

test('a wrong size is a mistake in usage, and nothing is written', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    const before = (await readdir(cwd)).sort();
    const [tape, tiny] = await Promise.all([
      airferry(['bundle', 'split', 'site.tar', '--part-size', 'tape'], { cwd }),
      airferry(['bundle', 'create', '-o', 'x.tar', '--part-size', '4', '--json'], { cwd }),
    ]);
    assert.equal([tape.status, tape.stdout], [2, '']);
    assert.match(tape.stderr, /^error: "tape" is no size for parts\n {2}→ Write a number with a unit/);
    const { error } = JSON.parse(tiny.stdout);
    assert.equal([tiny.status, error.code, error.exit], [2, 'USAGE', 2]);
    assert.is(error.message, '"4" is no size for parts');
    assert.match(error.suggestions[0], 'cd, dvd, fat32');
    assert.equal((await readdir(cwd)).sort(), before);
  }));

test('a part that is lost is made anew by repair, byte for byte', () =>
  inFolder(async cwd => {
    await cp(parts, cwd, { recursive: true });
    await rm(join(cwd, 'site.tar.002'));
    const repaired = await airferry(['bundle', 'repair', 'site.tar'], { cwd });
    assert.is(repaired.status, 0, repaired.stderr);
    assert.match(repaired.stdout, /^✔ site\.tar\.002 is made anew, 65\.5 kB, 4 parts hashed\n$/);
    await assertPristine(cwd, NAMES);
    assert.equal((await readdir(cwd)).sort(), NAMES);

    await cp(join(site, 'site.tar'), join(cwd, 'site.tar'));
    const whole = await airferry(['bundle', 'repair', 'site.tar'], { cwd });
    assert.is(whole.status, 3);
    assert.match(whole.stderr, 'site.tar is no part of a bundle');
    assert.match(whole.stderr, 'name one of them: site.tar.001.');
  }));

test('a damaged part is named by verify, and no other; repair puts it right', () =>
  inFolder(async cwd => {
    await cp(parts, cwd, { recursive: true });
    const path = join(cwd, 'site.tar.003');
    const bytes = await readFile(path);
    bytes[40_000] = (bytes[40_000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const verified = await airferry(['bundle', 'verify', 'site.tar.001', '--json'], { cwd });
    assert.is(verified.status, 4, verified.stderr);
    const { problems, error } = JSON.parse(verified.stdout);
    assert.equal(
      problems.flatMap(({ part }: { part?: string }) => part ?? []),
      [path],
    );
    assert.match(problems[0].message, `${path}, part 3 of 4, is damaged`);
    assert.equal([error.code, error.where.file], ['BUNDLE_CORRUPT', path]);
    for (const name of NAMES.filter(other => !path.endsWith(other) && other !== 'site.tar.001'))
      assert.not.match(verified.stdout, name);

    const repaired = await airferry(['bundle', 'repair', 'site.tar.001', '--json'], { cwd });
    assert.is(repaired.status, 0, repaired.stderr);
    const { part, checked, size } = JSON.parse(repaired.stdout);
    assert.equal([part, checked, size], [3, 5, bytes.length]);
    await assertPristine(cwd, NAMES);
  }));

test('parts in several folders are read where they lie; without one of the folders its part is named', () =>
  inFolder(async cwd => {
    for (const [folder, names] of [
      ['one', ['site.tar.001', 'site.tar.parity']],
      ['two', ['site.tar.002', 'site.tar.003']],
      ['three', ['site.tar.004']],
    ] as const) {
      await mkdir(join(cwd, folder));
      for (const name of names) await cp(join(parts, name), join(cwd, folder, name));
    }
    const verify = ['bundle', 'verify', 'one/site.tar.001', '--parts', 'two'];
    const [sound, missing] = await Promise.all([
      airferry([...verify, '--parts', 'three'], { cwd }),
      airferry([...verify, '--json'], { cwd }),
    ]);
    assert.is(sound.status, 0, sound.stderr);
    assert.match(sound.stdout, /^✔ one\/site\.tar\.001 is sound\n/);
    const { error } = JSON.parse(missing.stdout);
    assert.equal([missing.status, error.code], [3, 'BUNDLE_PARTS_MISSING']);
    assert.is(error.message, 'plant-7 2026.11 is in 4 parts, and part 4 is missing');
    assert.match(error.suggestions[0], `Looked in ${join(cwd, 'one')}, ${join(cwd, 'two')}.`);
    assert.match(error.suggestions.at(-1), 'airferry bundle repair one/site.tar.001 makes it anew');
  }));

test.run();
