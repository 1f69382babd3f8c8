/** nerdctl: Docker's command line in front of containerd. */

import { quote } from '../../host/quote.ts';
import type { Shell } from '../../host/shell.ts';
import type { EngineStore } from '../../transports/docker-load.ts';
import { notReady } from './not-ready.ts';
import { ASK_TIMEOUT_MS, MAX_ANSWER, type Runtime, wholeName } from './runtime.ts';
import { inspectScript, listScript, parseInspected, parseList, pullTagged } from './templates.ts';

/** nerdctl in one of containerd's namespaces. */
export function nerdctl(namespace: string): Runtime {
  const program = `nerdctl --namespace ${quote(namespace)}`;
  return {
    name: 'nerdctl',
    title: `nerdctl (namespace ${namespace})`,
    ask: shell => ask(shell, program),
    loadScript: `${program} load 2>&1`,
    pullScript: (reference, names) =>
      pullTagged(
        {
          pull: `nerdctl --insecure-registry --namespace ${quote(namespace)} pull -q`,
          tag: `${program} tag`,
          forget: from => `${program} rmi ${from}`,
        },
        reference,
        names.map(wholeName),
      ),
    async inspect(shell, names) {
      const { stdout } = await shell.run(inspectScript(program, names.map(wholeName)), {
        root: true,
        title: 'nerdctl image inspect',
        timeoutMs: ASK_TIMEOUT_MS,
      });
      return parseInspected(stdout);
    },
    advice: 'Look into containerd on the host: journalctl -u containerd; then run the same command again.',
  };
}

async function ask(shell: Shell, program: string): Promise<EngineStore> {
  const { status, stdout, stderr } = await shell.run(
    `nerdctl version --format '{{.Client.Version}}' || exit\n${listScript(program)}`,
    {
      root: true,
      check: false,
      title: 'ask nerdctl for its images',
      maxOutput: MAX_ANSWER,
      timeoutMs: ASK_TIMEOUT_MS,
    },
  );
  const [version = '', ...lines] = stdout.split('\n');
  if (!/^v?\d/.test(version)) throw notReady(shell, 'nerdctl', status, stderr);
  return { kind: 'containerd', major: Number.POSITIVE_INFINITY, ...parseList(lines) };
}
