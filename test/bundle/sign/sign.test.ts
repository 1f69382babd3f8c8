import { appendFileSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { problemsError, verifyBundle } from '../../../src/actions/bundle-verify.ts';
import { Bundle } from '../../../src/bundle/open.ts';
import { retagBundle } from '../../../src/bundle/retag.ts';
import { checkSignatures, demandSignature } from '../../../src/bundle/sign/check.ts';
import { signBytes } from '../../../src/bundle/sign/ed25519.ts';
import { newSecretKey, publicKeyOf, type SecretKey } from '../../../src/bundle/sign/secret-key.ts';
import { attachSignature, signBundle } from '../../../src/bundle/sign/sign.ts';
import { type TrustedKey, trustedKeys } from '../../../src/bundle/sign/trust.ts';
import { formatPublicKey, formatSignature } from '../../../src/content/minisign.ts';
import { parseRetagRule } from '../../../src/content/retag.ts';
import { Meter } from '../../../src/support/meter.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../../../src/tar/write.ts';
import { scratch } from '../../support/scratch.ts';
import { suite } from '../../support/suite.ts';
import { create, refused, writeSite } from '../rig.ts';

const test = suite('bundle/sign', { timeout: 60_000 });
const dir = scratch();
const alice = newSecretKey();
const bob = newSecretKey();
let unsigned = '';

test.before(async () => {
  ({ path: unsigned } = await create(dir, await writeSite(dir)));
});

let copies = 0;
/** A bundle of its own for a test, signed by the given keys. */
async function bundle(...keys: SecretKey[]): Promise<string> {
  const path = join(dir, `copy-${copies++}.tar`);
  copyFileSync(unsigned, path);
  for (const key of keys) await signBundle(path, key);
  return path;
}

function trust(...keys: SecretKey[]): TrustedKey[] {
  return keys.map(key => ({ ...publicKeyOf(key), file: `${key.keyId}.pub` }));
}

function check(path: string, trusted: TrustedKey[]) {
  const open = Bundle.open(path);
  try {
    return checkSignatures(open, trusted);
  } finally {
    open.close();
  }
}

async function demand(path: string, trusted: TrustedKey[]) {
  const open = Bundle.open(path);
  try {
    return demandSignature(open, trusted);
  } finally {
    open.close();
  }
}

const problems = async (path: string) =>
  (await verifyBundle({ path, trustedKeys: [], meter: new Meter() })).problems.map(({ message }) => message);

/** The bundle with entries behind its last one. */
async function withEntries(...entries: [name: string, content: Uint8Array][]): Promise<string> {
  const path = await bundle();
  const parts: Uint8Array[] = [readFileSync(path).subarray(0, -END_OF_ARCHIVE.length)];
  for (const [name, content] of entries)
    parts.push(await fileHeader(name, content.length), content, padding(content.length));
  writeFileSync(path, Buffer.concat([...parts, END_OF_ARCHIVE]));
  return path;
}

test('a signed bundle is sound, and the same but for its end', async () => {
  const path = await bundle(alice);
  assert.equal(await problems(path), []);
  const before = readFileSync(unsigned);
  const after = readFileSync(path);
  assert.is(after.length - before.length, 1024, 'a header and a block');
  assert.ok(after.subarray(0, before.length - 1024).equals(before.subarray(0, -1024)));
  assert.equal(check(path, trust(alice)), {
    state: 'signed',
    demanded: true,
    signatures: [
      {
        keyId: alice.keyId,
        verdict: 'valid',
        comment: check(path, trust(alice)).signatures[0]?.comment,
        key: `${alice.keyId}.pub`,
      },
    ],
  });
});

test('a bundle that is signed while it is made has the bytes of one that is signed afterwards', async () => {
  const output = join(dir, 'at-once.tar');
  const { digest, size, signed } = await create(dir, await writeSite(dir), {
    output,
    sign: { key: alice, comment: 'c' },
  });
  const path = await bundle();
  assert.equal(await signBundle(path, alice, { comment: 'c' }), {
    keyId: alice.keyId,
    comment: 'c',
    outcome: 'signed',
  });
  assert.ok(readFileSync(output).equals(readFileSync(path)));
  assert.is(size, readFileSync(output).length);
  assert.is(signed?.keyId, alice.keyId);
  assert.match(check(output, trust(alice)).signatures[0]?.comment ?? '', 'c');
  const again = await signBundle(await bundle(), alice);
  assert.match(again.comment, new RegExp(`^timestamp:\\d+\tbundle:plant-7 2026\\.11\tmanifest:${digest}$`));
});

test('a key signs once; with other words it signs anew; keys stand side by side', async () => {
  const path = await bundle(alice);
  const bytes = readFileSync(path);
  assert.is((await signBundle(path, alice)).outcome, 'present');
  assert.ok(readFileSync(path).equals(bytes), 'nothing was written');
  await signBundle(path, bob, { comment: 'bob was here' });
  await signBundle(path, alice, { comment: 'anew' });
  const { state, signatures } = check(path, trust(alice, bob));
  assert.is(state, 'signed');
  assert.equal(
    signatures.map(({ keyId, comment }) => [keyId, comment]),
    [
      [bob.keyId, 'bob was here'],
      [alice.keyId, 'anew'],
    ],
  );
  assert.equal(await problems(path), []);
});

test('of several signatures one by a trusted key is enough, so that one key can follow another', async () => {
  const path = await bundle(alice, bob);
  for (const keys of [[alice], [bob], [alice, bob]])
    assert.is((await demand(path, trust(...keys))).state, 'signed');
});

test('without a trusted key nothing is demanded, and what there is is said', async () => {
  assert.is((await demand(unsigned, [])).state, 'unsigned');
  const report = await demand(await bundle(alice), []);
  assert.is(report.state, 'untrusted');
  assert.equal(report.signatures, [{ keyId: alice.keyId, verdict: 'unknown' }], 'its words are not repeated');
});

test('with a trusted key, an unsigned bundle and one of another key are refused', async () => {
  const none = await refused(() => demand(unsigned, trust(alice)), 'SIGNATURE_MISSING', 'is not signed');
  assert.is(none.exit, 4);
  const other = await refused(
    async () => demand(await bundle(bob), trust(alice)),
    'SIGNATURE_UNTRUSTED',
    bob.keyId,
  );
  assert.match(other.suggestions.join(), 'trusted-keys');
});

test('a signature of another bundle, a forged one and a removed one are refused', async () => {
  const foreign = signBytes(Buffer.from('another manifest'), alice, 'trust me');
  const name = `signatures/${alice.keyId}.minisig`;
  const replayed = await withEntries([name, Buffer.from(formatSignature(foreign))]);
  await refused(() => demand(replayed, trust(alice)), 'SIGNATURE_INVALID', 'changed after it was signed');
  const forged = { ...signBytes(Buffer.from(''), bob, 'c'), keyId: alice.keyId };
  await refused(
    async () => demand(await withEntries([name, Buffer.from(formatSignature(forged))]), trust(alice)),
    'SIGNATURE_INVALID',
  );
  const both = await withEntries(
    [name, Buffer.from(formatSignature(foreign))],
    [`signatures/${bob.keyId}.minisig`, Buffer.from(formatSignature(signBytes(Buffer.from(''), bob, 'c')))],
  );
  await refused(() => demand(both, trust(bob, alice)), 'SIGNATURE_INVALID');
});

test('a bit of a signature that flips is found, wherever it is', async () => {
  const path = await bundle(alice);
  const bytes = readFileSync(path);
  const start = readFileSync(unsigned).length - 1024;
  for (let at = start; at < bytes.length; at += 7) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    writeFileSync(path, flipped);
    const error = await verifyBundle({ path, trustedKeys: [], meter: new Meter() }).then(
      report =>
        report.problems.length > 0
          ? 'found'
          : check(path, trust(alice)).state === 'signed'
            ? undefined
            : 'found',
      () => 'found',
    );
    assert.is(error, 'found', `byte ${at - start} of the end`);
  }
});

test('a signature may stand at the end alone, under its own name, in its own form', async () => {
  const text = Buffer.from(formatSignature(signBytes(Buffer.from(''), alice, 'c')));
  const name = `signatures/${alice.keyId}.minisig`;
  for (const [what, entries, message] of [
    ['another name', [['signatures/x.minisig', text]], 'is not named by the manifest'],
    [
      'a file behind it',
      [
        [name, text],
        ['more', text],
      ],
      'is not named by the manifest',
    ],
    [
      'two of one key',
      [
        [name, text],
        [name, text],
      ],
      'is not named by the manifest',
    ],
    [
      'the name of another key',
      [['signatures/0123456789ABCDEF.minisig', text]],
      'is not as airferry writes it',
    ],
    [
      'another comment',
      [[name, Buffer.from(text.toString().replace('airferry', 'somebody'))]],
      'is not as airferry writes it',
    ],
    ['something else', [[name, Buffer.from('hello')]], 'is no signature of minisign'],
    ['a book', [[name, Buffer.alloc(20_000, 'x')]], 'is not named by the manifest'],
  ] as [string, [string, Uint8Array][], string][]) {
    const found = await problems(await withEntries(...entries));
    assert.ok(found.length > 0, what);
    assert.match(found.join(), message, what);
  }
  const many = Array.from({ length: 17 }, (_, index): [string, Uint8Array] => {
    const keyId = index.toString(16).padStart(16, '0').toUpperCase();
    return [
      `signatures/${keyId}.minisig`,
      Buffer.from(formatSignature({ ...signBytes(Buffer.from(''), alice, 'c'), keyId })),
    ];
  });
  assert.match((await problems(await withEntries(...many))).join(), 'is not named by the manifest');
});

test('bytes behind the end are found in a signed bundle too', async () => {
  const path = await bundle(alice);
  appendFileSync(path, Buffer.alloc(512));
  assert.match((await problems(path)).join(), '512 bytes follow the end of the archive');
});

test('a signature that was made elsewhere is put in when the key shows that it fits', async () => {
  const path = await bundle(bob);
  const open = Bundle.open(path);
  const manifest = open.manifestBytes;
  open.close();
  const made = signBytes(manifest, alice, 'far away');
  assert.is((await attachSignature(path, made, publicKeyOf(alice))).outcome, 'signed');
  assert.is((await attachSignature(path, made, publicKeyOf(alice))).outcome, 'present');
  assert.is(check(path, trust(alice)).state, 'signed');
  await refused(() => attachSignature(path, made, publicKeyOf(bob)), 'SIGNATURE_INVALID', 'not one of key');
  await refused(
    () => attachSignature(path, signBytes(Buffer.from('x'), alice, ''), publicKeyOf(alice)),
    'SIGNATURE_INVALID',
    'not one of key',
  );
});

test('new names make a new manifest: the signature goes, and the bundle can be signed anew', async () => {
  const path = await bundle(alice);
  const rules = [parseRetagRule('site/*=plant/*')];
  const { changed } = await retagBundle(path, { rules } as Parameters<typeof retagBundle>[1]);
  assert.ok(changed);
  assert.is(check(path, trust(alice)).state, 'unsigned');
  assert.equal(await problems(path), []);
  await signBundle(path, alice);
  assert.is(check(path, trust(alice)).state, 'signed');
});

test('what is signed says so in the report, and an error comes of what is demanded', async () => {
  const report = await verifyBundle({ path: unsigned, trustedKeys: [], meter: new Meter() });
  assert.is(problemsError(report), undefined);
  const file = join(dir, 'alice.pub');
  writeFileSync(file, formatPublicKey(publicKeyOf(alice)));
  const demanded = await verifyBundle({ path: unsigned, trustedKeys: [file], meter: new Meter() });
  assert.is(problemsError(demanded)?.code, 'SIGNATURE_MISSING');
  const signed = await verifyBundle({ path: await bundle(alice), trustedKeys: [file], meter: new Meter() });
  assert.is(problemsError(signed), undefined);
  assert.is(signed.signature.signatures[0]?.key, file);
});

test('trusted keys are all *.pub files of the folders; named ones take their place; a bad one shuts the door', async () => {
  const [user, machine] = [join(dir, 'user'), join(dir, 'machine')];
  mkdirSync(user);
  mkdirSync(machine);
  writeFileSync(join(user, 'a.pub'), formatPublicKey(publicKeyOf(alice)));
  writeFileSync(join(user, 'note.txt'), 'not a key');
  writeFileSync(join(machine, 'b.pub'), formatPublicKey(publicKeyOf(bob)));
  const folders = [user, machine, join(dir, 'nowhere')];
  const ids = async (named?: string[]) => (await trustedKeys(named, folders)).map(({ keyId }) => keyId);
  assert.equal(await ids(), [alice.keyId, bob.keyId]);
  assert.equal(await ids([join(machine, 'b.pub')]), [bob.keyId]);
  writeFileSync(join(machine, 'c.pub'), 'rubbish');
  await refused(() => ids(), 'KEY_INVALID', 'c.pub is no public key');
  await refused(() => ids([join(dir, 'gone.pub')]), 'FILE_NOT_FOUND', 'gone.pub');
});

test.run();
