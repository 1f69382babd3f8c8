/** Packages that would fight with the engine: a distribution's Docker, or podman in Docker's clothes. */
import type { Finding } from '../finding.ts';
import type { CheckInput } from './input.ts';

const FAKE = 'podman-docker';
/** Without a running Docker of theirs only the command line is in the way; containerd has a check of its own. */
const ENGINES = /^(?:docker\.io|docker-ce|docker-engine|docker|moby-engine|snap:docker)$/;

export function checkPackages({
  facts: { packages, binaries, processes },
  wanted,
  adopt = false,
}: CheckInput): Finding[] {
  const findings: Finding[] = [];
  if (packages.includes(FAKE)) {
    findings.push({
      id: 'package-podman-docker',
      level: wanted?.engine ? 'warn' : 'info',
      title: 'the package podman-docker is installed: `docker` may be podman on this host',
      why: 'Its /usr/bin/docker and a socket of the same name stand in for Docker; scripts may talk to the wrong one.',
      fix: 'Remove it: dnf remove podman-docker (apt-get, zypper). Podman itself may stay. There is nothing to adopt: it has no engine.',
    });
  }
  // A dockerd that can be found, or runs, is told of already.
  const told = binaries.dockerd !== undefined || processes.dockerd > 0;
  const engines = told ? [] : packages.filter(name => ENGINES.test(name));
  if (engines.length > 0 && !adopt) {
    findings.push({
      id: 'package-docker',
      level: 'warn',
      title: `installed, but without a dockerd on the PATH: ${engines.join(', ')}`,
      why: 'An update of the package would bring a second engine onto the same data.',
      fix: 'Remove it with the package manager, or hold it back from updates.',
    });
  }
  return findings;
}
