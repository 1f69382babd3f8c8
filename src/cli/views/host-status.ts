/** `host status`: what runs on each host, and how far that is from what airferry left there. */
import type { HostStatus, HostStatusResult } from '../../actions/host-results.ts';
import { plural } from '../../support/format.ts';
import { type Cell, pairs, table } from '../table.ts';
import { type Look, proseColumns } from '../terminal.ts';
import { clean, wrap } from '../text.ts';
import { failuresOf, namesOf } from './hosts.ts';

const KINDS: Record<HostStatus['drift'][number]['kind'], string> = {
  changed: 'was changed',
  missing: 'is gone',
  'not-enabled': 'is not enabled',
  'not-running': 'is not running',
};
const NONE = '-';

export function statusView({ hosts }: HostStatusResult, look: Look): string[] {
  const overview = table(
    [
      { title: 'HOST', folds: true },
      { title: 'BUNDLE', folds: true },
      { title: 'ENGINE' },
      { title: 'COMPOSE' },
      { title: 'STORAGE' },
      { title: 'RUNNING', align: 'right' },
      { title: 'STATE' },
    ],
    hosts.map(host => {
      const { installed, engine, versions } = host;
      return [
        host.name,
        installed ? `${installed.bundle.name} ${installed.bundle.version}` : NONE,
        engine?.version ?? versions.dockerd ?? NONE,
        versions.compose ?? NONE,
        engine?.storageDriver ?? NONE,
        engine ? String(engine.containers.running) : NONE,
        state(host, look),
      ];
    }),
    look,
  );
  const reached = hosts.filter(({ outcome }) => outcome !== 'failed');
  const details = look.verbose || hosts.length === 1 ? reached.flatMap(host => detailsOf(host, look)) : [];
  return [
    ...overview,
    ...details,
    ...driftOf(hosts, look),
    ...warningsOf(hosts, look),
    ...failuresOf(hosts, look),
  ];
}

function cgroups({ cgroupDriver, cgroupVersion }: NonNullable<HostStatus['engine']>): string {
  return cgroupVersion === undefined ? cgroupDriver : `${cgroupDriver} v${cgroupVersion}`;
}

function state(host: HostStatus, { paint }: Look): Cell {
  if (host.outcome === 'failed') return { text: 'failed', paint: paint.red };
  if (host.drift.length > 0) return { text: 'drifted', paint: paint.yellow };
  if (!host.installed) return { text: 'not ours', paint: paint.dim };
  return host.engine ? { text: 'as left', paint: paint.green } : { text: 'down', paint: paint.red };
}

function detailsOf({ name, address, versions, engine, installed }: HostStatus, look: Look): string[] {
  const named = Object.entries(versions).map(([component, version]) => `${component} ${version}`);
  const entries: [string, string][] = [['address', address]];
  if (installed)
    entries.push([
      'installed',
      `${installed.at}${installed.release ? `, release ${installed.release}` : ''}`,
    ]);
  if (installed)
    entries.push([
      'bundle',
      `${installed.bundle.name} ${installed.bundle.version}, ${shortDigest(installed.bundle.digest)}`,
    ]);
  if (named.length > 0) entries.push(['versions', named.join(', ')]);
  if (engine) {
    const { running, paused, stopped } = engine.containers;
    entries.push([
      'data root',
      `${engine.dataRoot}${engine.supportsDType === false ? ', without d_type' : ''}`,
    ]);
    entries.push(['cgroups', cgroups(engine)]);
    entries.push(['containers', `${running} running, ${paused} paused, ${stopped} stopped`]);
    entries.push(['images', `${engine.images}${engine.containerdStore ? ', in the containerd store' : ''}`]);
    entries.push(['live restore', engine.liveRestore ? 'on' : 'off']);
  }
  return ['', look.paint.bold(clean(name)), ...pairs(entries, look, '  ')];
}

function driftOf(hosts: readonly HostStatus[], look: Look): string[] {
  const drifted = hosts.filter(({ drift }) => drift.length > 0);
  const groups = Map.groupBy(drifted, ({ drift }) => JSON.stringify(drift));
  return [...groups.values()].flatMap(group => {
    const drift = group[0]?.drift ?? [];
    return [
      '',
      `${look.paint.yellow(look.glyphs.warning)} ${look.paint.bold(namesOf(group))}: ${plural(drift.length, 'difference')} from what was installed`,
      ...drift.map(({ what, kind }) => `  ${clean(what)} ${KINDS[kind]}`),
      look.paint.dim('  airferry host install puts it back'),
    ];
  });
}

function warningsOf(hosts: readonly HostStatus[], look: Look): string[] {
  const all = hosts.flatMap(({ name, engine }) => (engine?.warnings ?? []).map(text => ({ name, text })));
  const groups = Map.groupBy(all, ({ text }) => text);
  return [...groups].flatMap(([text, group]) => [
    '',
    ...wrap(`${clean(text)} (${namesOf(group)})`, proseColumns(look) - 2).map(
      (line, i) => `${i === 0 ? look.paint.yellow(look.glyphs.warning) : ' '} ${line}`,
    ),
  ]);
}

/** As much of a digest as Docker shows of an ID. */
function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
