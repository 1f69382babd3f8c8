/** What lies in the cache, and what may go. */
import { readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, isDigest } from '../../content/digest.ts';
import type { Cache } from './cache.ts';
import { blobOfPart } from './keep-blob.ts';
import { downloadsFolder, readNote } from './keep-file.ts';

export interface CacheEntry {
  /** Whole content, or a download that broke off. */
  kind: 'blob' | 'part';
  /** Of what is whole, and of what is to become a blob of a registry. */
  digest?: Digest;
  /** Where it came from, where that was no registry. */
  url?: string;
  /** Bytes. */
  size: number;
  /** When it was last of use, milliseconds since 1970. */
  used: number;
}

export interface PruneRules {
  /** What was of no use for so long goes: milliseconds. */
  olderThan?: number;
  /** What was of use last stays, up to so many bytes. */
  keep?: number;
}

interface Found extends CacheEntry {
  /** The files that make it up. */
  files: string[];
}

/** What a run that was killed left behind under a temporary name goes after this; milliseconds. */
const ABANDONED_MS = 24 * 3600 * 1000;

/** Everything in the cache, what was of use last first. */
export async function cacheEntries(cache: Cache): Promise<CacheEntry[]> {
  return (await find(cache)).map(({ files: _, ...entry }) => entry);
}

/**
 * What the rules let go, which is everything without any rule; removed unless it is a dry run. Content that is open
 * somewhere stays readable there.
 */
export async function pruneCache(
  cache: Cache,
  { olderThan, keep }: PruneRules,
  { dryRun = false, now = Date.now() } = {},
): Promise<{ removed: CacheEntry[]; left: CacheEntry[] }> {
  const removed: CacheEntry[] = [];
  const left: CacheEntry[] = [];
  let kept = 0;
  for (const { files, ...entry } of await find(cache)) {
    const old = olderThan !== undefined && now - entry.used > olderThan;
    const over = keep !== undefined && kept + entry.size > keep;
    if (old || over || (olderThan === undefined && keep === undefined)) {
      removed.push(entry);
      if (!dryRun) for (const file of files) await unlink(file).catch(() => undefined);
    } else {
      left.push(entry);
      kept += entry.size;
    }
  }
  if (!dryRun) await sweep(cache, now);
  return { removed, left };
}

async function find(cache: Cache): Promise<Found[]> {
  const { parts, sources } = await downloads(cache);
  const found: Found[] = [...parts];
  for (const algorithm of ['sha256', 'sha512']) {
    const folder = join(cache.folder, 'blobs', algorithm);
    for (const name of await namesIn(folder)) {
      const digest = `${algorithm}:${name}`;
      const seen = isDigest(digest) ? await stat(join(folder, name)).catch(() => undefined) : undefined;
      if (!isDigest(digest) || !seen?.isFile()) continue;
      const source = sources.get(digest);
      found.push({
        kind: 'blob',
        digest,
        ...(source && { url: source.url }),
        size: seen.size,
        used: seen.mtimeMs,
        files: [join(folder, name), ...(source ? [source.note] : [])],
      });
    }
  }
  return found.sort((a, b) => b.used - a.used || ((a.digest ?? '') < (b.digest ?? '') ? -1 : 1));
}

async function downloads(
  cache: Cache,
): Promise<{ parts: Found[]; sources: Map<Digest, { url: string; note: string }> }> {
  const folder = downloadsFolder(cache);
  const parts: Found[] = [];
  const sources = new Map<Digest, { url: string; note: string }>();
  const names = await namesIn(folder);
  for (const name of names) {
    if (name.startsWith('.')) continue;
    const path = join(folder, name);
    const note = await readNote(path.replace(/\.part$/, '.json'));
    if (name.endsWith('.json') && note?.digest) sources.set(note.digest, { url: note.url, note: path });
    if (!name.endsWith('.part')) continue;
    const seen = await stat(path).catch(() => undefined);
    if (!seen) continue;
    const files = [path, path.replace(/\.part$/, '.json')];
    const digest = blobOfPart(name);
    parts.push({
      kind: 'part',
      ...(isDigest(digest) && { digest }),
      ...(note && { url: note.url }),
      size: seen.size,
      used: seen.mtimeMs,
      files,
    });
  }
  return { parts, sources };
}

/** Files under temporary names that nobody writes any more. */
async function sweep(cache: Cache, now: number): Promise<void> {
  for (const folder of [
    downloadsFolder(cache),
    join(cache.folder, 'blobs/sha256'),
    join(cache.folder, 'blobs/sha512'),
  ]) {
    for (const name of await namesIn(folder)) {
      if (!/^\..*\.part$/.test(name)) continue;
      const path = join(folder, name);
      const seen = await stat(path).catch(() => undefined);
      if (seen && now - seen.mtimeMs > ABANDONED_MS) await unlink(path).catch(() => undefined);
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}
