/** The containers of a host: which ran before a change, and whether they still do after it. */
import type { Shell } from '../host/shell.ts';
import type { RanBefore } from '../host/state.ts';
import { dockerScript } from './docker-cli.ts';

/** A container as the engine tells of it. */
export interface Container {
  id: string;
  name: string;
  running: boolean;
  /** It ended, and the engine is about to start it again. */
  restarting: boolean;
  /** Its process on the host; 0 when there is none. */
  pid: number;
  restarts: number;
  exitCode: number;
  /** `no`, `always`, `unless-stopped`, `on-failure` */
  policy: string;
  /** Seconds since 1970. */
  startedAt: number;
}

/** Bytes; ten thousand containers say less. */
const MAX_ANSWER = 16 * 1024 * 1024;
const TIMEOUT_MS = 120_000;
/** Seconds that a container with restarts must have been up to count as one that runs. */
const STEADY_S = 30;
const FIELDS =
  '{{.Id}} {{.State.Running}} {{.State.Restarting}} {{.State.Pid}} {{.RestartCount}} {{.State.ExitCode}} ' +
  '{{.HostConfig.RestartPolicy.Name}} {{.State.StartedAt}} {{.Name}}';

/** Ask for those that run, or for those with these IDs: whichever of them are still there, whatever they do. */
export async function askContainers(shell: Shell, ids?: readonly string[]): Promise<Container[]> {
  const which = ids ? 'cat' : 'docker ps -q --no-trunc';
  const { stdout } = await shell.run(
    dockerScript(`${which} | xargs -r docker inspect --type container --format '${FIELDS}' 2>/dev/null || :`),
    {
      root: true,
      stdin: (ids ?? []).map(id => `${id}\n`).join(''),
      title: 'ask for the containers',
      maxOutput: MAX_ANSWER,
      timeoutMs: TIMEOUT_MS,
    },
  );
  return parseContainers(stdout);
}

/** The answer, a line for each; lines that are none are passed over. */
export function parseContainers(answer: string): Container[] {
  return answer.split('\n').flatMap(line => {
    const [id, running, restarting, pid, restarts, exitCode, policy, startedAt, ...name] = line.split(' ');
    if (id === undefined || !/^[0-9a-f]{64}$/.test(id) || name.length === 0) return [];
    return {
      id,
      name: name.join(' ').replace(/^\//, ''),
      running: running === 'true',
      restarting: restarting === 'true',
      pid: Number(pid) || 0,
      restarts: Number(restarts) || 0,
      exitCode: Number(exitCode) || 0,
      policy: policy === '' || policy === undefined ? 'no' : policy,
      startedAt: Math.floor(Date.parse(startedAt ?? '') / 1000) || 0,
    };
  });
}

/** What is held against the containers later: those that run, and do not end and start again all the time anyway. */
export function ranBefore(containers: readonly Container[], now: number): RanBefore[] {
  return containers
    .filter(
      ({ running, restarting, restarts, startedAt }) =>
        running && !restarting && (restarts === 0 || now - startedAt >= STEADY_S),
    )
    .map(({ id, name, pid, restarts, policy }) => ({ id, name, pid, restarts, returns: returns(policy) }));
}

function returns(policy: string): boolean {
  return policy === 'always' || policy === 'unless-stopped';
}

export type Verdict = 'fine' | 'not-yet' | { problem: string } | { note: string };

/**
 * Whether a container does what it must. `live`: its process must be the same one; else it may have been started anew,
 * and one that the engine does not start by itself may have ended.
 */
export function judge(before: RanBefore, now: Container | undefined, live: boolean): Verdict {
  const { name, pid } = before;
  if (!live && !before.returns) return 'fine';
  // One that was started with --rm is gone once it has ended, by itself or not.
  if (!now)
    return before.returns ? { problem: `${name} is gone` } : { note: `${name} has ended, and is gone` };
  if (now.running && !now.restarting) {
    if (!live || now.pid === pid) return 'fine';
    return { problem: `${name} was interrupted: its process is another one now` };
  }
  if (before.returns) return 'not-yet';
  if (now.exitCode === 0) return { note: `${name} has ended, with status 0` };
  return { problem: `${name} has ended, with status ${now.exitCode}` };
}
