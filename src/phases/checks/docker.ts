/** Is there a Docker already, whose is it, and can ours take its place? */
import { CURRENT_LINK } from '../../engine/release.ts';
import type { Finding } from '../finding.ts';
import { mayReplace } from '../place-links.ts';
import { checkContainerd, containerdOf, packageName } from './containerd.ts';
import { type CheckInput, ok } from './input.ts';

export function checkDocker(input: CheckInput): Finding[] {
  const existing = checkExisting(input);
  return [
    existing,
    ...(existing.level !== 'ok' && removesContainerd(input) ? [] : checkContainerd(input)),
    ...checkLinks(input),
  ];
}

/** Whether a containerd goes with a Docker that is not ours, when that is removed as advised: both came the same way. */
function removesContainerd({ facts: { binaries } }: CheckInput): boolean {
  const kind = binaries.dockerd?.origin.kind ?? 'unknown';
  return kind !== 'snap' && (binaries.containerd?.origin.kind ?? kind) === kind;
}

function checkExisting({ facts, state, wanted, adopt = false }: CheckInput): Finding {
  const { dockerd } = facts.binaries;
  if (state?.release) return ok('docker', `engine ${state.release.version}, installed by airferry`);
  const units = facts.units.filter(path => /\/docker\.(?:service|socket)$/.test(path));
  if (state?.changes.some(change => change.kind === 'adopted'))
    return ok('docker', 'a Docker that is being taken over');
  const running = facts.processes.dockerd > 0;
  if (!dockerd && !running && (units.length === 0 || state !== undefined))
    return ok('docker', 'no Docker yet');
  const { kind, package: name } = dockerd?.origin ?? {
    // Its dockerd is not on the PATH.
    kind: facts.packages.includes('snap:docker') ? ('snap' as const) : ('unknown' as const),
    package: undefined,
  };
  if (kind === 'airferry') return ok('docker', 'an engine of airferry, whose install was interrupted');
  const version = dockerd?.version ? ` ${dockerd.version}` : '';
  const place = dockerd?.path ?? (kind === 'snap' ? '/snap/docker' : (units[0] ?? 'a running dockerd'));
  const from = name ? `the package ${name}` : kind === 'snap' ? 'a snap' : 'an unknown source';
  // What a snap has lies inside it, where no other engine finds it.
  if (adopt && kind !== 'snap')
    return {
      id: 'docker',
      level: 'info',
      title: `Docker${version} from ${from} (${place}) will be taken over`,
      why: 'Its data root and its daemon.json stay in use; its packages stay, and no longer start anything.',
      fix: '',
    };
  return {
    id: 'docker',
    level: wanted?.engine ? 'error' : 'info',
    title: `Docker${version} is here already, from ${from} (${place})`,
    why:
      kind === 'snap'
        ? 'It cannot be taken over: its images and volumes lie inside of the snap, and it keeps starting its own engine.'
        : 'airferry does not overwrite what it did not install, and two engines would fight over one data root.',
    fix:
      kind === 'snap'
        ? removal(kind, name)
        : `Take it over with --adopt, which keeps its data. Or: ${removal(kind, name)}`,
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
      return 'Save its images and volumes first, for they go with it; then remove it: snap remove docker.';
    default:
      return `Stop it (systemctl disable --now docker), and move its programs and its units in /etc/systemd/system aside. ${keep}`;
  }
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
