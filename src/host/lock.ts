/**
 * One operator at a time on a host: a folder made with mkdir, which succeeds for one of any number of askers, and
 * inside it who holds it. A lock is void when its host has booted since, or when it was taken on this very machine by a
 * process that is gone: a command that was killed can be run again at once.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { AirferryError } from '../errors.ts';
import { operator } from './audit.ts';
import { LAYOUT } from './layout.ts';
import { quote } from './quote.ts';
import type { Shell } from './shell.ts';
import { describeTarget } from './target.ts';

export interface LockOwner {
  /** `alice@laptop`. */
  operator: string;
  /** Stands for the process ids of the operator's machine: the same only where a pid means the same. Empty if unknown. */
  machine: string;
  /** Process id there. */
  pid: number;
  /** ISO time by the operator's clock. */
  since: string;
  /** What is being done: `host install`. */
  purpose: string;
  /** The host's boot. */
  boot: string;
  token: string;
}

export interface LockOptions {
  /** What for; shown to whoever finds the host locked. */
  purpose: string;
  /** Take it away from whoever holds it. Default false: only a void one is cleared away. */
  breakLock?: boolean;
  /** Default that of the layout. */
  path?: string;
  /** Default true. */
  root?: boolean;
}

/** A lock that was in the way, and is no more. */
export interface DisplacedLock {
  owner: Pick<LockOwner, 'operator' | 'since' | 'purpose'>;
  /** Nobody could be holding it any more; else it was broken, as asked for. */
  void: boolean;
}

export interface HostLock extends AsyncDisposable {
  readonly displaced?: DisplacedLock;
  /** Whether it is still there and ours: not after the host was restarted, nor after somebody broke it. */
  isHeld(): Promise<boolean>;
  /** Give the lock back. Only ours is removed; a second call does nothing. */
  release(): Promise<void>;
}

const HELD = 75;
const GONE = 76;
/** Milliseconds. */
const TIMEOUT_MS = 60_000;
const ATTEMPTS = 3;

/**
 * Take the lock of a host; a void one is cleared away first.
 * @throws {AirferryError} HOST_LOCKED naming the owner and how to break the lock
 */
export async function takeLock(shell: Shell, options: LockOptions): Promise<HostLock> {
  const { purpose, path = LAYOUT.lock, root = true, breakLock = false } = options;
  const token = randomUUID();
  let owner: LockOwner | undefined;
  let displaced: DisplacedLock | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const details = {
      operator: operator(),
      machine: machineIdentity(),
      pid: process.pid,
      since: new Date().toISOString(),
      purpose,
      token,
    };
    const answer = await shell.run(takeScript(path, JSON.stringify(details)), {
      root,
      check: false,
      title: 'take the lock',
      timeoutMs: TIMEOUT_MS,
    });
    if (answer.status === 0) return heldLock(shell, path, root, token, displaced);
    if (answer.status !== HELD) throw shell.failure(`mkdir ${path}`, answer);
    const [boot = '', ...rest] = answer.stdout.split('\n');
    owner = parseOwner(rest.join('\n'));
    const isOver = owner !== undefined && isVoid(owner, boot);
    if (!isOver && !breakLock) break;
    await clear(shell, path, root, owner?.token ?? '');
    displaced = { owner: owner ?? NOBODY, void: isOver };
  }
  throw lockedError(shell, path, owner);
}

const NOBODY = { operator: 'somebody unknown', since: 'an unknown time', purpose: 'an unknown purpose' };

/** Tokens of the locks that this process holds: not those whose release was tried, even if the connection was gone. */
const held = new Set<string>();

/** Host name, boot and pid namespace of this process, as one word. Two machines may well have the same name. */
export function machineIdentity(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8');
    return createHash('sha256')
      .update(boot)
      .update(readlinkSync('/proc/self/ns/pid'))
      .digest('hex')
      .slice(0, 16);
  } catch {
    return '';
  }
}

/** Whether nobody can be holding the lock any more. `boot`: that of the host now. */
export function isVoid(owner: LockOwner, boot: string): boolean {
  if (owner.boot !== boot) return true;
  if (owner.machine === '' || owner.machine !== machineIdentity()) return false;
  return owner.pid === process.pid ? !held.has(owner.token) : !isRunning(owner.pid);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The boot goes in front of the details as a line of its own: the host knows it, the operator does not. */
function takeScript(path: string, details: string): string {
  const lock = quote(path);
  return `boot=$(cat /proc/sys/kernel/random/boot_id)
if mkdir -m 0755 -- ${lock} 2>/dev/null; then
  { printf '%s\\n' "$boot" ${quote(details)} > ${lock}/owner; } || { rm -rf -- ${lock}; exit 1; }
  exit 0
fi
if [ ! -d ${lock} ]; then mkdir -- ${lock}; exit 1; fi
printf '%s\\n' "$boot"
cat -- ${lock}/owner 2>/dev/null
exit ${HELD}`;
}

/** Owner details as written by `takeScript`: the boot, then JSON. Undefined when they are not (yet) there. */
export function parseOwner(text: string): LockOwner | undefined {
  const [boot, json] = text.split('\n');
  try {
    const {
      operator: who,
      machine,
      pid,
      since,
      purpose,
      token,
    } = JSON.parse(json ?? '') as Record<string, unknown>;
    const words = [who, machine, since, purpose, token];
    if (
      !boot ||
      typeof pid !== 'number' ||
      !words.every(word => typeof word === 'string' && word.length < 1000)
    ) {
      return undefined;
    }
    return { operator: who, machine, pid, since, purpose, token, boot } as LockOwner;
  } catch {
    return undefined;
  }
}

/**
 * Remove the lock if it is the one with this token, in a way that never removes somebody else's newer one. The empty
 * token is that of a lock without an owner.
 */
async function clear(shell: Shell, path: string, root: boolean, token: string): Promise<void> {
  const lock = quote(path);
  const aside = quote(`${path}.${token || randomUUID()}`);
  if (token === '') {
    const ownerless = `[ -s ${lock}/owner ] || { mv -T -- ${lock} ${aside} && rm -rf -- ${aside}; }`;
    await shell.run(ownerless, { root, title: 'break the lock', timeoutMs: TIMEOUT_MS });
    return;
  }
  const script = `case $(cat -- ${lock}/owner 2>/dev/null) in *${quote(token)}*) ;; *) exit 0;; esac
mv -T -- ${lock} ${aside} 2>/dev/null || exit 0
case $(cat -- ${aside}/owner 2>/dev/null) in *${quote(token)}*) rm -rf -- ${aside};; *) mv -T -- ${aside} ${lock};; esac`;
  await shell.run(script, { root, title: 'release the lock', timeoutMs: TIMEOUT_MS });
}

function heldLock(
  shell: Shell,
  path: string,
  root: boolean,
  token: string,
  displaced: DisplacedLock | undefined,
): HostLock {
  held.add(token);
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => {
    held.delete(token);
    released ??= clear(shell, path, root, token);
    return released;
  };
  const isHeld = async (): Promise<boolean> => {
    const script = `case $(cat -- ${quote(path)}/owner 2>/dev/null) in *${quote(token)}*) ;; *) exit ${GONE};; esac`;
    const { status } = await shell.run(script, {
      root,
      check: false,
      title: 'look at the lock',
      timeoutMs: TIMEOUT_MS,
    });
    return status === 0;
  };
  return { isHeld, release, [Symbol.asyncDispose]: release, ...(displaced ? { displaced } : {}) };
}

function lockedError(shell: Shell, path: string, owner: LockOwner | undefined): AirferryError {
  const { target } = shell;
  const host = describeTarget(target);
  const sudo = target.user === 'root' ? '' : 'sudo ';
  const holder = owner
    ? `${owner.operator} holds it since ${owner.since}, for "${owner.purpose}" (process ${owner.pid})`
    : 'who holds it is not known';
  return new AirferryError('HOST_LOCKED', `${host} is locked: ${holder}`, {
    where: { host: target.name },
    suggestions: [
      'Wait until that is finished, then run the command again.',
      'Only if it is certainly over: run the command again with --break-lock.',
      `Or by hand: ssh ${target.user}@${target.address} ${sudo}rm -r ${quote(path)}`,
    ],
  });
}
