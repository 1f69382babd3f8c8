/** Keys and signatures in both directions between airferry and the real minisign; and what stock tools find in a signed bundle. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { generateKeys } from '../../src/actions/bundle-keygen.ts';
import { openSecretKey, signWithFile, signWithKey } from '../../src/actions/bundle-sign.ts';
import { problemsError, verifyBundle } from '../../src/actions/bundle-verify.ts';
import { Secret } from '../../src/host/secret.ts';
import { Meter } from '../../src/support/meter.ts';
import { create, writeSite } from '../bundle/rig.ts';
import { ensurePackages } from '../lab/packages.ts';
import { scratch } from '../support/scratch.ts';
import { suite } from '../support/suite.ts';

const test = suite('minisign', { timeout: 300_000 });
const dir = scratch();
const at = (name: string): string => join(dir, name);
const password = async () => new Secret('pass word');
let bundle = '';

test.before(async () => {
  await ensurePackages({ minisign: '/usr/bin/minisign' });
  ({ path: bundle } = await create(dir, await writeSite(dir)));
});

/** Run minisign in the folder; passwords come from stdin. */
function minisign(args: string[], input = 'pass word\npass word\n') {
  const { status, stdout, stderr } = spawnSync('minisign', args, { cwd: dir, input, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** A file of the bundle, taken out with tar alone. */
function entry(name: string): Buffer {
  return execFileSync('tar', ['-xOf', bundle, name]);
}

/** What is signed, as `manifest.json`. */
function unpackManifest(): void {
  const { manifest } = JSON.parse(entry('airferry.json').toString());
  writeFileSync(at('manifest.json'), entry(`blobs/${manifest.digest.replace(':', '/')}`));
}

/** That, and beside it the signature of a key. */
function unpack(keyId: string): void {
  unpackManifest();
  writeFileSync(at('manifest.json.minisig'), entry(`signatures/${keyId}.minisig`));
}

/** The line of a public key's file that is the key; the other is a comment. */
function keyLine(file: string): string {
  const line = readFileSync(at(file), 'utf8').split('\n')[1] ?? '';
  assert.match(line, /^RW[\w+/]{54}$/);
  return line;
}

for (const [what, secret] of [
  ['with a password', new Secret('pass word')],
  ['without a password', undefined],
] as const) {
  test(`minisign signs with our key ${what}, and verifies what we signed with it`, async () => {
    const name = secret ? 'ours' : 'ours-open';
    const { keyId } = await generateKeys({ output: at(`${name}.key`), ...(secret && { password: secret }) });
    writeFileSync(at('text'), 'hello\n');
    const signed = minisign(['-S', '-s', `${name}.key`, '-m', 'text', '-t', 'by minisign']);
    assert.is(signed.status, 0, signed.said);
    assert.is(minisign(['-V', '-p', `${name}.pub`, '-m', 'text']).status, 0);
    const recreated = minisign(['-R', '-f', '-s', `${name}.key`, '-p', 'again.pub']);
    assert.is(recreated.status, 0, recreated.said);
    // The comments may differ: some versions of minisign drop a key ID's leading zeros there.
    assert.is(keyLine('again.pub'), keyLine(`${name}.pub`));

    const { key } = await openSecretKey(at(`${name}.key`), password);
    await signWithKey(bundle, key, { comment: 'by airferry' });
    unpack(keyId);
    const verified = minisign(['-V', '-p', `${name}.pub`, '-m', 'manifest.json']);
    assert.is(verified.status, 0, verified.said);
    assert.match(verified.said, 'Trusted comment: by airferry');
    writeFileSync(at('manifest.json'), `${readFileSync(at('manifest.json'), 'utf8')} `);
    assert.is(minisign(['-V', '-p', `${name}.pub`, '-m', 'manifest.json']).status, 1);
  });
}

for (const [what, args] of [
  ['with a password', []],
  ['without a password', ['-W']],
] as const) {
  test(`we sign with a key of minisign ${what}, and trust it`, async () => {
    const name = args.length > 0 ? 'theirs-open' : 'theirs';
    const made = minisign(['-G', ...args, '-p', `${name}.pub`, '-s', `${name}.key`]);
    assert.is(made.status, 0, made.said);
    const { key } = await openSecretKey(at(`${name}.key`), password);
    await signWithKey(bundle, key, {});
    unpack(key.keyId);
    assert.is(minisign(['-V', '-p', `${name}.pub`, '-m', 'manifest.json']).status, 0);
    const report = await verifyBundle({ path: bundle, trustedKeys: [at(`${name}.pub`)], meter: new Meter() });
    assert.is(problemsError(report), undefined);
    assert.is(report.signature.state, 'signed');
  });
}

for (const [what, args] of [
  ['prehashed', []],
  ['of the old kind', ['-l']],
] as const) {
  test(`a signature ${what} that minisign made of the manifest elsewhere is put in and verified`, async () => {
    const name = `far${args.length}`;
    minisign(['-G', '-W', '-p', `${name}.pub`, '-s', `${name}.key`]);
    const { keyId } = (await openSecretKey(at(`${name}.key`), password)).key;
    unpackManifest();
    const made = minisign([
      '-S',
      ...args,
      '-s',
      `${name}.key`,
      '-m',
      'manifest.json',
      '-x',
      `${name}.minisig`,
      '-t',
      'from afar',
    ]);
    assert.is(made.status, 0, made.said);
    await signWithFile(bundle, { signature: at(`${name}.minisig`), publicKey: at(`${name}.pub`) }, {});
    unpack(keyId);
    assert.is(minisign(['-V', '-p', `${name}.pub`, '-m', 'manifest.json']).status, 0);
    const report = await verifyBundle({ path: bundle, trustedKeys: [at(`${name}.pub`)], meter: new Meter() });
    assert.is(report.signature.signatures.at(-1)?.comment, 'from afar');
    assert.equal(report.problems, []);
  });
}

test('GNU tar and skopeo read a signed bundle as before', () => {
  const names = execFileSync('tar', ['-tf', bundle], { encoding: 'utf8' }).trim().split('\n');
  assert.match(names.at(-1) ?? '', /^signatures\/[0-9A-F]{16}\.minisig$/);
  for (const transport of ['oci-archive', 'docker-archive']) {
    const raw = execFileSync('skopeo', [
      '--tmpdir',
      dir,
      'inspect',
      '--raw',
      `${transport}:${bundle}:docker.io/site/app:1.0`,
    ]);
    assert.is(JSON.parse(raw.toString()).schemaVersion, 2, transport);
  }
});

test.run();
