/**
 * The known_hosts format of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": parse it, find a host in it, judge the key that a
 * host shows. Pure: files are read and written in `known-hosts-file.ts`.
 */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { matchesGlob } from '../support/glob.ts';
import { SSH_PORT } from './address.ts';

export interface KnownHost {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly marker?: 'revoked' | 'cert-authority';
  /** The first field as written: comma-separated patterns, or one hashed name. */
  readonly hosts: string;
  readonly keyType: string;
  readonly key: Buffer;
}

export type Verdict =
  | { readonly verdict: 'match'; readonly entry: KnownHost }
  /** `authority`: the host is known only through a certificate authority, and airferry does not read certificates. */
  | { readonly verdict: 'unknown'; readonly authority?: KnownHost }
  | { readonly verdict: 'changed'; readonly entries: readonly KnownHost[] }
  | { readonly verdict: 'revoked'; readonly entry: KnownHost };

/** Longest line that is read, in characters: an RSA key of 16384 bits and many names fit in. */
const MAX_LINE = 16_384;
const MAX_LINES = 200_000;

/** Parse a file's text. Lines that are no entry are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string, file: string): KnownHost[] {
  const entries: KnownHost[] = [];
  for (const [index, raw] of text.split('\n', MAX_LINES).entries()) {
    const entry = raw.length <= MAX_LINE ? parseLine(raw.trim(), file, index + 1) : undefined;
    if (entry) entries.push(entry);
  }
  return entries;
}

function parseLine(text: string, file: string, line: number): KnownHost | undefined {
  if (text === '' || text.startsWith('#')) return undefined;
  const words = text.split(/[ \t]+/);
  const first = words[0] ?? '';
  let marker: KnownHost['marker'];
  if (first.startsWith('@')) {
    if (first !== '@revoked' && first !== '@cert-authority') return undefined;
    marker = first === '@revoked' ? 'revoked' : 'cert-authority';
    words.shift();
  }
  const [hosts, keyType, encoded] = words;
  if (!hosts || !keyType || !encoded || !/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  const key = Buffer.from(encoded, 'base64');
  if (keyTypeOf(key) !== keyType) return undefined;
  return { file, line, ...(marker ? { marker } : {}), hosts, keyType, key };
}

/** The type that a public key blob names in its first field (RFC 4253, 6.6), or undefined when it is none. */
export function keyTypeOf(key: Buffer): string | undefined {
  if (key.length < 4) return undefined;
  const length = key.readUInt32BE(0);
  if (length === 0 || length > 64 || key.length < 4 + length) return undefined;
  return key.toString('latin1', 4, 4 + length);
}

/** `SHA256:…` as `ssh-keygen -lf` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** The name under which a host is written: `host`, or `[host]:port` for another port than 22. */
export function knownHostName(address: string, port: number): string {
  const name = address.toLowerCase();
  return port === SSH_PORT ? name : `[${name}]:${port}`;
}

/** A line for a new entry, newline included. */
export function formatKnownHost(address: string, port: number, key: Buffer): string {
  return `${knownHostName(address, port)} ${keyTypeOf(key)} ${key.toString('base64')}\n`;
}

/** Whether the hosts field of an entry stands for this name: a hash, or patterns of which none negated matches. */
export function matchesHost(hosts: string, name: string): boolean {
  if (hosts.startsWith('|')) return matchesHash(hosts, name);
  let matched = false;
  for (const pattern of hosts.toLowerCase().split(',')) {
    const negated = pattern.startsWith('!');
    if (!matchesGlob(negated ? pattern.slice(1) : pattern, name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

function matchesHash(hosts: string, name: string): boolean {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || !salt || !hash) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** Every entry for this host, revoked ones and authorities included. */
export function entriesFor(entries: readonly KnownHost[], address: string, port: number): KnownHost[] {
  const name = knownHostName(address, port);
  return entries.filter(entry => matchesHost(entry.hosts, name));
}

/**
 * Judge the key that a host shows.
 *
 * Stricter than OpenSSH in one place: a host that is known by keys of other types only, and shows a new type, is
 * `changed`. Whoever sits in between could offer just the type that is not known. As OpenSSH does, an entry without
 * the port vouches for another port when the key is the same.
 */
export function judgeHostKey(
  entries: readonly KnownHost[],
  address: string,
  port: number,
  key: Buffer,
): Verdict {
  const own = entriesFor(entries, address, port);
  const plain = port === SSH_PORT ? [] : entriesFor(entries, address, SSH_PORT);
  const same = (entry: KnownHost): boolean => entry.key.equals(key);

  const revoked = [...own, ...plain].find(entry => entry.marker === 'revoked' && same(entry));
  if (revoked) return { verdict: 'revoked', entry: revoked };
  const keys = own.filter(entry => entry.marker === undefined);
  const match =
    keys.find(same) ??
    (keys.length === 0 ? plain.find(entry => entry.marker === undefined && same(entry)) : undefined);
  if (match) return { verdict: 'match', entry: match };
  if (keys.length > 0) return { verdict: 'changed', entries: keys };
  const authority = own.find(entry => entry.marker === 'cert-authority');
  return { verdict: 'unknown', ...(authority ? { authority } : {}) };
}

/** Signature algorithms for host keys, best first; SHA-1 signatures are left out, as in OpenSSH since 8.8. */
const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;

export type HostKeyAlgorithm = (typeof HOST_KEY_ALGORITHMS)[number];

/**
 * In which order to ask a host for its keys: those types first by which it is known, as OpenSSH does. Otherwise a
 * host known by one key would look changed when it has another one that we like better.
 */
export function hostKeyAlgorithms(
  entries: readonly KnownHost[],
  address: string,
  port: number,
): HostKeyAlgorithm[] {
  const own = entriesFor(entries, address, port);
  const known = own.length > 0 ? own : entriesFor(entries, address, SSH_PORT);
  const types = new Set(known.filter(entry => entry.marker === undefined).map(entry => entry.keyType));
  const isKnown = (algorithm: HostKeyAlgorithm): boolean =>
    types.has(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
  return [...HOST_KEY_ALGORITHMS.filter(isKnown), ...HOST_KEY_ALGORITHMS.filter(a => !isKnown(a))];
}
