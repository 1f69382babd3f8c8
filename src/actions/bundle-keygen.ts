/** `bundle keygen`: a pair of keys, the secret one for whoever signs, the public one for every site. */
import { stat } from 'node:fs/promises';
import { formatSecretKey, newSecretKey, publicKeyOf } from '../bundle/sign/secret-key.ts';
import { formatPublicKey } from '../content/minisign.ts';
import { AirferryError } from '../errors.ts';
import type { Secret } from '../host/secret.ts';
import { writeWhole } from '../support/write-file.ts';

export interface BundleKeygenOptions {
  /** The secret key's file. */
  output: string;
  /** What it is encrypted with; undefined for not at all. */
  password?: Secret;
}

export interface BundleKeys {
  keyId: string;
  secretKey: string;
  publicKey: string;
  encrypted: boolean;
}

/** Where the public key of a secret one lies: `site.pub` beside `site.key`. */
export function publicKeyPath(secretKey: string): string {
  return `${secretKey.replace(/\.(?:key|sec)$/, '')}.pub`;
}

/**
 * Make a pair of keys. Throws FILE_UNWRITABLE, above all where one of the files is there already: a secret key that is
 * overwritten is gone for ever, and with it the trust in it.
 */
export async function generateKeys({ output, password }: BundleKeygenOptions): Promise<BundleKeys> {
  const publicKey = publicKeyPath(output);
  await assertNew(output, publicKey);
  const secret = newSecretKey();
  await writeWhole(output, await formatSecretKey(secret, password?.reveal()), 0o600);
  await writeWhole(publicKey, formatPublicKey(publicKeyOf(secret)), 0o644);
  return { keyId: secret.keyId, secretKey: output, publicKey, encrypted: password !== undefined };
}

/** Throws FILE_UNWRITABLE where a file of the pair is there already. To be asked before any password is. */
export async function assertNew(...paths: string[]): Promise<void> {
  for (const path of paths) {
    if ((await stat(path).catch(() => undefined)) === undefined) continue;
    throw new AirferryError('FILE_UNWRITABLE', `${path} is there already, and keys are never overwritten`, {
      where: { file: path },
      suggestions: ['Name another file with -o, or move this one away first.'],
    });
  }
}
