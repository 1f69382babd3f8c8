/** Is there a containerd that stands alone, of Kubernetes or nerdctl? Ours would take its unit and its data over. */
import type { Finding } from '../finding.ts';
import type { CheckInput } from './input.ts';

/**
 * Nothing where the engine is ours. After an interrupted install our unit may lie there without any program: it is in
 * the state by then, and only units that are not count.
 */
export function checkContainerd({ facts, state, wanted }: CheckInput): Finding[] {
  const { containerd, dockerd } = facts.binaries;
  if (state?.release || [containerd, dockerd].some(found => found?.origin.kind === 'airferry')) return [];
  const ours = new Set(state?.files.map(file => file.path));
  const unit = facts.units.find(path => path.endsWith('/containerd.service') && !ours.has(path));
  const place = containerd?.path ?? unit;
  if (place === undefined) return [];
  const version = containerd?.version ? ` ${containerd.version}` : '';
  return [
    {
      id: 'containerd',
      level: wanted?.engine ? 'error' : 'info',
      title: `containerd${version} is here already (${place})`,
      why: 'airferry brings its own containerd.service, which would take the place of this one, on the same data.',
      fix: `Leave this host out if something else, like Kubernetes, uses it. Otherwise remove it: ${removal(containerd?.origin)}.`,
    },
  ];
}

function removal(origin: { kind: string; package?: string } | undefined): string {
  switch (origin?.kind) {
    case 'dpkg':
      return `apt-get remove ${origin.package ?? 'containerd'}`;
    case 'rpm':
      return `yum remove ${packageName(origin.package) ?? 'containerd'}`;
    default:
      return 'stop it (systemctl disable --now containerd), and move its programs and its unit aside';
  }
}

/** The packages of containerd that a Docker of this package runs on. */
export function containerdOf(docker: string | undefined): string {
  return docker?.startsWith('docker-ce') ? 'containerd.io' : 'containerd runc';
}

/** `containerd.io` of `containerd.io-1.6.33-3.1.el7.x86_64`. */
export function packageName(rpm: string | undefined): string | undefined {
  return rpm?.replace(/-\d.*$/, '');
}
