import * as assert from 'uvu/assert';
import {
  formatPublicKey,
  formatSignature,
  parsePublicKey,
  parseSignature,
  SIGNATURE_LIMIT,
} from '../../src/content/minisign.ts';
import { refused } from '../bundle/rig.ts';
import { suite } from '../support/suite.ts';

const test = suite('content/minisign');

/** Made by minisign 0.11. */
const PUBLIC =
  'untrusted comment: minisign public key D7E884CF40E63092\nRWSSMOZAz4To14LQJazPbdCu1sBheWUmU7BrCL3pPdg/a4+H8EB2Gp5R\n';
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

test('a public key is read with its ID, as a file and as the line alone, and written as minisign does it', () => {
  const key = parsePublicKey(PUBLIC);
  assert.is(key.keyId, 'D7E884CF40E63092');
  assert.is(key.key.length, 32);
  assert.equal(parsePublicKey(` ${PUBLIC.split('\n')[1]} \r\n`), key);
  assert.is(formatPublicKey(key), PUBLIC);
});

test('signatures of both kinds are read, and written with a comment of ours that nobody trusts', () => {
  const signature = parseSignature(SIGNATURE);
  assert.equal(
    [signature.keyId, signature.prehashed, signature.trustedComment],
    ['D7E884CF40E63092', true, 'trust me'],
  );
  assert.equal(
    [parseSignature(OLD).prehashed, parseSignature(OLD).trustedComment],
    [false, 'by the old way'],
  );
  const text = formatSignature(signature);
  assert.is(text.split('\n').slice(1).join('\n'), SIGNATURE.split('\n').slice(1).join('\n'));
  assert.equal(parseSignature(text), signature);
  assert.equal(parseSignature(SIGNATURE.replaceAll('\n', '\r\n')), signature);
});

for (const [what, text, why] of [
  ['nothing', '', 'must be a comment and 42 bytes'],
  ['a secret key', 'untrusted comment: minisign encrypted secret key\nRWQA\n', 'it is a secret key'],
  ['a key of OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\n', 'it is a secret key'],
  ['a certificate', '-----BEGIN CERTIFICATE-----\n', 'it is a key of another tool'],
  ['base64 that is cut', PUBLIC.slice(0, -4), 'must be a comment and 42 bytes'],
  ['base64 in another form', PUBLIC.replace(/(?=\n$)/, '='), 'must be a comment and 42 bytes'],
  ['another algorithm', PUBLIC.replace('\nRW', '\nRX'), 'its algorithm is not ed25519'],
  ['two keys', PUBLIC + PUBLIC, 'must be a comment and 42 bytes'],
  ['a megabyte', 'A'.repeat(1 << 20), 'it is too long'],
] as const) {
  test(`${what} is no public key`, async () => {
    const error = await refused(() => parsePublicKey(text, 'site.pub'), 'KEY_INVALID', why);
    assert.is(error.where.file, 'site.pub');
  });
}

for (const [what, text] of [
  ['nothing', ''],
  ['three lines', SIGNATURE.split('\n').slice(0, 3).join('\n')],
  ['a fifth line', `${SIGNATURE}more\n`],
  ['comments the other way round', SIGNATURE.replace('untrusted', 'trusted')],
  ['base64 that is cut', SIGNATURE.replace(/.(?=\ntrusted)/, '')],
  ['a global signature that is cut', SIGNATURE.replace(/.\n$/, '\n')],
  ['bits behind the end of base64', SIGNATURE.replace(/.=(?=\n)/, 'z=')],
  ['more than any has', SIGNATURE.replace('trust me', 'x'.repeat(SIGNATURE_LIMIT))],
] as const) {
  test(`${what} is no signature`, async () => {
    await refused(() => parseSignature(text), 'SIGNATURE_INVALID', 'is no signature of minisign');
  });
}

test.run();
