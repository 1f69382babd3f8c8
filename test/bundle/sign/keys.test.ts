import * as assert from 'uvu/assert';
import { signBytes, verifyBytes } from '../../../src/bundle/sign/ed25519.ts';
import { scryptParameters } from '../../../src/bundle/sign/scrypt.ts';
import {
  formatSecretKey,
  newSecretKey,
  parseSecretKey,
  publicKeyOf,
  wantsPassword,
} from '../../../src/bundle/sign/secret-key.ts';
import {
  formatPublicKey,
  formatSignature,
  parsePublicKey,
  parseSignature,
} from '../../../src/content/minisign.ts';
import { suite } from '../../support/suite.ts';
import { refused } from '../rig.ts';

const test = suite('bundle/sign: keys');

/** Made by minisign 0.11: with the password "pw" where there was little memory, and with -W. */
const ENCRYPTED =
  'untrusted comment: minisign encrypted secret key\nRWRTY0IyWUJn7VR9VrTKdi+Q2mK8jDl2BkmNYD9cgzszoB8rPqMAABAAAAAAAAAAAAIAAAAAjODzn7g7UinqvYzZeZ345WkfXcGVpjJP/cO0/tH0id6Yk6UWAWuj9Ec2JS64Y88t323+VWx6T1Bz9o2QBb0lZrAWQSEYvNcG0R7uAIJLptGwgRoOSQZiiGH0DdvA1Ups05uc/auWTsY=\n';
const ENCRYPTED_PUBLIC = 'RWSeCzGxqbG+hlphpo3d7OZAKhK3qUnDOBn2s72ZqEDtpWiOV6DAQrg1';
const OPEN =
  'untrusted comment: minisign encrypted secret key\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAkjDmQM+E6NfR4k15pUD+S6RIbiX7U37qsTFUgMDSCHsjPJVfltvpKILQJazPbdCu1sBheWUmU7BrCL3pPdg/a4+H8EB2Gp5RAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n';
const OPEN_PUBLIC = 'RWSSMOZAz4To14LQJazPbdCu1sBheWUmU7BrCL3pPdg/a4+H8EB2Gp5R';
const SIGNATURE = `untrusted comment: signature from minisign secret key
RUSSMOZAz4To12tW+EuUCRrGKAxdJJ5I4835OUcjv6sTr7F1CNh99i/jU1/T/Ak5GHCZQ1rioWOMs+PJMx8hrjNOZVGjMhZk1ws=
trusted comment: trust me
eHBKaw7WX0//HdTxEEhPjCHq9F6Z00Yada4p150u1QucBOZSJDrAv/uQE3iG8lZ3cj5CPbQFi3FWr/CeN3vuCw==
`;
const OLD = `untrusted comment: signature from minisign secret key
RWSSMOZAz4To11Oz6/8Jdu91yErC3m59dCgwWJ3it1LrphRzyvcyE+lGVss8tdfrVAWjp8/MSy3oVduAhl00y7O9e58LZV5nkAA=
trusted comment: by the old way
lZc+PJfGHFBt9RInhKeHkENbWxi7BDcBbBnjRvJt+xHlT0cdXYGQv0XOcE5p7IDw0FE6xdO8TFZnEOFL7nUBBg==
`;
const CONTENT = Buffer.from('hello\n');
/** Derives a key in no time; for tests alone. */
const QUICK = { ops: 32768n, mem: 1n << 21n };

test('secret keys of minisign are opened, encrypted and not, and have the public key that it wrote', async () => {
  const encrypted = await parseSecretKey(ENCRYPTED, 'e.key', 'pw');
  assert.match(formatPublicKey(publicKeyOf(encrypted)), ENCRYPTED_PUBLIC);
  assert.is(wantsPassword(ENCRYPTED, 'e.key'), true);
  assert.is(wantsPassword(OPEN, 'n.key'), false);
  assert.match(formatPublicKey(publicKeyOf(await parseSecretKey(OPEN, 'n.key'))), OPEN_PUBLIC);
});

test('what minisign signed is verified, prehashed and not; a changed byte of anything is found', () => {
  const key = parsePublicKey(OPEN_PUBLIC);
  for (const text of [SIGNATURE, OLD]) {
    const signature = parseSignature(text);
    assert.ok(verifyBytes(CONTENT, signature, key));
    assert.not(verifyBytes(Buffer.from('hellO\n'), signature, key));
    assert.not(verifyBytes(CONTENT, { ...signature, trustedComment: 'trust us' }, key));
    assert.not(verifyBytes(CONTENT, { ...signature, prehashed: !signature.prehashed }, key));
    for (const part of ['signature', 'globalSignature'] as const) {
      for (let index = 0; index < 64; index++) {
        const bytes = Buffer.from(signature[part]);
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        assert.not(verifyBytes(CONTENT, { ...signature, [part]: bytes }, key), `${part}, byte ${index}`);
      }
    }
    assert.not(verifyBytes(CONTENT, signature, parsePublicKey(ENCRYPTED_PUBLIC)), 'another key');
  }
});

test('the same key, bytes and comment give the signature that minisign gives', async () => {
  const secret = await parseSecretKey(OPEN, 'n.key');
  const lines = (text: string): string[] => text.split('\n').slice(1);
  assert.equal(lines(formatSignature(signBytes(CONTENT, secret, 'trust me'))), lines(SIGNATURE));
});

test('a new key goes through its file, with a password and without', async () => {
  const secret = newSecretKey();
  assert.equal(await parseSecretKey(await formatSecretKey(secret, undefined), 'k'), secret);
  const file = await formatSecretKey(secret, 'pä ss', QUICK);
  assert.equal(await parseSecretKey(file, 'k', 'pä ss'), secret);
  assert.not.equal(await formatSecretKey(secret, 'pä ss', QUICK), file, 'each has its own salt');
  assert.not.equal(newSecretKey().keyId, secret.keyId);
  assert.ok(verifyBytes(CONTENT, signBytes(CONTENT, secret, 'c'), publicKeyOf(secret)));
});

test('a wrong password, none, and a damaged file are told apart', async () => {
  const file = await formatSecretKey(newSecretKey(), 'right', QUICK);
  await refused(() => parseSecretKey(file, 'k', 'wrong'), 'KEY_PASSWORD', 'this is not the password of k');
  const none = await refused(() => parseSecretKey(file, 'k'), 'KEY_PASSWORD', 'k is encrypted');
  assert.match(none.suggestions.join(), 'AIRFERRY_SIGN_PASSWORD');
  const open = Buffer.from((await formatSecretKey(newSecretKey(), undefined)).split('\n')[1] ?? '', 'base64');
  open[70] = (open[70] ?? 0) ^ 1;
  const damaged = `untrusted comment: x\n${open.toString('base64')}\n`;
  await refused(() => parseSecretKey(damaged, 'k'), 'KEY_INVALID', 'its checksum is wrong');
});

for (const [what, text, why] of [
  ['nothing', '', 'must be a comment and 158 bytes'],
  ['a public key', `untrusted comment: minisign public key X\n${OPEN_PUBLIC}\n`, 'it is a public key'],
  ['one that is cut', ENCRYPTED.slice(0, -9), 'must be a comment and 158 bytes'],
  ['other algorithms', ENCRYPTED.replace('\nRW', '\nRX'), 'algorithms that are not those of minisign'],
  ['a megabyte', 'A'.repeat(1 << 20), 'it is too long'],
] as const) {
  test(`${what} is no secret key`, async () => {
    await refused(() => parseSecretKey(text, 'k', 'x'), 'KEY_INVALID', why);
  });
}

test('a key file that wants all memory is refused before any is taken', async () => {
  const bytes = Buffer.from(ENCRYPTED.split('\n')[1] ?? '', 'base64');
  for (const [ops, mem] of [
    [1n << 25n, 1n << 40n],
    [1n << 60n, 1n << 28n],
    [(1n << 64n) - 1n, (1n << 64n) - 1n],
  ] as const) {
    bytes.writeBigUInt64LE(ops, 38);
    bytes.writeBigUInt64LE(mem, 46);
    await refused(
      () => parseSecretKey(`untrusted comment: x\n${bytes.toString('base64')}\n`, 'k', 'pw'),
      'KEY_INVALID',
      'memory',
    );
  }
  for (const mem of [0n, 1n, 1024n, 1n << 20n]) {
    bytes.writeBigUInt64LE(0n, 38);
    bytes.writeBigUInt64LE(mem, 46);
    const file = `untrusted comment: x\n${bytes.toString('base64')}\n`;
    const code = await parseSecretKey(file, 'k', 'pw').then(
      () => 'opened',
      error => error.code,
    );
    assert.ok(['KEY_PASSWORD', 'KEY_INVALID'].includes(code), `${mem}: ${code}`);
  }
});

test("scrypt's parameters are those that libsodium picks", () => {
  assert.equal(
    scryptParameters({ ops: 33554432n, mem: 1073741824n }),
    { N: 1 << 20, r: 8, p: 1 },
    'sensitive',
  );
  assert.equal(scryptParameters({ ops: 524288n, mem: 16777216n }), { N: 1 << 14, r: 8, p: 1 }, 'interactive');
  assert.equal(
    scryptParameters({ ops: 262144n, mem: 1073741824n }),
    { N: 1 << 13, r: 8, p: 1 },
    'short of operations',
  );
  assert.equal(
    scryptParameters({ ops: 33554432n, mem: 16777216n }),
    { N: 1 << 14, r: 8, p: 64 },
    'short of memory',
  );
});

test('a comment of two lines, or of a book, is refused', async () => {
  const secret = newSecretKey();
  await refused(() => signBytes(CONTENT, secret, 'a\nb'), 'USAGE', 'one line');
  await refused(() => signBytes(CONTENT, secret, 'ä'.repeat(3000)), 'USAGE', 'one line');
});

test.run();
