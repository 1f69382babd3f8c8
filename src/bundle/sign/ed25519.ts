/** Signing bytes and verifying signatures, as minisign does both. */
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { COMMENT_LIMIT, type MinisignPublicKey, type MinisignSignature } from '../../content/minisign.ts';
import { AirferryError } from '../../errors.ts';
import type { SecretKey } from './secret-key.ts';

/** What stands before the 32 bytes of a key in PKCS #8 and in SubjectPublicKeyInfo (RFC 8410). */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Sign bytes, prehashed as minisign does it since 0.9. The same input gives the same signature.
 * Throws USAGE for a comment that is too long, or is more than a line.
 */
export function signBytes(content: Uint8Array, secret: SecretKey, trustedComment: string): MinisignSignature {
  if (/[\r\n]/.test(trustedComment) || Buffer.byteLength(trustedComment) > COMMENT_LIMIT)
    throw new AirferryError('USAGE', `the comment must be one line of at most ${COMMENT_LIMIT} bytes`);
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE, secret.seed]), format: 'der', type: 'pkcs8' });
  const signature = sign(null, prehash(content), key);
  const globalSignature = sign(null, Buffer.concat([signature, Buffer.from(trustedComment)]), key);
  return { keyId: secret.keyId, prehashed: true, signature, trustedComment, globalSignature };
}

/** Whether a signature is this key's, over these bytes and its own comment. Both forms of minisign are verified. */
export function verifyBytes(
  content: Uint8Array,
  { prehashed, signature, trustedComment, globalSignature }: MinisignSignature,
  { key }: MinisignPublicKey,
): boolean {
  const publicKey = createPublicKey({ key: Buffer.concat([PUBLIC, key]), format: 'der', type: 'spki' });
  const signed = prehashed ? prehash(content) : content;
  return (
    verify(null, signed, publicKey, signature) &&
    verify(null, Buffer.concat([signature, Buffer.from(trustedComment)]), publicKey, globalSignature)
  );
}

function prehash(content: Uint8Array): Uint8Array {
  return createHash('blake2b512').update(content).digest();
}
