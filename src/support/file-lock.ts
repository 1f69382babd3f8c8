/**
 * One process at a time on something that files on a shared disk stand for: a lock file that only one can create. A
 * lock whose process on this machine is gone is void; one of another machine is waited for, never broken.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { AirferryError, systemCode } from '../errors.ts';
import { unwritable } from './write-file.ts';

interface Owner {
  machine: string;
  pid: number;
  token: string;
}

export interface FileLockOptions {
  /** How long to wait for another holder, in milliseconds. Default 30 seconds. */
  patience?: number;
  signal?: AbortSignal;
}

const PAUSE_MS = 20;
const PATIENCE_MS = 30_000;
/** A lock gets its holder's name at once; one that has none after this long never will. */
const NAMELESS_MS = 10_000;

/**
 * Run `work` while holding the lock file at `path`. Throws FILE_UNWRITABLE when it cannot be created, or is not free
 * in time, naming who has it; and what `work` throws.
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  { patience = PATIENCE_MS, signal }: FileLockOptions = {},
): Promise<T> {
  const deadline = performance.now() + patience;
  while (!take(path)) {
    signal?.throwIfAborted();
    if (performance.now() > deadline) throw held(path);
    await sleep(PAUSE_MS + Math.random() * PAUSE_MS);
  }
  try {
    return await work();
  } finally {
    release(path);
  }
}

/** The same for work that is done at once. Throws FILE_UNWRITABLE when another process has the lock. */
export function withFileLockNow<T>(path: string, work: () => T): T {
  if (!take(path)) throw held(path);
  try {
    return work();
  } finally {
    release(path);
  }
}

/** Take the lock if nobody has it: what gives it back. Throws FILE_UNWRITABLE when it cannot be created. */
export function tryFileLock(path: string): (() => void) | undefined {
  return take(path) ? () => release(path) : undefined;
}

/** Take the lock if it is free, or void. */
function take(path: string): boolean {
  const owner: Owner = { machine: machine(), pid: process.pid, token: randomBytes(8).toString('hex') };
  for (;;) {
    const fd = create(path);
    if (fd !== undefined) {
      sign(fd, path, owner);
      return true;
    }
    if (!breakVoid(path)) return false;
  }
}

/** Undefined where the file is there. */
function create(path: string): number | undefined {
  try {
    return openSync(path, 'wx');
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return undefined;
    throw unwritable(path, cause);
  }
}

function sign(fd: number, path: string, owner: Owner): void {
  try {
    writeFileSync(fd, JSON.stringify(owner));
  } catch (cause) {
    release(path);
    throw unwritable(path, cause);
  } finally {
    closeSync(fd);
  }
}

function release(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Somebody tidied up; it is free all the same.
  }
}

/**
 * Remove a lock that nobody holds any more. It is moved away first, so that of several who find it void only one removes
 * it; a lock that was taken anew in between is put back.
 */
function breakVoid(path: string): boolean {
  const owner = ownerOf(path);
  if (!(owner ? owner.machine === machine() && !isAlive(owner.pid) : isOld(path))) return false;
  const aside = `${path}.${randomBytes(4).toString('hex')}`;
  try {
    renameSync(path, aside);
    if (ownerOf(aside)?.token !== owner?.token) linkSync(aside, path);
    unlinkSync(aside);
    return true;
  } catch {
    return false;
  }
}

/** Undefined for a lock that is being written, or that is gone. */
function ownerOf(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8'));
    return typeof owner?.pid === 'number' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** Whose holder was ended while it wrote its name into it. */
function isOld(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > NAMELESS_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

let known: string | undefined;

/** Stands for the process ids of this machine: the same only where a pid means the same. */
function machine(): string {
  const read = (path: string, how: (path: string) => string): string => {
    try {
      return how(path).trim();
    } catch {
      return '';
    }
  };
  const boot = read('/proc/sys/kernel/random/boot_id', path => readFileSync(path, 'utf8'));
  known ??= `${hostname()} ${boot} ${read('/proc/self/ns/pid', path => readlinkSync(path))}`;
  return known;
}

function held(path: string): AirferryError {
  const owner = ownerOf(path);
  const who = owner ? `process ${owner.pid} on ${owner.machine.split(' ')[0]}` : 'another process';
  return new AirferryError('FILE_UNWRITABLE', `${path} is held by ${who}`, {
    where: { file: path },
    suggestions: [`Wait until it is done. If it is gone, remove the lock: rm ${path}`],
  });
}
