/**
 * Secret keys in minisign's format: a comment, and 158 bytes in base64. With a password, key ID, key and checksum are
 * hidden under a stream that scrypt makes of it.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { base64, keyIdBytes, keyIdOf, type MinisignPublicKey } from '../../content/minisign.ts';
import { AirferryError } from '../../errors.ts';
import { blake2b } from '../../support/blake2b.ts';
import { deriveKey, OUR_LIMITS, type ScryptLimits } from './scrypt.ts';

export interface SecretKey {
  keyId: string;
  /** 32 bytes: what ed25519 makes all else of. */
  seed: Uint8Array;
  /** 32 bytes. */
  publicKey: Uint8Array;
}

/** The layout: algorithm, key derivation and checksum by two letters each; salt and limits; and what is hidden. */
const ALGORITHM = 'Ed';
const SCRYPT = 'Sc';
const NO_PASSWORD = '\0\0';
const CHECKSUM = 'B2';
const SALT = 6;
const LIMITS = SALT + 32;
const HIDDEN = LIMITS + 16;
const KEY_ID = 8;
const CHECK = KEY_ID + 64;
const HIDDEN_BYTES = CHECK + 32;
const BYTES = HIDDEN + HIDDEN_BYTES;
const FILE_LIMIT = 4096;
/** What files made by minisign begin with, encrypted or not. */
const COMMENT = 'untrusted comment: minisign encrypted secret key';

/** A new pair of keys with a random ID. */
export function newSecretKey(): SecretKey {
  const { x, d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return {
    keyId: keyIdOf(randomBytes(KEY_ID)),
    seed: Buffer.from(d ?? '', 'base64url'),
    publicKey: Buffer.from(x ?? '', 'base64url'),
  };
}

/** The public half, for everybody. */
export function publicKeyOf({ keyId, publicKey }: SecretKey): MinisignPublicKey {
  return { keyId, key: publicKey };
}

/** The text of a secret key's file; without a password it lies there openly. */
export async function formatSecretKey(
  secret: SecretKey,
  password: string | undefined,
  limits: ScryptLimits = OUR_LIMITS,
): Promise<string> {
  const plain = Buffer.concat([keyIdBytes(secret.keyId), secret.seed, secret.publicKey]);
  const hidden = Buffer.concat([plain, checksum(plain)]);
  const bytes = Buffer.alloc(BYTES);
  bytes.write(`${ALGORITHM}${password === undefined ? NO_PASSWORD : SCRYPT}${CHECKSUM}`, 'latin1');
  if (password !== undefined) {
    const salt = randomBytes(32);
    salt.copy(bytes, SALT);
    bytes.writeBigUInt64LE(limits.ops, LIMITS);
    bytes.writeBigUInt64LE(limits.mem, LIMITS + 8);
    xorInto(hidden, await deriveKey(password, salt, limits, HIDDEN_BYTES));
  }
  hidden.copy(bytes, HIDDEN);
  return `${COMMENT}\n${bytes.toString('base64')}\n`;
}

/** Whether a secret key's file wants a password. Throws KEY_INVALID for what is none. */
export function wantsPassword(text: string, file: string): boolean {
  return derivation(secretBytes(text, file)) === SCRYPT;
}

/**
 * Open a secret key. Throws KEY_INVALID for what is none, KEY_PASSWORD for a wrong password, and for none where there is one.
 * @param text the content of `file`
 */
export async function parseSecretKey(text: string, file: string, password?: string): Promise<SecretKey> {
  const bytes = secretBytes(text, file);
  const hidden = Buffer.from(bytes.subarray(HIDDEN));
  const encrypted = derivation(bytes) === SCRYPT;
  if (encrypted) {
    if (password === undefined) {
      throw new AirferryError('KEY_PASSWORD', `${file} is encrypted, and there is no password for it`, {
        where: { file },
        suggestions: ['Set AIRFERRY_SIGN_PASSWORD, or run the command on a terminal, where it can ask.'],
      });
    }
    const limits = { ops: bytes.readBigUInt64LE(LIMITS), mem: bytes.readBigUInt64LE(LIMITS + 8) };
    xorInto(hidden, await deriveKey(password, bytes.subarray(SALT, LIMITS), limits, HIDDEN_BYTES));
  }
  const plain = hidden.subarray(0, CHECK);
  const check = hidden.subarray(CHECK);
  // Where there is no password, minisign leaves the checksum empty.
  const empty = !encrypted && check.every(byte => byte === 0);
  if (!empty && !check.equals(checksum(plain))) {
    if (encrypted)
      throw new AirferryError('KEY_PASSWORD', `this is not the password of ${file}`, { where: { file } });
    throw invalid(file, 'its checksum is wrong');
  }
  const seed = Buffer.from(plain.subarray(KEY_ID, KEY_ID + 32));
  return {
    keyId: keyIdOf(plain.subarray(0, KEY_ID)),
    seed,
    publicKey: Buffer.from(plain.subarray(KEY_ID + 32)),
  };
}

function secretBytes(text: string, file: string): Buffer {
  if (text.length > FILE_LIMIT) throw invalid(file, 'it is too long');
  if (text.includes('minisign public key'))
    throw invalid(
      file,
      'it is a public key',
      'Signing takes the secret one, which `bundle keygen` wrote beside it.',
    );
  const [comment, line, ...rest] = text.split(/\r?\n/);
  const bytes =
    comment?.startsWith('untrusted comment: ') && rest.every(more => more === '')
      ? base64(line ?? '')
      : undefined;
  if (bytes?.length !== BYTES) throw invalid(file, `it must be a comment and ${BYTES} bytes in base64`);
  const known = bytes.toString('latin1', 0, 2) === ALGORITHM && bytes.toString('latin1', 4, 6) === CHECKSUM;
  if (!known || ![SCRYPT, NO_PASSWORD].includes(derivation(bytes)))
    throw invalid(file, 'it uses algorithms that are not those of minisign');
  return bytes;
}

function derivation(bytes: Buffer): string {
  return bytes.toString('latin1', 2, 4);
}

function checksum(plain: Uint8Array): Uint8Array {
  return blake2b(Buffer.concat([Buffer.from(ALGORITHM), plain]), 32);
}

function xorInto(bytes: Buffer, stream: Uint8Array): void {
  for (const [index, byte] of stream.entries()) bytes[index] = (bytes[index] ?? 0) ^ byte;
}

function invalid(file: string, why: string, ...suggestions: string[]): AirferryError {
  return new AirferryError('KEY_INVALID', `${file} is no secret key of minisign: ${why}`, {
    where: { file },
    suggestions,
  });
}
