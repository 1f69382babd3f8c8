/** What a part of the benchmark found, as a table for people and as one JSON document. */
import { formatBytes } from '../../src/support/format.ts';
import { best, type Standing, worst } from './contest.ts';

/** Something that airferry has to reach. */
export interface Target {
  what: string;
  value: number;
  unit: 'times' | 'bytes' | 'count';
  atMost?: number;
  atLeast?: number;
}

export interface Section {
  title: string;
  /** What was measured and how, a sentence each. */
  notes: string[];
  standings: Standing[];
  targets: Target[];
}

/** Bytes of memory that no command may exceed, however large its input. */
export const PEAK_LIMIT = 200_000_000;

export function reached({ value, atMost = Infinity, atLeast = -Infinity }: Target): boolean {
  return value <= atMost && value >= atLeast;
}

/** One part: its notes, its runs, its targets. */
export function formatSection({ title, notes, standings, targets }: Section): string {
  const rows = standings.map(one => [
    one.name,
    seconds(best(one)),
    one.runs.map(run => (run.ms / 1000).toFixed(2)).join(' '),
    seconds(Math.min(...one.runs.map(run => run.cpuMs))),
    formatBytes(worst(one, 'peak')),
    formatBytes(worst(one, 'read')),
    formatBytes(worst(one, 'written')),
    formatBytes(worst(one, 'stored')),
    one.made === undefined ? '' : formatBytes(one.made),
  ]);
  const head = ['', 'best', 'all runs', 'cpu', 'memory', 'read', 'written', 'to disk', 'made'];
  return [
    title,
    ...notes.map(note => `  ${note}`),
    '',
    table([head, ...rows]),
    '',
    formatTargets(targets),
    '',
  ].join('\n');
}

export function formatTargets(targets: Target[]): string {
  return table(
    targets.map(target => [
      reached(target) ? 'pass' : 'MISS',
      target.what,
      show(target, target.value),
      target.atMost === undefined
        ? `at least ${show(target, target.atLeast)}`
        : `at most ${show(target, target.atMost)}`,
    ]),
  );
}

function show({ unit }: Target, value = 0): string {
  if (unit === 'bytes') return formatBytes(value);
  return unit === 'count' ? String(value) : `${value.toFixed(2)} times`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

/** Columns side by side, the first two to the left, figures to the right. */
function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, i) =>
        (i < 2 && row.length < 6) || i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return rows.map(row => `  ${line(row)}`).join('\n');
}
