import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from '../support/suite.ts';
import { airferry, inFolder, saveArchive, writeRecipe } from './airferry.ts';

const test = suite('signing on the command line', { timeout: 60_000 });

/** A recipe to pack, and airferry beside it, with that password for keys, where none is trusted yet. */
async function recipeIn(cwd: string, password: string) {
  await saveArchive(join(cwd, 'a.tar'), 'site/a:1.0');
  await writeRecipe(cwd, ['a.tar']);
  const env = { AIRFERRY_SIGN_PASSWORD: password, XDG_CONFIG_HOME: cwd };
  return (...argv: string[]) => airferry(argv, { cwd, env });
}

test('a key is made, a bundle signed, and the signature demanded, by every command that takes from it', () =>
  inFolder(async cwd => {
    const run = await recipeIn(cwd, 'pass word');

    const made = await run('bundle', 'keygen', '-o', 'site.key', '--json');
    assert.is(made.status, 0, made.stderr);
    const { keyId } = JSON.parse(made.stdout);
    assert.is((await stat(join(cwd, 'site.key'))).mode & 0o777, 0o600);
    assert.match(await readFile(join(cwd, 'site.pub'), 'utf8'), `minisign public key ${keyId}`);
    const again = await run('bundle', 'keygen', '-o', 'site.key');
    assert.is(again.status, 1);
    assert.match(again.stderr, 'site.key is there already');

    assert.is((await run('bundle', 'create', '-o', 'site.tar')).status, 0);
    await copyFile(join(cwd, 'site.tar'), join(cwd, 'plain.tar'));
    const plain = await run('bundle', 'verify', 'plain.tar');
    assert.is(plain.status, 0);
    assert.match(plain.stdout, /signed +no: nothing tells who made it/);

    const signed = await run('bundle', 'sign', 'site.tar', '-k', 'site.key');
    assert.is(signed.status, 0, signed.stderr);
    assert.match(signed.stdout, `✔ site.tar is signed by key ${keyId}`);
    const good = await run('bundle', 'verify', 'site.tar', '--trusted-key', 'site.pub');
    assert.is(good.status, 0, good.stderr);
    assert.match(good.stdout, `by key ${keyId} (site.pub): timestamp:`);

    const missing = await run('bundle', 'verify', 'plain.tar', '--trusted-key', 'site.pub');
    assert.is(missing.status, 4);
    assert.match(missing.stderr, 'plain.tar is not signed');
    const json = await run('bundle', 'verify', 'plain.tar', '--trusted-key', 'site.pub', '--json');
    assert.is(JSON.parse(json.stdout).error.code, 'SIGNATURE_MISSING');
    assert.is(JSON.parse(json.stdout).signature.state, 'unsigned');

    const install = await run(
      'host',
      'install',
      '-b',
      'plain.tar',
      '--host',
      'ops@127.0.0.1:1',
      '--trusted-key',
      'site.pub',
      '--no-sudo',
    );
    assert.is(install.status, 4);
    assert.match(install.stderr, 'plain.tar is not signed', 'before any host is spoken to');

    const host = ['--host', 'ops@127.0.0.1:1', '--no-sudo'];
    for (const words of [
      ['host', 'check', '-b', 'plain.tar', ...host],
      ['image', 'load', 'plain.tar', ...host],
      ['image', 'push', 'plain.tar', '127.0.0.1:1', '--plain-http'],
      ['image', 'copy', 'plain.tar', 'oci:out'],
      ['registry', 'serve', 'plain.tar', '--listen', '127.0.0.1:0'],
    ]) {
      const refused = await run(...words, '--trusted-key', 'site.pub');
      assert.is(refused.status, 4, words.join(' '));
      assert.match(refused.stderr, 'plain.tar is not signed', words.join(' '));
    }
    assert.is((await run('image', 'list', 'plain.tar')).status, 0, 'a list shows, and refuses nothing');
    const copied = await run('image', 'copy', 'site.tar', 'oci:out', '--trusted-key', 'site.pub');
    assert.is(copied.status, 0, copied.stderr);
    assert.not.match(copied.stderr, /signed/, 'one that a trusted key signed needs no word');
    const archive = await readFile(join(cwd, 'site.tar'));
    const name = archive.lastIndexOf('site/a:1.0', archive.indexOf('manifest.json'));
    assert.ok(name > 0);
    archive.write('site/b:1.0', name);
    await writeFile(join(cwd, 'renamed.tar'), archive);
    const renamed = await run('image', 'copy', 'renamed.tar', 'oci:out2', '--trusted-key', 'site.pub');
    assert.is(renamed.status, 4, renamed.stdout);
    assert.match(renamed.stderr, 'index.json of renamed.tar is not the one that its manifest names');

    const unsigned = await run('image', 'push', 'renamed.tar', '127.0.0.1:1', '--dry-run');
    assert.is(unsigned.status, 4, 'nor is it taken where no key is trusted');
    assert.match(unsigned.stderr, 'index.json of renamed.tar');

    const wrong = await airferry(['bundle', 'sign', 'plain.tar', '-k', 'site.key'], {
      cwd,
      env: { AIRFERRY_SIGN_PASSWORD: 'no' },
    });
    assert.is(wrong.status, 3);
    assert.match(wrong.stderr, 'this is not the password of site.key');
    const nobody = await airferry(['bundle', 'sign', 'plain.tar', '-k', 'site.key'], { cwd });
    assert.is(nobody.status, 2);
    assert.match(nobody.stderr, 'Set AIRFERRY_SIGN_PASSWORD');
    for (const { stdout, stderr } of [made, signed, good, missing, wrong])
      assert.not.match(stdout + stderr, 'pass word');
  }));

test('where no key is trusted, a bundle for which no signature vouches is used, and told of', () =>
  inFolder(async cwd => {
    const run = await recipeIn(cwd, '');
    await run('bundle', 'create', '-o', 'site.tar');
    const host = ['--host', 'ops@127.0.0.1:1', '--no-sudo'];
    const word = 'site.tar is not signed: that it is whole can be checked, who made it cannot';
    for (const words of [
      ['host', 'install', '-b', 'site.tar', ...host],
      ['image', 'load', 'site.tar', ...host],
      ['image', 'copy', 'site.tar', 'oci:out'],
    ])
      assert.match((await run(...words)).stderr, word, words.join(' '));
    assert.not.match((await run('image', 'copy', 'site.tar', 'oci:quiet', '--quiet')).stderr, 'not signed');
    const { keyId } = JSON.parse(
      (await run('bundle', 'keygen', '-o', 'k.key', '--no-password', '--json')).stdout,
    );
    const signed = await run('bundle', 'sign', 'site.tar', '-k', 'k.key');
    assert.is(signed.status, 0, signed.stderr);
    const unchecked = await run('image', 'copy', 'site.tar', 'oci:unchecked');
    assert.match(unchecked.stderr, `site.tar is signed by ${keyId}, but no key is trusted here`);
  }));

test('create signs at once; keys of the configuration folder are trusted; the manifest is printed as it is', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'a.tar'), 'site/a:1.0');
    await writeRecipe(cwd, ['a.tar']);
    const run = (...argv: string[]) => airferry(argv, { cwd, env: { XDG_CONFIG_HOME: cwd } });
    const keygen = await run('bundle', 'keygen', '-o', 'ci.key', '--no-password');
    assert.match(keygen.stdout, 'without a password');
    const created = await run('bundle', 'create', '-o', 'site.tar', '--sign', 'ci.key', '--json');
    assert.is(created.status, 0, created.stderr);
    const { signed, digest } = JSON.parse(created.stdout);
    await mkdir(join(cwd, 'airferry/trusted-keys'), { recursive: true });
    await copyFile(join(cwd, 'ci.pub'), join(cwd, 'airferry/trusted-keys/ci.pub'));
    const verified = JSON.parse((await run('bundle', 'verify', 'site.tar', '--json')).stdout);
    assert.is(verified.signature.state, 'signed');
    assert.is(verified.signature.signatures[0].keyId, signed.keyId);
    const manifest = await run('bundle', 'inspect', '--manifest', 'site.tar');
    assert.is(`sha256:${createHash('sha256').update(manifest.stdout).digest('hex')}`, digest);
  }));

test('create demands the signature of a bundle that a recipe takes images from', () =>
  inFolder(async cwd => {
    await saveArchive(join(cwd, 'a.tar'), 'site/a:1.0');
    await writeRecipe(cwd, ['a.tar']);
    const run = (...argv: string[]) => airferry(argv, { cwd, env: { XDG_CONFIG_HOME: cwd } });
    assert.is((await run('bundle', 'keygen', '-o', 'site.key', '--no-password')).status, 0);
    assert.is((await run('bundle', 'create', '-o', 'plain.tar')).status, 0);
    assert.is((await run('bundle', 'create', '-o', 'site.tar', '--sign', 'site.key')).status, 0);

    await writeRecipe(cwd, ['plain.tar']);
    const packed = await run('bundle', 'create', '-o', 'next.tar', '--trusted-key', 'site.pub');
    assert.is(packed.status, 4, packed.stdout);
    assert.match(packed.stderr, 'plain.tar is not signed');
    assert.match(packed.stderr, /at .*bundle\.yaml:\d+:\d+/);
    await writeRecipe(cwd, ['site.tar']);
    assert.is((await run('bundle', 'create', '-o', 'next.tar', '--trusted-key', 'site.pub')).status, 0);
  }));

test('which key signs has to be said, one way', async () => {
  const { status, stderr } = await airferry(['bundle', 'sign', 'x.tar']);
  assert.is(status, 2);
  assert.match(stderr, '--key');
});

test.run();
