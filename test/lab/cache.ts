/**
 * What is slow to make is made once and kept: root file systems, engines, the image corpus. An entry is built under a
 * temporary name and renamed when it is whole, so a half-built one is never met.
 */
import { access, mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withLock } from './lock.ts';

/** How long one process waits for another that builds the same entry. */
const WAIT_MS = 30 * 60_000;

/** The cache folder: `$AIRFERRY_LAB_CACHE`, or /var/cache/airferry-lab. */
export function cacheDir(): string {
  return process.env.AIRFERRY_LAB_CACHE || '/var/cache/airferry-lab';
}

/**
 * The path of the cache entry `name`, a folder. If there is none, `build` fills an empty folder that then becomes it;
 * other processes wait meanwhile. Raise the number in an entry's name when what `build` makes changes.
 */
export async function cached(name: string, build: (dir: string) => Promise<void>): Promise<string> {
  const entry = join(cacheDir(), name);
  if (await exists(entry)) return entry;
  return withLock(`${entry}.lock`, WAIT_MS, async () => {
    if (await exists(entry)) return entry;
    process.stderr.write(`lab: making ${name}, once for this machine\n`);
    const unfinished = `${entry}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    await mkdir(unfinished, { recursive: true });
    await build(unfinished);
    await rename(unfinished, entry);
    return entry;
  });
}

/** Whether there is something at `path`. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
