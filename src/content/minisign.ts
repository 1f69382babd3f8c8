/**
 * Public keys and signatures in the text formats of minisign (jedisct1.github.io/minisign): ed25519, over the bytes themselves
 * (`Ed`, its older form) or over their BLAKE2b-512 (`ED`). Parsing and formatting alone; nothing is verified here.
 */
import { AirferryError } from '../errors.ts';

export interface MinisignPublicKey {
  /** 16 hexadecimal digits, as minisign prints it. */
  keyId: string;
  /** 32 bytes, of ed25519. */
  key: Uint8Array;
}

export interface MinisignSignature {
  keyId: string;
  /** Whether the BLAKE2b-512 of the bytes was signed, instead of the bytes. */
  prehashed: boolean;
  /** 64 bytes, over the content. */
  signature: Uint8Array;
  /** What the signer said; it is signed as well. */
  trustedComment: string;
  /** 64 bytes, over `signature` and the trusted comment. */
  globalSignature: Uint8Array;
}

/** Bytes of a signature file: minisign's own limits for comments, and the rest. */
export const SIGNATURE_LIMIT = 10 * 1024;
/** Bytes of a trusted comment. */
export const COMMENT_LIMIT = 4096;
const KEY_LIMIT = 4096;
const UNTRUSTED = 'untrusted comment: ';
const TRUSTED = 'trusted comment: ';
/** Algorithm, key ID. */
const HEAD = 2 + 8;
const KEY_BYTES = HEAD + 32;
const SIGNATURE_BYTES = HEAD + 64;

/**
 * Parse a public key: a file of minisign, or the line of base64 alone, as after `minisign -P`. Throws KEY_INVALID.
 * @param file where it comes from, for the error
 */
export function parsePublicKey(text: string, file?: string): MinisignPublicKey {
  const invalid = (why: string, ...suggestions: string[]): AirferryError =>
    new AirferryError('KEY_INVALID', `${file ?? 'this'} is no public key of minisign: ${why}`, {
      where: file === undefined ? {} : { file },
      suggestions,
    });
  if (text.length > KEY_LIMIT) throw invalid('it is too long');
  if (text.includes('PRIVATE KEY') || text.includes('encrypted secret key'))
    throw invalid(
      'it is a secret key',
      'Take the .pub file beside it, and keep this one where only the signer has it.',
    );
  if (text.includes('BEGIN '))
    throw invalid('it is a key of another tool', 'Make a pair with: airferry bundle keygen -o site.key');
  const lines = text.split(/\r?\n/).filter(line => line.trim() !== '' && !line.startsWith(UNTRUSTED));
  const bytes = lines.length === 1 ? base64(lines[0]?.trim() ?? '') : undefined;
  if (bytes?.length !== KEY_BYTES) throw invalid(`it must be a comment and ${KEY_BYTES} bytes in base64`);
  if (bytes.subarray(0, 2).toString('latin1') !== 'Ed') throw invalid('its algorithm is not ed25519');
  return { keyId: keyIdOf(bytes.subarray(2, HEAD)), key: bytes.subarray(HEAD) };
}

/** The text of a public key's file, as minisign writes it. */
export function formatPublicKey({ keyId, key }: MinisignPublicKey): string {
  const bytes = Buffer.concat([Buffer.from('Ed'), keyIdBytes(keyId), key]);
  return `${UNTRUSTED}minisign public key ${keyId}\n${bytes.toString('base64')}\n`;
}

/** Parse a signature file. The untrusted comment is left out: anybody could have written it. Throws SIGNATURE_INVALID. */
export function parseSignature(text: string, file?: string): MinisignSignature {
  const invalid = (why: string): AirferryError =>
    new AirferryError('SIGNATURE_INVALID', `${file ?? 'this'} is no signature of minisign: ${why}`, {
      where: file === undefined ? {} : { file },
      suggestions: ['It is four lines of text, with two comments; carry it over again, or sign anew.'],
    });
  if (text.length > SIGNATURE_LIMIT) throw invalid('it is too long');
  const [untrusted, line, trusted, global, ...rest] = text.split(/\r?\n/);
  if (!untrusted?.startsWith(UNTRUSTED) || !trusted?.startsWith(TRUSTED) || rest.some(more => more !== ''))
    throw invalid('its lines are not those of one');
  const trustedComment = trusted.slice(TRUSTED.length);
  const bytes = base64(line ?? '');
  const globalSignature = base64(global ?? '');
  if (bytes?.length !== SIGNATURE_BYTES || globalSignature?.length !== 64)
    throw invalid('its base64 is damaged, or too short');
  const algorithm = bytes.subarray(0, 2).toString('latin1');
  if (algorithm !== 'Ed' && algorithm !== 'ED') throw invalid('its algorithm is not ed25519');
  return {
    keyId: keyIdOf(bytes.subarray(2, HEAD)),
    prehashed: algorithm === 'ED',
    signature: bytes.subarray(HEAD),
    trustedComment,
    globalSignature,
  };
}

/** The text of a signature file; the same signature gives the same bytes. */
export function formatSignature(signature: MinisignSignature): string {
  const { keyId, prehashed, trustedComment, globalSignature } = signature;
  const bytes = Buffer.concat([Buffer.from(prehashed ? 'ED' : 'Ed'), keyIdBytes(keyId), signature.signature]);
  return [
    `${UNTRUSTED}signature from airferry, key ${keyId}`,
    bytes.toString('base64'),
    `${TRUSTED}${trustedComment}`,
    Buffer.from(globalSignature).toString('base64'),
    '',
  ].join('\n');
}

/** A key ID as minisign prints it: the eight bytes as one number, little end first. */
export function keyIdOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).reverse().toString('hex').toUpperCase();
}

export function keyIdBytes(keyId: string): Buffer {
  return Buffer.from(keyId, 'hex').reverse();
}

/** Bytes of base64 in its one proper form; undefined for anything else. */
export function base64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}
