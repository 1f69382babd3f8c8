/** Small aligned tables, as `docker ps` shows them, that fit the screen. */
import type { Look } from './terminal.ts';
import { clean, fold, padEnd, width, wrap } from './text.ts';

export interface Column {
  title: string;
  align?: 'left' | 'right';
  /** May be broken over several lines where the table is too wide. */
  folds?: boolean;
}

export type Cell = string | { text: string; paint: (text: string) => string };

const GAP = '  ';
/** A column that folds is never made narrower than this. */
const NARROWEST = 12;

/** A table with a heading; no rows, no table. Control characters in cells are made visible. */
export function table(
  columns: readonly Column[],
  rows: readonly Cell[][],
  look: Look,
  indent = '',
): string[] {
  if (rows.length === 0) return [];
  const texts = rows.map(row => row.map(cell => clean(typeof cell === 'string' ? cell : cell.text)));
  const natural = columns.map(({ title }, i) =>
    Math.max(width(title), ...texts.map(row => width(row[i] ?? ''))),
  );
  const widths = fit(columns, natural, look.columns - width(indent));
  const heading = line(
    columns,
    widths,
    columns.map(({ title }) => title),
  ).trimEnd();
  const body = rows.flatMap((row, r) => {
    const pieces = columns.map((column, i) => {
      const text = texts[r]?.[i] ?? '';
      return column.folds ? fold(text, widths[i] ?? 0) : [text];
    });
    const height = Math.max(...pieces.map(lines => lines.length));
    return Array.from({ length: height }, (_, n) => {
      const painted = row.map(cell => (typeof cell === 'string' ? undefined : cell.paint));
      return line(
        columns,
        widths,
        pieces.map(lines => lines[n] ?? ''),
        painted,
      );
    });
  });
  return [look.paint.bold(heading), ...body].map(text => indent + text);
}

function line(
  columns: readonly Column[],
  widths: readonly number[],
  texts: readonly string[],
  painters: readonly (((text: string) => string) | undefined)[] = [],
): string {
  const last = columns.length - 1;
  return columns
    .map(({ align }, i) => {
      const text = texts[i] ?? '';
      const room = widths[i] ?? 0;
      const paint = painters[i] ?? (plain => plain);
      const padding = ' '.repeat(Math.max(0, room - width(text)));
      if (align === 'right') return padding + paint(text);
      return i === last ? paint(text) : paint(text) + padding;
    })
    .join(GAP)
    .trimEnd();
}

/** Take from the widest of the columns that fold, column by column, until all fits or nothing is left to take. */
function fit(columns: readonly Column[], natural: readonly number[], room: number): number[] {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
  while (total() > room) {
    let widest = -1;
    columns.forEach(({ folds }, i) => {
      const current = widths[i] ?? 0;
      if (folds && current > NARROWEST && current > (widths[widest] ?? 0)) widest = i;
    });
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

/** Names and values below each other: `engine      20.10.24`. Long words stay whole, for copying. */
export function pairs(entries: readonly (readonly [string, string])[], look: Look, indent = ''): string[] {
  const names = Math.max(0, ...entries.map(([name]) => width(name)));
  const room = look.columns - width(indent) - names - GAP.length;
  return entries.flatMap(([name, value]) =>
    wrap(clean(value), Math.max(room, NARROWEST)).map((piece, i) =>
      `${indent}${look.paint.dim(padEnd(i === 0 ? name : '', names))}${GAP}${piece}`.trimEnd(),
    ),
  );
}

/** Images in the order in which a reader looks for them, those without a name last. */
export function byName<Image extends { names: string[] }>(images: readonly Image[]): Image[] {
  const first = ({ names }: Image): string => names[0] ?? '\uffff';
  return images.toSorted((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0));
}
