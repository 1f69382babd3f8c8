/**
 * Locks between processes, held by flock(1) in a child whose standard input we keep open: however this process ends,
 * the child sees the end of its input and lets go. So no lock is ever stale.
 */
import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RunError } from './exec.ts';

export interface Lock {
  release(): Promise<void>;
}

/** Prints one line once it has the lock, then keeps it until its input ends. */
const HOLD = 'echo locked; exec cat';

/**
 * Take the lock `file`, waiting up to `waitMs` for another process to let go of it.
 * While it is held the file has the holder's pid in it. Throws `RunError` naming the holder when the wait was in vain.
 */
export async function takeLock(file: string, waitMs: number): Promise<Lock> {
  await mkdir(dirname(file), { recursive: true });
  const seconds = String(waitMs / 1000);
  const child = spawn('flock', ['--exclusive', '--wait', seconds, file, 'sh', '-c', HOLD], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const closed = new Promise<void>(resolve => child.on('close', () => resolve()));
  const holder = async (): Promise<string> => (await readFile(file, 'utf8')).trim() || 'unknown';
  const patience = setTimeout(async () => {
    process.stderr.write(`lab: waiting for process ${await holder()}, which has ${file}\n`);
  }, 1_000);
  const held = await new Promise<boolean>((resolve, reject) => {
    child.on('error', error => reject(new RunError(`could not start flock: ${error.message}`)));
    child.stdout.once('data', () => resolve(true));
    closed.then(() => resolve(false));
  }).finally(() => clearTimeout(patience));
  if (!held)
    throw new RunError(`process ${await holder()} has ${file} and did not let go of it in ${seconds} s`);
  await writeFile(file, `${process.pid}\n`);
  for (const handle of [child, child.stdout, child.stdin]) (handle as { unref?(): void }).unref?.();
  return {
    async release() {
      child.ref();
      child.stdin.end();
      await closed;
    },
  };
}

/** Do `work` under the lock `file`. */
export async function withLock<T>(file: string, waitMs: number, work: () => Promise<T>): Promise<T> {
  const lock = await takeLock(file, waitMs);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
