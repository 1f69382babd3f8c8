/** Updates on the command line: what is different between two bundles, and bundles that leave out what the far side has. */
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { create } from '../bundle/rig.ts';
import { noise } from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';
import { airferry, inFolder, saveArchive } from './airferry.ts';

const test = suite('updates on the command line', { timeout: 60_000 });

/** Two recipes over the same archive and one of their own each, and the bundle of the first. */
const site = scratch();

const recipe = (version: string, archive: string, mode: string): string => `name: plant-7
version: "${version}"
platforms: [linux/amd64]
images:
  - archive: ./a.tar
  - archive: ./${archive}
files:
  - { from: ./motd, to: /etc/motd, mode: "${mode}" }
`;

test.before(async () => {
  await saveArchive(join(site, 'a.tar'), 'site/a:1.0', noise(180_000));
  await saveArchive(join(site, 'b.tar'), 'site/b:1.0', noise(90_000, 2));
  await saveArchive(join(site, 'c.tar'), 'site/c:1.0', noise(70_000, 3));
  await writeFile(join(site, 'motd'), 'welcome\n');
  const [first, second] = [recipe('1', 'b.tar', '0644'), recipe('2', 'c.tar', '0600')];
  await writeFile(join(site, 'bundle.yaml'), second);
  await create(site, first, { output: join(site, 'old.tar') });
});

test('diff tells what was added, removed and changed, and what a delta carries', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    await create(cwd, await readFile(join(cwd, 'bundle.yaml'), 'utf8'), { output: join(cwd, 'new.tar') });
    const [words, json] = await Promise.all([
      airferry(['bundle', 'diff', 'old.tar', 'new.tar'], { cwd }),
      airferry(['bundle', 'diff', 'old.tar', 'new.tar', '--json'], { cwd }),
    ]);
    assert.equal([words.status, words.stderr, json.status, json.stderr], [0, '', 0, '']);
    assert.match(words.stdout, /^plant-7 1 → plant-7 2\n/);
    assert.match(words.stdout, /^- {2}image {2}site\/b:1\.0 +sha256:\w{12}$/m);
    assert.match(words.stdout, /^\+ {2}image {2}site\/c:1\.0 +sha256:\w{12}$/m);
    assert.match(words.stdout, /^~ {2}file {3}\/etc\/motd +0644 (sha256:\w{12}) {2}0600 \1$/m);
    assert.not.match(words.stdout, 'site/a:1.0');

    const { from, to, same, changes, added, common } = JSON.parse(json.stdout);
    assert.equal([from.path, from.version, to.path, to.version], ['old.tar', '1', 'new.tar', '2']);
    assert.is(same, false);
    assert.equal(
      changes.map(({ change, what, name }: Record<string, string>) => `${change} ${what} ${name}`),
      ['removed image site/b:1.0', 'added image site/c:1.0', 'changed file /etc/motd'],
    );
    assert.ok(added.bytes > 70_000 && added.bytes < 80_000, `${added.bytes}`);
    assert.ok(common.bytes > 180_000, `${common.bytes}`);
    assert.match(words.stdout, `new      ${added.blobs} blobs, 70.9 kB: what a delta carries`);
  }));

test('a bundle and itself are the same', async () => {
  const same = await airferry(['bundle', 'diff', 'old.tar', 'old.tar'], { cwd: site });
  assert.equal(same, { status: 0, stdout: 'plant-7 1 is the same in both\n', stderr: '' });
});

test('create --base leaves out what the base has; verify checks that part with the base, and says so without', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    const made = await airferry(['bundle', 'create', '-o', 'delta.tar', '--base', 'old.tar'], { cwd });
    assert.is(made.status, 0, made.stderr);
    assert.match(
      made.stdout,
      /^ {2}left out {2}1 blob, 180 kB; the far side has them: plant-7 1 \(sha256:\w{12}\)$/m,
    );
    const size = (await readFile(join(cwd, 'delta.tar'))).length;
    assert.ok(size > 70_000 && size < 100_000, `${size}`);

    const [alone, whole] = await Promise.all([
      airferry(['bundle', 'verify', 'delta.tar'], { cwd }),
      airferry(['bundle', 'verify', 'delta.tar', '--base', 'old.tar', '--json'], { cwd }),
    ]);
    assert.equal([alone.status, whole.status], [0, 0], alone.stderr + whole.stderr);
    assert.match(alone.stdout, /^✔ delta\.tar is sound\n/);
    assert.match(alone.stdout, /not checked here: give their bases with --base; had by plant-7 1 /);
    const { leftOut, problems, hashedBytes } = JSON.parse(whole.stdout);
    assert.equal([leftOut.blobs, leftOut.checked, problems], [1, 1, []]);
    assert.ok(hashedBytes > size, `${hashedBytes}`);

    await writeFile(join(cwd, 'cut.tar'), (await readFile(join(cwd, 'old.tar'))).subarray(0, 100_000));
    const wrong = await airferry(['bundle', 'verify', 'delta.tar', '--base', 'cut.tar', '--json'], { cwd });
    const { error } = JSON.parse(wrong.stdout);
    assert.equal([wrong.status, error.code, error.where.file], [3, 'ARCHIVE_TRUNCATED', 'cut.tar']);
  }));

test('a receipt of the far side stands for the bundle that it was taken of', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    const taken = await airferry(['receipt', 'create', 'old.tar', '-o', 'far.json'], { cwd });
    assert.is(taken.status, 0, taken.stderr);
    const argv = ['bundle', 'create', '-o', 'delta.tar', '--receipt', 'far.json', '--json'];
    const made = await airferry(argv, { cwd });
    assert.is(made.status, 0, made.stderr);
    const { leftOut, size, images } = JSON.parse(made.stdout);
    assert.is(leftOut.blobs, 1);
    assert.ok(leftOut.bytes > 180_000, `${leftOut.bytes}`);
    assert.match(leftOut.bases[0], /^the receipt of old\.tar \(sha256:\w{12}\)$/);
    assert.equal(images.toSorted(), ['site/a:1.0', 'site/c:1.0']);
    assert.is((await readFile(join(cwd, 'delta.tar'))).length, size);
  }));

test('a receipt of a layout names its layers as the bundle of the same images would', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    const copied = await airferry(['image', 'copy', 'old.tar', 'oci:layout'], { cwd });
    assert.is(copied.status, 0, copied.stderr);
    const taken = await airferry(['receipt', 'create', 'oci:layout', '-o', 'far.json'], { cwd });
    assert.is(taken.status, 0, taken.stderr);
    const argv = ['bundle', 'create', '-o', 'delta.tar', '--receipt', 'far.json', '--json'];
    const { leftOut } = JSON.parse((await airferry(argv, { cwd })).stdout);
    assert.is(leftOut.blobs, 1);
    assert.match(leftOut.bases[0], /^the receipt of oci:layout \(sha256:\w{12}\)$/);
  }));

test('no receipt is written where a host of the fleet cannot be asked: it would say too much', () =>
  inFolder(async cwd => {
    await cp(site, cwd, { recursive: true });
    await writeFile(
      join(cwd, 'fleet.yaml'),
      'hosts:\n  - { name: gone, address: 127.0.0.1, port: 1, user: root }\n',
    );
    const argv = ['receipt', 'create', 'old.tar', '-F', 'fleet.yaml', '-o', 'far.json'];
    const told = await airferry(argv, { cwd });
    assert.is(told.status, 6, told.stderr);
    assert.match(told.stderr, /gone .*refuses connections/);
    assert.match(
      told.stderr,
      /When that is mended:\s+airferry receipt create old\.tar -F fleet\.yaml -o far\.json$/m,
    );
    assert.match(told.stderr + told.stdout, /no receipt/i);
    const json = JSON.parse((await airferry([...argv, '--json'], { cwd })).stdout);
    assert.equal([json.hosts[0].name, json.hosts[0].outcome, json.size], ['gone', 'failed', 0]);
    assert.not((await readdir(cwd)).includes('far.json'));
  }));

test('a base that is not there is told before anything is fetched or written', () =>
  inFolder(async cwd => {
    await writeFile(
      join(cwd, 'bundle.yaml'),
      'name: plant-7\nversion: "2"\nplatforms: [linux/amd64]\nengine: { version: 28.5.2 }\n',
    );
    await mkdir(join(cwd, 'kept'));
    const nowhere = 'https://download.docker.com/=http://127.0.0.1:1/';
    const argv = ['bundle', 'create', '-o', 'x.tar', '--cache', 'kept', '--mirror', nowhere];
    const { status, stdout } = await airferry([...argv, '--base', 'none.tar', '--json'], { cwd });
    const { error } = JSON.parse(stdout);
    assert.equal([status, error.code], [3, 'FILE_NOT_FOUND']);
    assert.is(error.message, 'there is no file none.tar');
    assert.equal((await readdir(cwd)).sort(), ['bundle.yaml', 'kept']);
    assert.equal(await readdir(join(cwd, 'kept')), []);
  }));

test.run();
