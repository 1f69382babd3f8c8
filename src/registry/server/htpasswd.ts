/** Who may come in, by a file as Apache's `htpasswd -B` writes it. bcrypt alone, as distribution has it. */
import { createHmac, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import bcrypt from 'bcryptjs';
import { AirferryError } from '../../errors.ts';
import { unreadable } from '../../support/file.ts';
import { Semaphore } from '../../support/semaphore.ts';

const BCRYPT = /^\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}$/;
/** How long a password that was right is taken again without bcrypt, which is slow by design. Milliseconds. */
const REMEMBER_MS = 5 * 60_000;
const REMEMBERED = 1_000;
const SIZE_LIMIT = 1024 * 1024;
const HEADER_LIMIT = 4096;

/**
 * A check of `Authorization` headers against a file of names and passwords; a file that changes is read again. Throws
 * CREDENTIALS_INVALID for a file with anything else in it, FILE_NOT_FOUND, FILE_UNREADABLE.
 */
export function htpasswdGate(path: string): (header: string | undefined) => Promise<boolean> {
  let file = readHtpasswd(path);
  const seen = new Remembered();
  // One at a time: guessing many passwords at once must not take the whole machine.
  const checks = new Semaphore(1);
  return async header => {
    file = isUnchanged(file, path) ? file : reread(file, path);
    const login = parseBasic(header);
    if (!login) return false;
    const hash = file.users.get(login.name);
    const key = seen.key(login, hash ?? '');
    if (hash !== undefined && seen.has(key)) return true;
    // An unknown name takes as long as a wrong password, so that nobody learns the names.
    const right = await checks.run(() => bcrypt.compare(login.password, hash ?? file.decoy));
    if (!right || hash === undefined) return false;
    seen.add(key);
    return true;
  };
}

interface Htpasswd {
  users: ReadonlyMap<string, string>;
  /** A hash that no password has, as hard to check as the others. */
  decoy: string;
  /** What tells that the file has changed. */
  stamp: string;
}

interface Login {
  name: string;
  password: string;
}

function readHtpasswd(path: string): Htpasswd {
  const stamp = stampOf(path);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (text.length > SIZE_LIMIT) throw invalid(path, 1, 'the file is too large');
  const users = new Map<string, string>();
  text.split('\n').forEach((line, i) => {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) return;
    const colon = entry.indexOf(':');
    const hash = entry.slice(colon + 1);
    if (colon < 1) throw invalid(path, i + 1, 'a line is NAME:HASH');
    if (!BCRYPT.test(hash)) throw invalid(path, i + 1, 'the password is not hashed with bcrypt');
    users.set(entry.slice(0, colon), hash);
  });
  const [first] = users.values();
  if (first === undefined) throw invalid(path, 1, 'nobody is named in it');
  const decoy = `${first.slice(0, 29)}${'.'.repeat(31)}`;
  return { users, decoy, stamp };
}

/** In the middle of a change the names from before are good for another moment. */
function reread(before: Htpasswd, path: string): Htpasswd {
  try {
    return readHtpasswd(path);
  } catch {
    return before;
  }
}

function isUnchanged({ stamp }: Htpasswd, path: string): boolean {
  return stampOf(path) === stamp;
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : '';
}

/** RFC 7617; the password may have colons in it, the name may not. */
function parseBasic(header: string | undefined): Login | undefined {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]+)$/i.exec(header ?? '') ?? [];
  if (encoded === undefined || encoded.length > HEADER_LIMIT) return undefined;
  const text = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Logins that were right a moment ago: not as they are, but as what they become under a key of this process. */
class Remembered {
  readonly #secret = randomBytes(32);
  readonly #until = new Map<string, number>();

  key({ name, password }: Login, hash: string): string {
    return createHmac('sha256', this.#secret)
      .update(JSON.stringify([name, password, hash]))
      .digest('base64');
  }

  has(key: string): boolean {
    return (this.#until.get(key) ?? 0) > Date.now();
  }

  add(key: string): void {
    this.#until.delete(key);
    this.#until.set(key, Date.now() + REMEMBER_MS);
    const [oldest] = this.#until.keys();
    if (this.#until.size > REMEMBERED && oldest !== undefined) this.#until.delete(oldest);
  }
}

function invalid(path: string, line: number, why: string): AirferryError {
  return new AirferryError('CREDENTIALS_INVALID', `${path} is no file of names and passwords: ${why}`, {
    where: { file: path, line },
    suggestions: ['Add a name to the file with `htpasswd -B FILE NAME`.'],
  });
}
