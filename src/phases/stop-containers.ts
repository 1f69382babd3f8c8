/** Before the engine goes, its containers do: they would run on without anybody who could stop them. */
import { AirferryError } from '../errors.ts';
import { describeTarget } from '../host/target.ts';
import { plural } from '../support/format.ts';
import { dockerScript } from './docker-cli.ts';
import type { BareContext, Phase } from './phase.ts';

/** Milliseconds; each container gets ten seconds of its own to end, many of them at once. */
const TIMEOUT_MS = 10 * 60_000;

/** `allowed`: the operator has said that they may be stopped. */
export function stopContainers(allowed: boolean): Phase<BareContext> {
  return {
    name: 'stop-containers',
    plan(context) {
      const { state, survey, facts, shell, signal } = context;
      if (!state.release) return undefined;
      const running = survey.engine
        ? survey.engine.containers.running + survey.engine.containers.paused
        : facts.processes.shims;
      if (running === 0) return undefined;
      if (!allowed) throw stillRunning(context, running);
      if (!survey.engine) throw unreachable(context, running);
      return {
        changes: [`stop ${plural(running, 'container')}`],
        async run() {
          const script =
            dockerScript(`p=$(docker ps -q --filter status=paused); [ -z "$p" ] || docker unpause $p >/dev/null
docker ps -q | xargs -r docker stop >/dev/null`);
          await shell.run(script, {
            root: true,
            title: 'docker stop',
            timeoutMs: TIMEOUT_MS,
            ...(signal ? { signal } : {}),
          });
        },
      };
    },
  };
}

function stillRunning({ shell }: BareContext, count: number): AirferryError {
  return new AirferryError(
    'CONFIRMATION_NEEDED',
    `${plural(count, 'container')} running on ${describeTarget(shell.target)}, and would be stopped`,
    {
      where: { host: shell.target.name },
      suggestions: ['Stop them yourself, or say that it may be done with --stop-containers.'],
    },
  );
}

function unreachable({ shell }: BareContext, count: number): AirferryError {
  return new AirferryError(
    'ENGINE_NOT_READY',
    `${plural(count, 'container')} running on ${describeTarget(shell.target)}, and the engine does not answer to stop them`,
    {
      where: { host: shell.target.name },
      suggestions: ['Start the engine (systemctl start docker), then run the command again.'],
    },
  );
}
