/** `bundle split` and `bundle repair`: parts that were written. */
import type { BundleRepaired } from '../../actions/bundle-repair.ts';
import type { BundleSplit } from '../../actions/bundle-split.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

const INDENT = '  ';

/** The files of parts and their sizes. */
export function partRows(parts: readonly { path: string; size: number }[], look: Look): string[] {
  const columns = [{ title: 'PART' }, { title: 'SIZE', align: 'right' }] as const;
  return table(
    columns,
    parts.map(({ path, size }) => [path, formatBytes(size)]),
    look,
    INDENT,
  );
}

export function splitView(split: BundleSplit, look: Look): string[] {
  const { paint, glyphs } = look;
  const what = clean(`${split.name} ${split.version}`);
  return [
    `${paint.green(glyphs.tick)} ${paint.bold(clean(split.path))}, ${what}, is in ${plural(split.parts.length, 'part')}`,
    ...partRows(split.parts, look),
    `${INDENT}${split.digest}`,
  ];
}

export function repairedView(repaired: BundleRepaired, look: Look): string[] {
  const { paint, glyphs } = look;
  const checked = `${plural(repaired.checked, 'part')} hashed`;
  const tick = paint.green(glyphs.tick);
  if (repaired.path === undefined)
    return [`${tick} ${paint.bold(clean(repaired.bundle))} has nothing to repair, ${checked}`];
  return [
    `${tick} ${paint.bold(clean(repaired.path))} is made anew, ${formatBytes(repaired.size ?? 0)}, ${checked}`,
  ];
}
