/** The keys that are trusted here: public keys of minisign in two folders, or those that are named. */
import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type MinisignPublicKey, parsePublicKey } from '../../content/minisign.ts';
import { AirferryError, systemCode } from '../../errors.ts';
import { ReadFile, unreadable } from '../../support/file.ts';

export interface TrustedKey extends MinisignPublicKey {
  file: string;
}

/** What a command that takes from bundles is told about trust. */
export interface TrustOptions {
  /** Files of the keys of which one must have signed a bundle; those of the trusted folders where none are named. */
  trustedKeys?: string[] | undefined;
  /** Told, in a whole sentence, of every bundle for which no checked signature vouches. */
  onUnsigned?: ((sentence: string) => void) | undefined;
}

/** What opens the door to a bundle. */
export interface Trust {
  /** One of these must have signed it; none: nothing is demanded. */
  keys: readonly TrustedKey[];
  onUnsigned?: TrustOptions['onUnsigned'];
}

const FILE_LIMIT = 4096;
const MOST_KEYS = 1000;

/**
 * The folders of trusted keys, the user's and the machine's: `~/.config/airferry/trusted-keys` (or below XDG_CONFIG_HOME)
 * and `/etc/airferry/trusted-keys`.
 */
export function trustFolders(): string[] {
  const config = process.env.XDG_CONFIG_HOME || join(homedir(), '.config');
  return [join(config, 'airferry/trusted-keys'), '/etc/airferry/trusted-keys'];
}

/**
 * The trusted keys: those of the named files, and of no others; where none are named, every `*.pub` in the folders. None at all
 * is no error. Throws KEY_INVALID for a file that is no key, FILE_NOT_FOUND and FILE_UNREADABLE: a key that
 * cannot be read must not open the door.
 */
export async function trustedKeys(
  named: readonly string[] | undefined,
  folders: readonly string[] = trustFolders(),
): Promise<TrustedKey[]> {
  const files = named ?? (await Promise.all(folders.map(keyFiles))).flat();
  if (files.length > MOST_KEYS)
    throw new AirferryError('KEY_INVALID', `there are more than ${MOST_KEYS} trusted keys`);
  return files.map(file => ({ ...readPublicKey(file), file }));
}

/** What is trusted here, out of what a command was told. Throws what `trustedKeys` does. */
export async function trustOf({ trustedKeys: named, onUnsigned }: TrustOptions): Promise<Trust> {
  return { keys: await trustedKeys(named), onUnsigned };
}

/** A public key's file. Throws KEY_INVALID, FILE_NOT_FOUND, FILE_UNREADABLE. */
export function readPublicKey(file: string): MinisignPublicKey {
  return parsePublicKey(readSmallText(file), file);
}

/** The text of a key or signature file; what is longer than one is cut, and then refused by its parser. */
export function readSmallText(file: string, limit: number = FILE_LIMIT): string {
  const open = ReadFile.open(file);
  try {
    return Buffer.from(open.readAt(0, limit + 1)).toString('utf8');
  } finally {
    open.close();
  }
}

async function keyFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter(name => name.endsWith('.pub') && !name.startsWith('.'))
      .sort()
      .map(name => join(folder, name));
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return [];
    throw unreadable(folder, cause, 'folder');
  }
}
