/** `host check`: which hosts can take it, and each finding with its fix; the same finding of many hosts once. */
import type { HostCheckResult } from '../../actions/host-results.ts';
import type { Finding, Level } from '../../phases/finding.ts';
import { plural } from '../../support/format.ts';
import { renderSuggestions } from '../error-view.ts';
import { type Cell, table } from '../table.ts';
import { type Look, proseColumns } from '../terminal.ts';
import { clean, wrap } from '../text.ts';
import { changesOf, failuresOf, namesOf } from './hosts.ts';

const ORDER: readonly Level[] = ['error', 'warn', 'info', 'ok'];

/** Hosts that each get a row; of more, only those that are not simply ready. */
const MOST_ROWS = 30;

export function checkView({ hosts, dryRun }: HostCheckResult, look: Look): string[] {
  const unreached = hosts.filter(({ findings }) => findings.length === 0);
  return [
    ...overviewOf(hosts, look),
    ...changesOf(hosts, dryRun, look),
    ...findingsOf(hosts, look),
    ...failuresOf(unreached, look, hosts.length),
  ];
}

function overviewOf(all: HostCheckResult['hosts'], look: Look): string[] {
  const ready = ({ outcome, findings }: HostCheckResult['hosts'][number]): boolean =>
    outcome !== 'failed' && count(findings, 'warn') === 0;
  const many = all.length > MOST_ROWS && !look.verbose;
  const hosts = many ? all.filter(host => !ready(host)) : all;
  const left = all.length - hosts.length;
  const summary =
    left > 0
      ? [`${hosts.length > 0 ? 'The other ' : ''}${plural(left, 'host')} ${left === 1 ? 'is' : 'are'} ready.`]
      : [];
  const overview = table(
    [
      { title: 'HOST', folds: true },
      { title: 'ADDRESS', folds: true },
      { title: 'VERDICT' },
      { title: 'ERRORS', align: 'right' },
      { title: 'WARNINGS', align: 'right' },
    ],
    hosts.map(({ name, address, outcome, findings }) => {
      const errors = count(findings, 'error');
      const warnings = count(findings, 'warn');
      return [name, address, verdict(outcome === 'failed', findings, look), String(errors), String(warnings)];
    }),
    look,
  );
  return [...overview, ...summary];
}

function findingsOf(hosts: HostCheckResult['hosts'], look: Look): string[] {
  const all = hosts.flatMap(({ name, findings }) => findings.map(finding => ({ name, finding })));
  const told = all.filter(
    ({ finding }) => look.verbose || finding.level === 'error' || finding.level === 'warn',
  );
  const groups = [...Map.groupBy(told, ({ finding }) => JSON.stringify(finding)).values()];
  groups.sort((a, b) => rank(a[0]?.finding) - rank(b[0]?.finding));
  const hidden = all.length - told.length;
  const fine =
    hidden > 0 ? ['', look.paint.dim(`${plural(hidden, 'check')} passed; --verbose lists them`)] : [];
  return [...groups.flatMap(group => renderFinding(group, hosts.length, look)), ...fine];
}

function renderFinding(group: { name: string; finding: Finding }[], hosts: number, look: Look): string[] {
  const finding = group[0]?.finding;
  if (!finding) return [];
  const who = group.length === hosts && hosts > 1 ? 'every host' : namesOf(group);
  const why =
    finding.why === ''
      ? []
      : wrap(clean(finding.why, 'keep'), proseColumns(look) - 2).map(line => `  ${line}`);
  const fix = finding.fix === '' ? [] : renderSuggestions([finding.fix], look);
  if (finding.fixable && finding.level !== 'ok') fix.push(...renderSuggestions(['--fix does it.'], look));
  const lines = wrap(`${clean(finding.title)} (${who})`, proseColumns(look) - 2);
  const spaced = finding.level === 'error' || finding.level === 'warn' ? [''] : [];
  return [
    ...spaced,
    ...lines.map((line, i) => `${i === 0 ? mark(finding.level, look) : ' '} ${line}`),
    ...why,
    ...fix,
  ];
}

function verdict(failed: boolean, findings: readonly Finding[], { paint }: Look): Cell {
  if (failed) return { text: findings.length === 0 ? 'not reached' : 'not ready', paint: paint.red };
  return count(findings, 'warn') > 0
    ? { text: 'ready', paint: paint.yellow }
    : { text: 'ready', paint: paint.green };
}

function mark(level: Level, { paint, glyphs }: Look): string {
  if (level === 'error') return paint.red(glyphs.cross);
  if (level === 'warn') return paint.yellow(glyphs.warning);
  return level === 'ok' ? paint.green(glyphs.tick) : paint.dim(glyphs.info);
}

function rank(finding: Finding | undefined): number {
  return finding ? ORDER.indexOf(finding.level) : ORDER.length;
}

function count(findings: readonly Finding[], level: Level): number {
  return findings.filter(finding => finding.level === level).length;
}
