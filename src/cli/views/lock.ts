/** `bundle update`: what moved. */
import type { BundleUpdated } from '../../actions/bundle-update.ts';
import type { LockChange } from '../../config/lock.ts';
import { familiarName, parseReference } from '../../content/reference.ts';
import { plural } from '../../support/format.ts';
import { table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const SHORT = 'sha256:'.length + 12;

export function updatedView(update: BundleUpdated, look: Look): string[] {
  const { changes, lock, unchanged, unpinned, dryRun } = update;
  const rows = changes.map(change => [
    nameOf(change),
    shown(change.from, change.kind, look),
    shown(change.to, change.kind, look),
  ]);
  const moved = plural(changes.length, 'entry', 'entries');
  const same = `${plural(unchanged, 'entry', 'entries')} unchanged`;
  const verdict =
    changes.length === 0
      ? `${clean(lock)} is up to date, ${same}`
      : `${moved} of ${clean(lock)} ${dryRun ? 'would change' : 'changed'}, ${same}`;
  return [
    ...table(
      [
        { title: 'NAME', folds: true },
        { title: 'FROM', folds: look.verbose },
        { title: 'TO', folds: look.verbose },
      ],
      rows,
      look,
    ),
    ...(changes.length === 0 ? [] : ['']),
    verdict,
    ...unpinned.map(url => `${clean(url)} is pinned when it is fetched`),
  ];
}

function nameOf({ kind, name }: LockChange): string {
  if (kind === 'images') return familiarName(parseReference(name));
  return kind === 'referrers' ? `what refers to ${name.slice(0, SHORT)}` : name;
}

function shown(digests: string | undefined, kind: LockChange['kind'], look: Look): string {
  if (digests === undefined) return '-';
  if (kind === 'referrers') return digests === '' ? 'none' : plural(digests.split(' ').length, 'manifest');
  return look.verbose ? digests : digests.slice(0, SHORT);
}
