/** Which runtime of a host the images go into. */
import { AirferryError } from '../../errors.ts';
import type { Shell } from '../../host/shell.ts';
import { describeTarget } from '../../host/target.ts';
import { dockerScript } from '../docker-cli.ts';
import { containerd } from './containerd.ts';
import { crio } from './crio.ts';
import { docker } from './docker.ts';
import { nerdctl } from './nerdctl.ts';
import { podman } from './podman.ts';
import { ASK_TIMEOUT_MS, type Runtime, type RuntimeName } from './runtime.ts';

export interface RuntimeChoice {
  /** Default `auto`: Docker where it is, else what else the host has. */
  runtime?: RuntimeName | 'auto';
  /** Of containerd. Default `k8s.io`, which is what Kubernetes looks into. */
  namespace?: string;
}

export const DEFAULT_NAMESPACE = 'k8s.io';

/** A word a line. A stopped Docker is still the host's runtime: images must not go elsewhere unnoticed. */
const PROBE = dockerScript(`has() { command -v "$1" >/dev/null 2>&1; }
if docker info --format '{{.ServerVersion}}' 2>/dev/null | grep -q '^[0-9]' || has dockerd; then echo docker; fi
if [ -S /run/crio/crio.sock ] || [ -S /var/run/crio/crio.sock ]; then echo crio; fi
if [ -S /run/containerd/containerd.sock ]; then
  if has ctr; then echo containerd; fi
  if has nerdctl; then echo nerdctl; fi
fi
for t in podman skopeo crictl; do if has $t; then echo $t; fi; done`);

const ORDER: readonly RuntimeName[] = ['docker', 'crio', 'containerd', 'nerdctl', 'podman'];

/**
 * The runtime asked for, or the one that the host has; Docker asked for by name costs no question. Throws
 * ENGINE_NOT_READY where there is none, or nothing that could load into it.
 */
export async function chooseRuntime(shell: Shell, choice: RuntimeChoice): Promise<Runtime> {
  const { runtime = 'auto', namespace = DEFAULT_NAMESPACE } = choice;
  if (runtime !== 'auto' && runtime !== 'crio') return runtimeNamed(shell, runtime, namespace, new Set());
  const { stdout } = await shell.run(PROBE, {
    root: true,
    check: false,
    title: 'ask for runtimes',
    timeoutMs: ASK_TIMEOUT_MS,
  });
  const there = new Set(stdout.split('\n').filter(word => word !== ''));
  const chosen = runtime === 'auto' ? ORDER.find(name => there.has(name)) : runtime;
  if (chosen !== undefined) return runtimeNamed(shell, chosen, namespace, there);
  throw new AirferryError(
    'ENGINE_NOT_READY',
    `${describeTarget(shell.target)} has no container runtime: neither Docker nor CRI-O, containerd or podman`,
    {
      where: { host: shell.target.name },
      suggestions: [
        'Install an engine: airferry host install.',
        'Or name the runtime with --runtime, where it is in an unusual place.',
      ],
    },
  );
}

function runtimeNamed(
  shell: Shell,
  name: RuntimeName,
  namespace: string,
  tools: ReadonlySet<string>,
): Runtime {
  switch (name) {
    case 'docker':
      return docker;
    case 'containerd':
      return containerd(namespace);
    case 'podman':
      return podman;
    case 'nerdctl':
      return nerdctl(namespace);
    case 'crio':
      return crio(shell, tools);
  }
}
