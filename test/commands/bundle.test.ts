import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { airferry, ENTRY, inFolder, saveArchive, writeRecipe } from './airferry.ts';

const test = suite('bundles and images');

let site = '';

test.before(async () => {
  site = await mkdtemp(join(tmpdir(), 'airferry-site-'));
  await saveArchive(join(site, 'a.tar'), 'site/a:1.0');
  await saveArchive(join(site, 'b.tar'), 'busybox:1.35');
  await writeRecipe(site, ['a.tar', 'b.tar']);
  const { status, stderr } = await airferry(['bundle', 'create', '-o', 'site.tar'], { cwd: site });
  assert.is(status, 0, stderr);
});

test.after(() => rm(site, { recursive: true }));

/** Two archives, a recipe over them, and the bundle. */
function packedSite(cwd: string): Promise<void> {
  return cp(site, cwd, { recursive: true });
}

test('create, verify, inspect and list, in words', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const verified = await airferry(['bundle', 'verify', 'site.tar'], { cwd });
    assert.is(verified.status, 0);
    assert.match(verified.stdout, /^✔ site\.tar is sound\n/);
    const inspected = await airferry(['bundle', 'inspect', 'site.tar'], { cwd });
    assert.match(inspected.stdout, /^plant-7 2026\.11\n/);
    assert.match(inspected.stdout, /^ {2}busybox:1\.35 +linux\/amd64 +1 /m);
    const listed = await airferry(['image', 'list', 'site.tar'], { cwd });
    assert.equal(
      listed.stdout.split('\n').map(line => line.split(' ')[0]),
      ['NAME', 'busybox:1.35', 'site/a:1.0', ''],
    );
    assert.is(verified.stderr + inspected.stderr + listed.stderr, '');
  }));

test('create, verify, inspect and list, as JSON', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const json = async (...argv: string[]) => {
      const { status, stdout, stderr } = await airferry([...argv, '--json'], { cwd });
      // What takes long is told of on the way.
      assert.equal([status, stderr.replace(/^\w+ …\n/, '')], [0, ''], argv.join(' '));
      return JSON.parse(stdout);
    };
    const created = await json('bundle', 'create', '-f', 'bundle.yaml', '-o', 'again.tar');
    assert.equal(created.images.toSorted(), ['busybox:1.35', 'site/a:1.0']);
    const verified = await json('bundle', 'verify', 'again.tar');
    assert.is(verified.digest, created.digest);
    assert.equal(verified.problems, []);
    assert.is((await json('bundle', 'inspect', 'site.tar')).digest, created.digest);
    const { images } = await json('image', 'list', 'a.tar');
    assert.equal(images[0].names, ['site/a:1.0']);
    assert.ok((await readFile(join(cwd, 'site.tar'))).equals(await readFile(join(cwd, 'again.tar'))));
  }));

test('--quiet says nothing of what went well, and all that was asked for', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const verified = await airferry(['bundle', 'verify', 'site.tar', '-q'], { cwd });
    assert.equal(verified, { status: 0, stdout: '', stderr: '' });
    assert.match((await airferry(['image', 'list', 'site.tar', '-q'], { cwd })).stdout, 'busybox:1.35');
  }));

test('a flipped byte ends verify with 4, report and error in one document', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const path = join(cwd, 'site.tar');
    const bytes = await readFile(path);
    const at = bytes.indexOf(Buffer.from([0x1f, 0x8b, 0x08])) + 20;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
    const words = await airferry(['bundle', 'verify', 'site.tar'], { cwd });
    assert.is(words.status, 4, words.stderr);
    assert.match(words.stderr, /^error: site\.tar is not sound/);
    const { status, stdout } = await airferry(['bundle', 'verify', 'site.tar', '--json'], { cwd });
    const report = JSON.parse(stdout);
    assert.is(status, 4);
    assert.ok(report.problems.length > 0);
    assert.equal([report.error.code, report.error.exit], ['BUNDLE_CORRUPT', 4]);
  }));

test('a recipe with a mistake names file, line and column', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'bundle.yaml'), 'name: plant-7\nversion: "1"\nimagse: []\n');
    const { status, stderr } = await airferry(['bundle', 'create', '-o', 'x.tar'], { cwd });
    assert.is(status, 3);
    assert.match(stderr, 'at bundle.yaml:3:1');
    assert.match(stderr, 'images');
  }));

test(
  'Ctrl-C cleans up and exits with 130',
  () =>
    inFolder(async cwd => {
      await saveArchive(join(cwd, 'big.tar'), 'site/big:1.0', randomBytes(80_000_000));
      await writeRecipe(cwd, ['big.tar']);
      const before = (await readdir(cwd)).toSorted();
      let sent = false;
      const { status, stdout, stderr } = await airferry(['bundle', 'create', '-o', 'site.tar'], {
        cwd,
        onStderr: (text, kill) => {
          if (!sent && text.includes('Packing')) kill('SIGINT');
          sent ||= text.includes('Packing');
        },
      });
      assert.is(status, 130, stderr);
      assert.is(stdout, '');
      assert.match(stderr, 'error: interrupted');
      assert.equal((await readdir(cwd)).toSorted(), before);
    }),
  { timeout: 60_000 },
);

test('a reader that goes away is no failure', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const script = `for i in 1 2 3; do "$0" ${ENTRY} bundle inspect site.tar --json; done | head -1`;
    const child = spawn('bash', ['-o', 'pipefail', '-c', script, process.execPath], { cwd });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', text => {
      stdout += text;
    });
    child.stderr.on('data', text => {
      stderr += text;
    });
    const status = await new Promise(resolve => child.on('close', resolve));
    assert.equal([status, stdout, stderr], [0, '{\n', '']);
  }));

test('a full disk below stdout is a failure', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const full = await open('/dev/full', 'w');
    const child = spawn(process.execPath, [ENTRY, 'image', 'list', 'site.tar', '--json'], {
      cwd,
      stdio: ['ignore', full.fd, 'pipe'],
    });
    let stderr = '';
    child.stderr?.on('data', text => {
      stderr += text;
    });
    const status = await new Promise(resolve => child.on('close', resolve));
    await full.close();
    assert.is(status, 1);
    assert.match(stderr, 'error: cannot write to stdout: the disk is full');
  }));

test('--dry-run of a push shows the names and sends nothing', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const argv = [
      'image',
      'push',
      'site.tar',
      '127.0.0.1:1',
      '--retag',
      'site/*=127.0.0.1:1/apps/*',
      '--dry-run',
    ];
    const { status, stdout } = await airferry(argv, { cwd });
    assert.is(status, 0);
    assert.match(stdout, /site\/a:1\.0 +127\.0\.0\.1:1\/apps\/a:1\.0 +planned/);
    assert.match(stdout, 'nothing was sent');
  }));

test('a bundle stands under its name only when it is whole', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const before = await stat(join(cwd, 'site.tar'));
    await writeRecipe(cwd, ['a.tar', 'missing.tar']);
    const { status } = await airferry(['bundle', 'create', '-o', 'site.tar'], { cwd });
    assert.is(status, 3);
    assert.is((await stat(join(cwd, 'site.tar'))).ino, before.ino);
  }));

test('a bundle of a later format, and an archive that is called a bundle, are refused by what reads images', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const bytes = await readFile(join(cwd, 'site.tar'));
    const at = bytes.indexOf('"schemaVersion": "1.0"', 512);
    bytes.write('2', at + '"schemaVersion": "'.length);
    await writeFile(join(cwd, 'later.tar'), bytes);
    for (const words of [
      ['image', 'list', 'later.tar'],
      ['image', 'inspect', 'later.tar'],
      ['image', 'push', 'later.tar', 'hub.site:5000', '--dry-run'],
      ['image', 'copy', 'later.tar', 'oci:out'],
      ['registry', 'serve', 'later.tar', '--listen', '127.0.0.1:0'],
    ]) {
      const { status, stderr } = await airferry(words, { cwd });
      assert.is(status, 3, `${words.join(' ')}: ${stderr}`);
      assert.match(stderr, 'has format 2.0', words.join(' '));
      assert.match(stderr, 'needs airferry 0.1.0 or newer', words.join(' '));
    }
    const archive = await airferry(['image', 'list', 'bundle:a.tar'], { cwd });
    assert.match(archive.stderr, 'a.tar is no airferry bundle');
    assert.is(archive.status, 3);
  }));

test('what a bundle leaves out is read from its base by image inspect', () =>
  inFolder(async cwd => {
    await packedSite(cwd);
    const run = (...argv: string[]) => airferry(argv, { cwd });
    assert.is((await run('bundle', 'create', '-o', 'new.tar', '--base', 'site.tar')).status, 0);
    const { status, stdout, stderr } = await run(
      'image',
      'inspect',
      'new.tar',
      '--base',
      'site.tar',
      '--json',
    );
    assert.is(status, 0, stderr);
    const { images } = JSON.parse(stdout);
    assert.equal(images.flatMap(({ names }: { names: string[] }) => names).sort(), [
      'busybox:1.35',
      'site/a:1.0',
    ]);
  }));

test.run();
