/** The end of an action on hosts: a table of them, and what is worth saying about each. */
import type { HostResult, HostsResult } from '../../actions/host-results.ts';
import { formatDuration, plural } from '../../support/format.ts';
import { diffLines } from '../diff.ts';
import { renderSuggestions } from '../error-view.ts';
import { type Cell, type Column, table } from '../table.ts';
import { type Look, proseColumns } from '../terminal.ts';
import { clean, wrap } from '../text.ts';

/** Hosts that are named in a sentence; more are told by number. */
const MOST_NAMED = 6;
/** Hosts that each get a row; more are told by how they ended. */
const MOST_ROWS = 30;

type PaintedCell = Exclude<Cell, string>;

/** Outcome, number of changes and time of each host, then why some failed, and in a dry run the plan. */
export function hostsView(result: HostsResult, look: Look): string[] {
  const { hosts, dryRun } = result;
  if (hosts.length === 0) return [];
  const many = hosts.length > MOST_ROWS && !look.verbose;
  const overview = many ? outcomesTable(hosts, dryRun, look) : hostsTable(hosts, dryRun, look);
  const changes = dryRun || look.verbose ? changesOf(hosts, dryRun, look) : [];
  const idle = hosts.every(({ outcome }) => outcome === 'unchanged');
  const verdict = idle ? ['', dryRun ? 'Nothing would change.' : 'Nothing had to be changed.'] : [];
  return [...overview, ...verdict, ...changes, ...failuresOf(hosts, look), ...skippedOf(hosts, look)];
}

function hostsTable(hosts: readonly HostResult[], dryRun: boolean, look: Look): string[] {
  return table(
    [
      { title: 'HOST', folds: true },
      { title: 'OUTCOME' },
      { title: dryRun ? 'WOULD CHANGE' : 'CHANGES', align: 'right' },
      { title: 'TIME', align: 'right' },
    ],
    hosts.map(host => [
      host.name,
      outcomeCell(host, dryRun, look),
      String(host.changes.length),
      host.outcome === 'skipped' ? '-' : formatDuration(host.durationMs),
    ]),
    look,
  );
}

/** A row for each way to end, worst first, with the slowest host of it. */
function outcomesTable(hosts: readonly HostResult[], dryRun: boolean, look: Look): string[] {
  const cells = hosts.map(host => ({ host, cell: outcomeCell(host, dryRun, look) }));
  const groups = [...Map.groupBy(cells, ({ cell }) => cell.text).values()];
  groups.sort((a, b) => rank(a[0]?.host) - rank(b[0]?.host));
  const rows = groups.map(group => {
    const members = group.map(({ host }) => host);
    const slowest = members.reduce((a, b) => (b.durationMs > a.durationMs ? b : a));
    const counts = members.map(({ changes }) => changes.length);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    return [
      group[0]?.cell ?? '',
      String(members.length),
      namesOf(members),
      least === most ? String(most) : `${least}-${most}`,
      slowest.outcome === 'skipped' ? '-' : formatDuration(slowest.durationMs),
    ];
  });
  const columns: Column[] = [
    { title: 'OUTCOME' },
    { title: 'HOSTS', align: 'right' },
    { title: 'NAMES', folds: true },
    { title: dryRun ? 'WOULD CHANGE' : 'CHANGES', align: 'right' },
    { title: 'SLOWEST', align: 'right' },
  ];
  return [...table(columns, rows, look), '', look.paint.dim('--verbose lists every host')];
}

const WORST_FIRST: readonly HostResult['outcome'][] = ['failed', 'skipped', 'changed', 'unchanged'];

function rank(host: HostResult | undefined): number {
  return host ? WORST_FIRST.indexOf(host.outcome) : WORST_FIRST.length;
}

/** Why hosts were not begun. */
function skippedOf(hosts: readonly HostResult[], look: Look): string[] {
  const skipped = hosts.filter(({ outcome }) => outcome === 'skipped');
  const groups = Map.groupBy(skipped, ({ reason = '' }) => reason);
  return [...groups].flatMap(([reason, group]) => [
    '',
    `${look.paint.yellow(look.glyphs.warning)} ${look.paint.bold(namesOf(group))}: not begun`,
    ...wrap(clean(reason), proseColumns(look) - 2).map(line => `  ${line}`),
  ]);
}

/** What hosts of several fail with, those with the same error together; a host alone fails with the command. */
export function failuresOf(hosts: readonly HostResult[], look: Look, all = hosts.length): string[] {
  if (all === 1) return [];
  const failed = hosts.filter(({ outcome, error }) => outcome === 'failed' && error !== undefined);
  const groups = Map.groupBy(failed, host => [host.phase, host.error?.code, anonymous(host)].join('\n'));
  return [...groups.values()].flatMap(group => {
    const [first] = group;
    if (!first) return [];
    const at = first.phase === undefined ? '' : ` at ${first.phase}`;
    const head = `${look.paint.red(look.glyphs.cross)} ${look.paint.bold(namesOf(group))}${at}`;
    const message = group.length > 1 ? anonymous(first) : (first.error?.message ?? '');
    const text = wrap(clean(message, 'keep'), proseColumns(look) - 2).map(line => `  ${line}`);
    return ['', head, ...text, ...renderSuggestions(first.error?.suggestions ?? [], look)];
  });
}

/** What a host fails with, in words that fit others too. */
function anonymous({ name, address, error }: HostResult): string {
  return [`${name} (${address})`, address, name].reduce(
    (text, word) => text.replaceAll(word, 'the host'),
    error?.message ?? '',
  );
}

/** `h1, h2, h3 and 4 more` */
export function namesOf(hosts: readonly { name: string }[]): string {
  const names = hosts.slice(0, MOST_NAMED).map(({ name }) => clean(name));
  const more = hosts.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${plural(more, 'more', 'more')}` : names.join(', ');
}

function outcomeCell({ outcome, error }: HostResult, dryRun: boolean, { paint }: Look): PaintedCell {
  if (outcome === 'skipped') return { text: 'not begun', paint: paint.yellow };
  if (error?.code === 'INTERRUPTED') return { text: 'interrupted', paint: paint.yellow };
  if (outcome === 'failed') return { text: 'failed', paint: paint.red };
  if (outcome === 'unchanged') return { text: 'unchanged', paint: paint.dim };
  return { text: dryRun ? 'would change' : 'changed', paint: dryRun ? paint.yellow : paint.green };
}

/** The changes, hosts with the same ones together. */
export function changesOf(hosts: readonly HostResult[], dryRun: boolean, look: Look): string[] {
  const changed = hosts.filter(({ changes }) => changes.length > 0);
  const groups = Map.groupBy(changed, ({ changes }) => JSON.stringify(changes));
  return [...groups.values()].flatMap(group => [
    '',
    `${look.paint.bold(namesOf(group))} ${dryRun ? 'would be changed' : group.length > 1 ? 'were changed' : 'was changed'}:`,
    ...(group[0]?.changes ?? []).flatMap(({ what, diff }) => [
      ...wrap(clean(what), proseColumns(look) - 4).map((line, i) => `  ${i === 0 ? '- ' : '  '}${line}`),
      ...(diff === undefined ? [] : diffLines(diff, look).map(line => `      ${line}`)),
    ]),
  ]);
}
