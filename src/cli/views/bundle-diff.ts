/** `bundle diff`: two bundles, side by side. */
import type { BlobCount, BundleChange, BundleDiff } from '../../bundle/delta/diff.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { pairs, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const SIGNS: Record<BundleChange['change'], string> = { added: '+', removed: '-', changed: '~' };
const COLUMNS = [
  { title: '' },
  { title: 'WHAT' },
  { title: 'NAME', folds: true },
  { title: 'FROM' },
  { title: 'TO' },
];

export function diffView(diff: BundleDiff, look: Look): string[] {
  const { paint } = look;
  const title = ({ name, version }: BundleDiff['from']): string => paint.bold(clean(`${name} ${version}`));
  if (diff.same) return [`${title(diff.from)} is the same in both`];
  const colours = { added: paint.green, removed: paint.red, changed: paint.yellow };
  const rows = diff.changes.map(({ what, name, change, from, to }) => [
    { text: SIGNS[change], paint: colours[change] },
    what,
    name,
    short(from),
    short(to),
  ]);
  return [
    `${title(diff.from)} → ${title(diff.to)}`,
    ...pairs(
      [
        ['new', `${counted(diff.added)}: what a delta carries`],
        ['gone', counted(diff.removed)],
        ['in both', counted(diff.common)],
      ],
      look,
      '  ',
    ),
    ...table(COLUMNS, rows, look),
  ];
}

function counted({ blobs, bytes }: BlobCount): string {
  return `${plural(blobs, 'blob')}, ${formatBytes(bytes)}`;
}

/** Digests as short as `docker images` shows them, values of daemon.json as they are. */
function short(text = ''): string {
  const shown = text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]{52}/g, '$1');
  return shown.length > 40 ? `${shown.slice(0, 39)}…` : shown;
}
