/** `bundle sign`: put a signature into a bundle, made here with a secret key, or elsewhere with minisign. */
import { stat } from 'node:fs/promises';
import { parseSecretKey, type SecretKey, wantsPassword } from '../bundle/sign/secret-key.ts';
import { attachSignature, type Signed, signBundle } from '../bundle/sign/sign.ts';
import { readPublicKey, readSmallText } from '../bundle/sign/trust.ts';
import { parseSignature, SIGNATURE_LIMIT } from '../content/minisign.ts';
import type { Secret } from '../host/secret.ts';

export interface BundleSigned extends Signed {
  path: string;
}

export interface OpenedKey {
  key: SecretKey;
  /** Whole sentences. */
  warnings: string[];
}

/**
 * Open a secret key; `password` is asked for only where the key has one.
 * Throws KEY_INVALID, KEY_PASSWORD, FILE_NOT_FOUND, FILE_UNREADABLE.
 */
export async function openSecretKey(
  file: string,
  password: () => Promise<Secret | undefined>,
): Promise<OpenedKey> {
  const text = readSmallText(file);
  const encrypted = wantsPassword(text, file);
  const key = await parseSecretKey(text, file, encrypted ? (await password())?.reveal() : undefined);
  const { mode } = await stat(file);
  const open = !encrypted && (mode & 0o077) !== 0;
  const warning = `The secret key ${file} has no password, and others can read it: chmod 600 ${file}`;
  return { key, warnings: open ? [warning] : [] };
}

/** Sign a bundle with a key that was opened. Throws what `signBundle` throws. */
export async function signWithKey(
  path: string,
  key: SecretKey,
  options: { comment?: string; signal?: AbortSignal },
): Promise<BundleSigned> {
  return { path, ...(await signBundle(path, key, options)) };
}

/**
 * Put in a signature that was made elsewhere over the bundle's manifest; the public key shows that it is one. Throws SIGNATURE_INVALID, KEY_INVALID,
 * FILE_NOT_FOUND, FILE_UNREADABLE, and what `attachSignature` throws.
 */
export async function signWithFile(
  path: string,
  { signature, publicKey }: { signature: string; publicKey: string },
  options: { signal?: AbortSignal },
): Promise<BundleSigned> {
  const parsed = parseSignature(readSmallText(signature, SIGNATURE_LIMIT), signature);
  return { path, ...(await attachSignature(path, parsed, readPublicKey(publicKey), options)) };
}
