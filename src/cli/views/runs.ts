/** Runs that changed hosts: all of them in a line each, or one with its hosts. */
import type { RunList, RunSummary, ShownRun } from '../../actions/run-list.ts';
import { formatDuration } from '../../support/format.ts';
import { pairs, table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

/** What was known of who made the bundle. */
const SIGNED = {
  signed: 'by a trusted key',
  untrusted: 'by no key that was trusted',
  invalid: 'not over this bundle',
  unsigned: 'none',
};

export function runListView({ folder, runs, damaged }: RunList, look: Look): string[] {
  if (runs.length === 0 && damaged.length === 0) return [`no runs in ${clean(folder)}`];
  const rows = runs.map(run => [run.name, run.who, outcomes(run)]);
  const columns = [{ title: 'RUN' }, { title: 'WHO', folds: true }, { title: 'HOSTS', folds: true }];
  const unreadable = damaged.map(
    name => `${look.paint.yellow(look.glyphs.warning)} ${clean(name)} cannot be read`,
  );
  return [...table(columns, rows, look), ...unreadable];
}

export function runView(run: ShownRun, look: Look): string[] {
  const { name, folder, argv, who, startedAt, endedAt, exit, bundle, hosts } = run;
  const entries: [string, string][] = [
    ['run', name],
    ['command', `airferry ${argv.join(' ')}`],
    ['who', who],
    ['began', startedAt],
    ['ended', endedAt === undefined ? 'it did not come to its end' : `${endedAt}, exit status ${exit ?? 0}`],
  ];
  if (bundle) {
    entries.push(['bundle', `${bundle.name} ${bundle.version}, ${bundle.digest}`]);
    if (bundle.signature) entries.push(['signature', SIGNED[bundle.signature]]);
  }
  entries.push(['folder', folder]);
  const rows = hosts.map(host => [
    host.name,
    host.outcome,
    String(host.changes.length),
    host.durationMs === undefined ? '-' : formatDuration(host.durationMs),
    host.error ? `${host.phase ?? ''}: ${host.error.message.split('\n', 1)[0]}` : (host.reason ?? ''),
  ]);
  const columns = [
    { title: 'HOST', folds: true },
    { title: 'OUTCOME' },
    { title: 'CHANGES', align: 'right' as const },
    { title: 'TIME', align: 'right' as const },
    { title: 'WHY', folds: true },
  ];
  return [...pairs(entries, look), '', ...table(columns, rows, look)];
}

/** `297 unchanged, 3 failed` */
function outcomes({ outcomes: counts }: RunSummary): string {
  return Object.entries(counts)
    .map(([outcome, count]) => `${count} ${outcome}`)
    .join(', ');
}
