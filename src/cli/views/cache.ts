/** `cache list` and `cache prune`. */
import type { CacheListed, CachePruned } from '../../actions/cache.ts';
import type { CacheEntry } from '../../bundle/fetch/cache-entries.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const SHORT = 'sha256:'.length + 12;

export function cacheView({ folder, entries, size }: CacheListed, look: Look): string[] {
  if (entries.length === 0) return [`${clean(folder)} is empty`];
  const total = `${plural(entries.length, 'entry', 'entries')} of ${formatBytes(size)} in ${clean(folder)}`;
  return [...entryTable(entries, look), '', total];
}

export function prunedView(pruned: CachePruned, look: Look): string[] {
  const { folder, removed, freed, left, dryRun } = pruned;
  const what = `${plural(removed.length, 'entry', 'entries')} of ${formatBytes(freed)}`;
  const rest = `${plural(left.entries, 'entry', 'entries')} of ${formatBytes(left.size)}`;
  return [
    ...(dryRun && removed.length > 0 ? [...entryTable(removed, look), ''] : []),
    `${what} ${dryRun ? 'would be' : removed.length === 1 ? 'was' : 'were'} removed from ${clean(folder)}; ${rest} stay${left.entries === 1 ? 's' : ''}`,
  ];
}

function entryTable(entries: readonly CacheEntry[], look: Look): string[] {
  const rows = entries.map(({ kind, digest, url, size, used }) => [
    kind === 'part' ? 'a part' : look.verbose ? (digest ?? '') : (digest ?? '').slice(0, SHORT),
    formatBytes(size),
    new Date(used).toISOString().slice(0, 10),
    url ?? '',
  ]);
  return table(
    [
      { title: 'DIGEST', folds: look.verbose },
      { title: 'SIZE', align: 'right' },
      { title: 'USED' },
      { title: 'FROM', folds: true },
    ],
    rows,
    look,
  );
}
