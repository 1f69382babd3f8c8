/** Is there a Docker already, whose is it, and can ours take its place? */
import { CURRENT_LINK } from '../../engine/release.ts';
import { atLeast } from '../../engine/version.ts';
import { plural } from '../../support/format.ts';
import type { Finding } from '../finding.ts';
import { mayReplace } from '../place-links.ts';
import { checkContainerd, containerdOf, packageName } from './containerd.ts';
import { type CheckInput, ok } from './input.ts';

/** From here on shims have other names, and dockerd does not find the containers of the old ones. */
const SHIMS_RENAMED = '18.09';

export function checkDocker(input: CheckInput): Finding[] {
  const existing = checkExisting(input);
  return [
    existing,
    ...(existing.level !== 'ok' && removesContainerd(input) ? [] : checkContainerd(input)),
    ...checkUpgrade(input),
    ...checkLinks(input),
  ];
}

/** Whether a containerd goes with a Docker that is not ours, when that is removed as advised: both came the same way. */
function removesContainerd({ facts: { binaries } }: CheckInput): boolean {
  const kind = binaries.dockerd?.origin.kind ?? 'unknown';
  return kind !== 'snap' && (binaries.containerd?.origin.kind ?? kind) === kind;
}

function checkExisting({ facts, state, wanted }: CheckInput): Finding {
  const { dockerd } = facts.binaries;
  if (state?.release) return ok('docker', `engine ${state.release.version}, installed by airferry`);
  const units = facts.units.filter(path => /\/docker\.(?:service|socket)$/.test(path));
  const running = facts.processes.dockerd > 0;
  if (!dockerd && !running && (units.length === 0 || state !== undefined))
    return ok('docker', 'no Docker yet');
  const { kind, package: name } = dockerd?.origin ?? { kind: 'unknown' as const, package: undefined };
  if (kind === 'airferry') return ok('docker', 'an engine of airferry, whose install was interrupted');
  const version = dockerd?.version ? ` ${dockerd.version}` : '';
  const place = dockerd?.path ?? units[0] ?? 'a running dockerd';
  const from = name ? `the package ${name}` : kind === 'snap' ? 'a snap' : 'an unknown source';
  return {
    id: 'docker',
    level: wanted?.engine ? 'error' : 'info',
    title: `Docker${version} is here already, from ${from} (${place})`,
    why: 'airferry does not overwrite what it did not install, and two engines would fight over one data root.',
    fix: removal(kind, name),
  };
}

function removal(kind: string, name: string | undefined): string {
  const keep = 'Images and volumes in /var/lib/docker stay.';
  switch (kind) {
    case 'dpkg':
      return `Remove it: apt-get remove ${name ?? 'docker.io'} ${containerdOf(name)}. ${keep}`;
    case 'rpm':
      return `Remove it: yum remove ${packageName(name) ?? 'docker'} ${containerdOf(name)}. ${keep}`;
    case 'snap':
      return 'Remove it: snap remove docker. Save its images and volumes before: they go with it.';
    default:
      return `Stop it (systemctl disable --now docker), and move its programs and its units in /etc/systemd/system aside. ${keep}`;
  }
}

function checkUpgrade({ facts, state, wanted }: CheckInput): Finding[] {
  const before = state?.release?.version;
  const after = wanted?.engine?.version;
  if (before === undefined || after === undefined || facts.processes.shims === 0) return [];
  if (atLeast(before, SHIMS_RENAMED) === atLeast(after, SHIMS_RENAMED)) return [];
  return [
    {
      id: 'shims',
      level: 'error',
      title: `${plural(facts.processes.shims, 'container')} running, and ${before} → ${after} renames their shims`,
      why: 'The new engine would not find these containers, and they could not be stopped any more.',
      fix: 'Stop all containers (docker stop $(docker ps -q)), then run the command again.',
    },
  ];
}

function checkLinks({ wanted, survey }: CheckInput): Finding[] {
  if (!survey) return [];
  const links = [
    ...(wanted?.engine ? [{ path: CURRENT_LINK }, ...wanted.engine.release.links] : []),
    ...(wanted?.compose?.release.links ?? []),
  ];
  return links
    .filter(({ path }) => !mayReplace(survey.paths.get(path)))
    .map(({ path }) => ({
      id: `in-the-way-${path}`,
      level: 'error' as const,
      title: `${path} is there already, and not from airferry`,
      why: 'A link of airferry belongs there, and what others put there is not overwritten.',
      fix: `Move it aside: mv ${path} ${path}.before`,
    }));
}
