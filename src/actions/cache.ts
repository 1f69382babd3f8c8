/** `cache list` and `cache prune`: what was kept of earlier fetches. */
import { Cache, cacheFolder } from '../bundle/fetch/cache.ts';
import { type CacheEntry, cacheEntries, type PruneRules, pruneCache } from '../bundle/fetch/cache-entries.ts';

export interface CacheListed {
  folder: string;
  /** What was of use last first. */
  entries: CacheEntry[];
  /** Bytes of all of them. */
  size: number;
}

export interface CachePruned {
  folder: string;
  removed: CacheEntry[];
  /** Bytes of what was removed. */
  freed: number;
  /** What is left, in entries and bytes. */
  left: { entries: number; size: number };
  dryRun: boolean;
}

/** Everything in the cache; nothing where there is no cache. `folder` in place of the user's. */
export async function listCache(folder: string | undefined): Promise<CacheListed> {
  const cache = new Cache(folder ?? cacheFolder());
  const entries = await cacheEntries(cache);
  return { folder: cache.folder, entries, size: sum(entries) };
}

/** Remove what the rules let go; without rules everything. */
export async function pruneCacheFolder(
  options: PruneRules & { folder?: string | undefined; dryRun?: boolean },
): Promise<CachePruned> {
  const { folder, dryRun = false, ...rules } = options;
  const cache = new Cache(folder ?? cacheFolder());
  const { removed, left } = await pruneCache(cache, rules, { dryRun });
  const rest = { entries: left.length, size: sum(left) };
  return { folder: cache.folder, removed, freed: sum(removed), left: rest, dryRun };
}

function sum(entries: readonly CacheEntry[]): number {
  return entries.reduce((total, { size }) => total + size, 0);
}
