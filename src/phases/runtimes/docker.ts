/** Docker, by its own command line, in either of its image stores. */
import { dockerScript } from '../docker-cli.ts';
import { askStore } from '../engine-store.ts';
import { ASK_TIMEOUT_MS, type Runtime } from './runtime.ts';
import { inspectScript, parseInspected, pullTagged } from './templates.ts';

/** `127.0.0.0/8` is among the insecure registries of every engine, so that plain HTTP needs no setting there. */
const PULL = { pull: 'docker pull', tag: 'docker tag', forget: (from: string) => `docker rmi ${from}` };

export const docker: Runtime = {
  name: 'docker',
  title: 'docker',
  ask: askStore,
  loadScript: dockerScript('docker load 2>&1'),
  pullScript: (reference, names) => dockerScript(pullTagged(PULL, reference, names)),
  async inspect(shell, names) {
    const script = dockerScript(inspectScript('docker', names));
    const { stdout } = await shell.run(script, {
      root: true,
      title: 'docker image inspect',
      timeoutMs: ASK_TIMEOUT_MS,
    });
    return parseInspected(stdout);
  },
  advice: 'Look into the engine on the host: journalctl -u docker; then run the same command again.',
};
