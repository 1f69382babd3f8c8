import { open, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Bundle } from '../../src/bundle/open.ts';
import { publicKeyOf } from '../../src/bundle/sign/secret-key.ts';
import { formatPublicKey } from '../../src/content/minisign.ts';
import { GOLDEN, KEY } from '../bundle/golden/make.ts';
import { suite } from '../support/suite.ts';
import { airferry, inFolder } from './airferry.ts';

const test = suite('reports on the command line', { timeout: 60_000 });

test('evidence is written as JSON and as a page, also of a bundle that is refused', () =>
  inFolder(async cwd => {
    const path = join(cwd, 'site.tar');
    await writeFile(path, await readFile(GOLDEN));
    const verify = () =>
      airferry(['bundle', 'verify', 'site.tar', '--report', 'v.json', '--report', 'v.html'], { cwd });
    const sound = await verify();
    assert.is(sound.status, 0, sound.stderr);
    const report = JSON.parse(await readFile(join(cwd, 'v.json'), 'utf8'));
    assert.is(report.result, 'sound');
    assert.match(report.airferry, /^\d+\.\d+\.\d+/);
    assert.is(report.entries.length, report.checked.entries);
    assert.ok(report.entries.every(({ result }: { result: string }) => result === 'sound'));
    assert.is(report.signature.state, 'untrusted');

    const { offset } = report.entries[0];
    const file = await open(path, 'r+');
    await file.write(Buffer.from('XX'), 0, 2, offset + 20);
    await file.close();
    const refused = await verify();
    assert.is(refused.status, 4);
    const evidence = JSON.parse(await readFile(join(cwd, 'v.json'), 'utf8'));
    assert.is(evidence.result, 'refused');
    assert.is(evidence.error.code, 'BUNDLE_CORRUPT');
    assert.equal(evidence.entries.filter(({ result }: { result: string }) => result === 'damaged').length, 1);
    assert.match(await readFile(join(cwd, 'v.html'), 'utf8'), '<b>Refused</b>');
    assert.equal((await readdir(cwd)).sort(), ['site.tar', 'v.html', 'v.json']);
  }));

test('evidence says when, by which key, and every digest', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'golden.pub'), formatPublicKey(publicKeyOf(KEY)));
    const before = Date.now();
    const argv = [
      'bundle',
      'verify',
      GOLDEN,
      '--trusted-key',
      'golden.pub',
      '--report',
      'v.json',
      '--report',
      'v.html',
    ];
    const { status, stderr } = await airferry(argv, { cwd });
    assert.is(status, 0, stderr);
    const report = JSON.parse(await readFile(join(cwd, 'v.json'), 'utf8'));
    const [started, finished] = [Date.parse(report.startedAt), Date.parse(report.finishedAt)];
    assert.ok(before <= started && started <= finished && finished <= Date.now(), `${started} ${finished}`);
    const [signature] = report.signature.signatures;
    assert.equal(
      [report.signature.state, signature.verdict, signature.keyId],
      ['signed', 'valid', KEY.keyId],
    );
    assert.match(signature.key, 'golden.pub');
    const bundle = Bundle.open(GOLDEN);
    const named = [...bundle.manifest.blobs, ...Object.values(bundle.manifest.documents)];
    const digests = [...named.map(({ digest }) => digest), bundle.digest].sort();
    bundle.close();
    assert.equal(report.entries.map(({ digest }: { digest: string }) => digest).sort(), digests);
    const page = await readFile(join(cwd, 'v.html'), 'utf8');
    for (const digest of digests) assert.match(page, digest.replace('sha256:', ''));
    assert.match(page, KEY.keyId);
    assert.match(page, report.startedAt.slice(0, 10));
    assert.match(page, '<b>Sound</b>');
  }));

test('what is no bundle at all leaves evidence, what is not there leaves none', () =>
  inFolder(async cwd => {
    await writeFile(join(cwd, 'site.tar'), (await readFile(GOLDEN)).subarray(0, 9000));
    const cut = await airferry(['bundle', 'verify', 'site.tar', '--report', 'v.json'], { cwd });
    assert.is(cut.status, 4);
    const { result, error, bundle } = JSON.parse(await readFile(join(cwd, 'v.json'), 'utf8'));
    assert.equal([result, error.code, bundle], ['refused', 'BUNDLE_CORRUPT', { path: 'site.tar' }]);
    const missing = await airferry(['bundle', 'verify', 'none.tar', '--report', 'w.json'], { cwd });
    assert.is(missing.status, 3);
    assert.equal((await readdir(cwd)).sort(), ['site.tar', 'v.json']);
  }));

test('a report of another kind, or where none can be written, is refused before anything is read', () =>
  inFolder(async cwd => {
    const kind = await airferry(['bundle', 'verify', 'none.tar', '--report', 'v.pdf'], { cwd });
    assert.is(kind.status, 2);
    assert.match(kind.stderr, 'ends in .json or .html');
    const place = await airferry(['bundle', 'verify', 'none.tar', '--report', 'no/such/v.json'], { cwd });
    assert.match(place.stderr, 'there is no such folder');
  }));

test('inspect shows a tree, writes a page and a bill of materials, and one of them at a time', () =>
  inFolder(async cwd => {
    const tree = await airferry(['bundle', 'inspect', GOLDEN, '--tree'], { cwd });
    assert.is(tree.status, 0, tree.stderr);
    assert.match(tree.stdout, /^golden 1 /);
    assert.match(
      tree.stdout,
      /│ {2}│ {2}├─ linux\/amd64 .*\n│ {2}│ {2}│ {2}├─ layer 1 sha256:\w{12} .*shared by 3 images/,
    );
    assert.match(tree.stdout, '└─ Notation signature');
    const page = await airferry(['bundle', 'inspect', GOLDEN, '--html', '-o', 'b.html'], { cwd });
    assert.is(page.status, 0, page.stderr);
    assert.match(await readFile(join(cwd, 'b.html'), 'utf8'), /^<!doctype html>/);
    const bom = await airferry(['bundle', 'inspect', GOLDEN, '--cyclonedx'], { cwd });
    assert.is(JSON.parse(bom.stdout).specVersion, '1.6');
    const both = await airferry(['bundle', 'inspect', GOLDEN, '--html', '--tree'], { cwd });
    assert.is(both.status, 2);
    const alone = await airferry(['bundle', 'inspect', GOLDEN, '-o', 'x'], { cwd });
    assert.is(alone.status, 2);
    assert.equal(await readdir(cwd), ['b.html']);
  }));

test.run();
