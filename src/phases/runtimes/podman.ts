/** podman, as root: its images are those of containers/storage, which CRI-O and skopeo share with it. */
import type { Shell } from '../../host/shell.ts';
import type { EngineStore } from '../../transports/docker-load.ts';
import { notReady } from './not-ready.ts';
import { ASK_TIMEOUT_MS, MAX_ANSWER, type Runtime, wholeName } from './runtime.ts';
import { inspectScript, listScript, parseInspected, parseList, pullTagged } from './templates.ts';

const PULL = {
  pull: 'podman pull -q --tls-verify=false',
  tag: 'podman tag',
  // Without a second word it would take every name away from the image.
  forget: (from: string) => `podman untag ${from} ${from}`,
};

/** The commands alone. podman takes a name without a registry for one of its own, `localhost/…`: it is given whole ones. */
export function podmanPull(reference: string, names: readonly string[]): string {
  return pullTagged(PULL, reference, names.map(wholeName));
}

async function ask(shell: Shell): Promise<EngineStore> {
  const { status, stdout, stderr } = await shell.run(
    `podman version --format '{{.Client.Version}}' || exit\n${listScript('podman')}`,
    {
      root: true,
      check: false,
      title: 'ask podman for its images',
      maxOutput: MAX_ANSWER,
      timeoutMs: ASK_TIMEOUT_MS,
    },
  );
  const [version = '', ...lines] = stdout.split('\n');
  if (!/^\d/.test(version)) throw notReady(shell, 'podman', status, stderr);
  return { kind: 'storage', major: Number.POSITIVE_INFINITY, ...parseList(lines) };
}

export const podman: Runtime = {
  name: 'podman',
  title: 'podman',
  ask,
  loadScript: 'podman load 2>&1',
  pullScript: podmanPull,
  async inspect(shell, names) {
    const { stdout } = await shell.run(inspectScript('podman', names.map(wholeName)), {
      root: true,
      title: 'podman image inspect',
      timeoutMs: ASK_TIMEOUT_MS,
    });
    return parseInspected(stdout);
  },
  advice: 'Try it on the host: podman info; then run the same command again.',
};
