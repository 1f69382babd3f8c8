/** Fetching on the command line: mirrors, the cache, and one of a recipe's platforms, against a publisher on this machine. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { ENGINE } from '../bundle/rig.ts';
import { BINARIES, engineMembers, tgz } from '../engine/archives.ts';
import { imageOf, layerOf, ociArchive } from '../support/archives.ts';
import { type Publisher, startPublisher } from '../support/publisher.ts';
import { suite } from '../support/suite.ts';
import { airferry, type Ended, inFolder, saveArchive } from './airferry.ts';

const test = suite('fetching on the command line', { timeout: 60_000 });

const PLATFORMS = { 'linux/amd64': 'x86_64', 'linux/arm64': 'aarch64' };
const pathFor = (arch: string): string => `linux/static/stable/${arch}/docker-${ENGINE}.tgz`;
let publisher: Publisher;
let images: Buffer;

test.before(async () => {
  publisher = await startPublisher();
  const members = BINARIES[ENGINE] as readonly string[];
  for (const [platform, arch] of Object.entries(PLATFORMS))
    publisher.files.set(`/dd/${pathFor(arch)}`, await tgz(engineMembers(members, platform, 200)));
  const platforms = Object.keys(PLATFORMS);
  const each = platforms.map(async platform => imageOf([], [await layerOf('own', platform)], { platform }));
  images = await ociArchive(await Promise.all(each), { indexName: 'site/multi:1' });
});
test.beforeEach(() => {
  publisher.seen.length = 0;
});
test.after(() => publisher.close());

/** A recipe for two platforms, over an engine that is fetched and an archive that has both. */
async function writeSite(cwd: string, archives: readonly string[] = ['multi.tar']): Promise<void> {
  await writeFile(join(cwd, 'multi.tar'), images);
  const entries = archives.map(archive => `  - archive: ./${archive}\n`).join('');
  await writeFile(
    join(cwd, 'bundle.yaml'),
    `name: plant-7\nversion: "1"\nplatforms: [${Object.keys(PLATFORMS).join(', ')}]\nengine: { version: ${ENGINE} }\nimages:\n${entries}`,
  );
}

/** `bundle create` with the publisher in place of Docker's. */
function createIn(cwd: string, ...argv: string[]): Promise<Ended> {
  const mirror = `https://download.docker.com/=${publisher.origin}dd/`;
  return airferry(['bundle', 'create', '--mirror', mirror, ...argv], {
    cwd,
    env: { XDG_CACHE_HOME: join(cwd, 'home') },
  });
}

test('what came by a mirror is pinned by its own address and kept; the next create asks for nothing', () =>
  inFolder(async cwd => {
    await writeSite(cwd);
    const first = await createIn(cwd, '-o', 'first.tar', '--cache', 'kept', '--json');
    assert.is(first.status, 0, first.stderr);
    const wanted = Object.values(PLATFORMS).map(pathFor);
    assert.equal(publisher.seen.toSorted(), wanted.map(path => `GET /dd/${path}`).sort());
    const { pinned } = JSON.parse(first.stdout);
    const addresses = wanted.map(path => `https://download.docker.com/${path}`).sort();
    assert.equal(pinned.map(({ name }: { name: string }) => name).sort(), addresses);
    const lock = await readFile(join(cwd, 'bundle.lock.yaml'), 'utf8');
    for (const address of addresses) assert.match(lock, `${address}: sha256:`);
    assert.not.match(lock, publisher.origin);
    assert.is((await readdir(join(cwd, 'kept/blobs/sha256'))).length, 2);

    publisher.seen.length = 0;
    const second = await createIn(cwd, '-o', 'second.tar', '--cache', 'kept');
    assert.is(second.status, 0, second.stderr);
    assert.equal(publisher.seen, []);
    assert.not.match(second.stdout, 'new in the lock');
    const [one, two] = await Promise.all(['first.tar', 'second.tar'].map(name => readFile(join(cwd, name))));
    assert.ok(one && two?.equals(one));
    assert.is(await readFile(join(cwd, 'bundle.lock.yaml'), 'utf8'), lock);
    assert.not((await readdir(cwd)).includes('home'), 'the cache of the user was left alone');
  }));

test('a file that the mirror lacks is told by its address there, and nothing is written', () =>
  inFolder(async cwd => {
    await writeSite(cwd);
    const from = `https://download.docker.com/linux=${publisher.origin}gone`;
    const { status, stdout } = await createIn(cwd, '-o', 'x.tar', '--no-cache', '--mirror', from, '--json');
    const { error } = JSON.parse(stdout);
    assert.equal([status, error.code], [3, 'DOWNLOAD_FAILED']);
    assert.match(error.message, new RegExp(`${publisher.origin}gone/static/\\S+\\.tgz answered 404`));
    assert.equal([error.where.file, error.where.line], ['bundle.yaml', 4]);
    assert.ok(
      publisher.seen.every(line => line.startsWith('GET /gone/')),
      publisher.seen.join(),
    );
    assert.equal((await readdir(cwd)).sort(), ['bundle.yaml', 'multi.tar']);
  }));

test('--platform packs engine and images for that platform alone, and fetches no other', () =>
  inFolder(async cwd => {
    await writeSite(cwd);
    const made = await createIn(cwd, '-o', 'arm.tar', '--no-cache', '--platform', 'linux/arm64');
    assert.is(made.status, 0, made.stderr);
    assert.equal(publisher.seen, [`GET /dd/${pathFor('aarch64')}`]);
    const bundle = Bundle.open(join(cwd, 'arm.tar'));
    const { platforms, engine, images: packed } = bundle.manifest;
    bundle.close();
    assert.equal(platforms, ['linux/arm64']);
    for (const found of [engine?.archives ?? [], packed])
      assert.equal(
        found.map(({ platform }) => platform),
        ['linux/arm64'],
      );
    assert.not.match(await readFile(join(cwd, 'bundle.lock.yaml'), 'utf8'), 'x86_64');
  }));

test('a platform that the recipe lacks, or one of its archives, is an error that says what there is', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'amd.tar'), 'site/amd:1');
    await writeSite(cwd, ['multi.tar', 'amd.tar']);
    const [recipe, archive] = await Promise.all([
      createIn(cwd, '-o', 'x.tar', '--platform', 'linux/s390x', '--json'),
      createIn(cwd, '-o', 'x.tar', '--no-cache', '--platform', 'linux/arm64', '--json'),
    ]);
    const { error } = JSON.parse(recipe.stdout);
    assert.equal([recipe.status, error.code], [3, 'PLATFORM_MISMATCH']);
    assert.is(error.message, 'the recipe has no platform linux/s390x');
    assert.match(error.suggestions[0], 'It has linux/amd64, linux/arm64');
    const { error: other } = JSON.parse(archive.stdout);
    assert.equal([archive.status, other.code], [3, 'PLATFORM_MISMATCH']);
    assert.match(other.message, /amd\.tar has no image for linux\/arm64$/);
    assert.equal(other.where, { file: 'bundle.yaml', line: 7, column: 5 });
    assert.equal((await readdir(cwd)).sort(), ['amd.tar', 'bundle.yaml', 'multi.tar']);
  }));

test.run();
