/** One server for each storage: a file that says who has it. It is void once that process is gone. */
import { randomUUID } from 'node:crypto';
import { constants, readFileSync } from 'node:fs';
import { copyFile, link, readFile, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AirferryError, systemCode } from '../../../errors.ts';
import { isObject } from '../../../support/is-object.ts';
import { unwritable } from '../../../support/write-file.ts';

interface Owner {
  token: string;
  pid: number;
  /** When the process began, by its machine's clock ticks; a later one may have the same number. */
  began: string;
  host: string;
  boot: string;
}

/** How long two that find the same void lock leave each other to notice it. Milliseconds. */
const SETTLE_MS = 50;
const ATTEMPTS = 3;

/**
 * Take the lock of a storage; call what is given back to release it. Throws STORAGE_LOCKED with who has it, and
 * FILE_UNWRITABLE.
 */
export async function takeLock(path: string): Promise<() => Promise<void>> {
  const mine = describeSelf();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (await create(path, mine)) {
      // Who cleared away the same void lock a moment later may have taken ours for it.
      if (attempt > 0) await pause();
      if ((await read(path))?.token === mine.token) return () => release(path, mine.token);
    }
    const owner = (await read(path)) ?? (await pause().then(() => read(path)));
    if (owner && !isVoid(owner)) throw locked(path, owner);
    await unlink(path).catch(() => undefined);
  }
  throw locked(path, await read(path));
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, SETTLE_MS));
}

/** In one step with its content, so that nobody reads half of it; false when there is one. */
async function create(path: string, owner: Owner): Promise<boolean> {
  const temporary = `${path}.${owner.token}`;
  try {
    await writeFile(temporary, JSON.stringify(owner), { flag: 'wx', mode: 0o644 });
    await link(temporary, path).catch(error => {
      // File systems without hard links.
      if (systemCode(error) !== 'EPERM' && systemCode(error) !== 'ENOTSUP') throw error;
      return copyFile(temporary, path, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false;
    throw unwritable(path, cause);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function read(path: string): Promise<Owner | undefined> {
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isObject(json)) return undefined;
    const { token, pid, began, host, boot } = json;
    return {
      token: String(token),
      pid: Number(pid),
      began: String(began),
      host: String(host),
      boot: String(boot),
    };
  } catch {
    return undefined;
  }
}

async function release(path: string, token: string): Promise<void> {
  if ((await read(path))?.token === token) await unlink(path).catch(() => undefined);
}

function describeSelf(): Owner {
  const boot = line('/proc/sys/kernel/random/boot_id');
  return { token: randomUUID(), pid: process.pid, began: beginOf(process.pid), host: machine(), boot };
}

/** Of another machine nobody can tell whether its process is still there. */
function isVoid({ pid, began, host, boot }: Owner): boolean {
  if (host !== machine()) return false;
  if (boot !== line('/proc/sys/kernel/random/boot_id')) return true;
  return !isRunning(pid) || (began !== '' && began !== beginOf(pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

/** The start time of a process: field 22 of its stat, behind a name that may have anything in it. Empty if unknown. */
function beginOf(pid: number): string {
  return line(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[19] ?? '';
}

/** Names are easily the same on two machines. */
function machine(): string {
  return [hostname(), line('/etc/machine-id')].filter(part => part !== '').join(' ');
}

function line(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

function locked(path: string, owner: Owner | undefined): AirferryError {
  const who = owner ? `process ${owner.pid} on ${owner.host.split(' ')[0]}` : 'another process';
  return new AirferryError('STORAGE_LOCKED', `the storage is in use by ${who}`, {
    where: { file: path },
    suggestions: [
      'One server at a time: stop the other one, or give this one another --storage.',
      `If there is certainly none, remove ${path}.`,
    ],
  });
}
