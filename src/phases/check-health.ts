/**
 * The gate after every change: the engine is the one that was wanted and has taken its settings over, the containers that
 * ran still run, and a new one can be started. What passes it is no longer on trial; what does not, can go back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDaemonJson } from '../engine/daemon-json.ts';
import { settingsNotTaken } from '../engine/settings-taken.ts';
import { compareEngineVersions, parseEngineVersion } from '../engine/version.ts';
import { AirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import type { HostState, RanBefore, Trial } from '../host/state.ts';
import { describeTarget } from '../host/target.ts';
import { pruneBackups } from './backups.ts';
import { DAEMON_JSON } from './daemon-files.ts';
import { DOCKER_SOCKET, dockerScript, setTimeLimit } from './docker-cli.ts';
import { ASK_ENGINE, type EngineSaid, parseEngineSaid } from './engine-answer.ts';
import { engineLog } from './engine-log.ts';
import { keyedLines } from './keyed-lines.ts';
import type { BareContext, EngineContext, Phase, Reporter } from './phase.ts';
import { probeScript } from './probe-container.ts';
import { askContainers, judge } from './running-containers.ts';
import type { RunnableEngine } from './wanted.ts';

/** Milliseconds: containers that the engine starts by itself come one after another. */
const PATIENCE_MS = 60_000;
const AGAIN_MS = 1_000;
/** Seconds that the engine gets for an answer. */
const ANSWER_S = 20;
/** Milliseconds between two looks at the containers' restart counts. */
const STEADY_MS = 3_000;
/** Containers that an error names. */
const MOST_NAMED = 10;

/** `unasked`: after a way back that nobody asked for, containers that the failed change has cost are told, but no reason. */
export const checkHealth = (unasked = false): Phase<EngineContext> => ({
  name: 'check-health',
  plan(context) {
    const { engine } = context.wanted;
    const { trial } = context.state;
    if (!engine || !trial) return undefined;
    return {
      changes: [],
      async run(report) {
        const lost = await checkContainers(context, trial, report);
        if (unasked) for (const problem of lost) report.note(problem);
        const problems = [...(unasked ? [] : lost), ...(await checkEngine(context, engine, report))];
        if (problems.length > 0) throw await unhealthy(context, engine, problems);
        context.state = settled(context.state);
        await pruneBackups(context.shell, context.state);
      },
    };
  },
});

/** The state once a change has stood the test: what was left becomes the way back, if it was another release. */
export function settled({ trial, ...state }: HostState): HostState {
  const from = trial?.from;
  return from && from.release.path !== state.release?.path ? { ...state, previous: from } : state;
}

/** The engine is asked only while what it said when it came up is not all that was wanted: a reload takes a moment. */
async function checkEngine(
  context: BareContext,
  engine: RunnableEngine,
  report: Reporter,
): Promise<string[]> {
  const { shell } = context;
  const deadline = performance.now() + AGAIN_MS * 10;
  context.said ??= await askEngine(shell);
  for (;;) {
    const problems = engineProblems(context.said, engine);
    if (problems.length === 0) return probe(shell, engine, report);
    if (performance.now() >= deadline) return problems;
    await sleep(AGAIN_MS);
    context.said = await askEngine(shell);
  }
}

async function askEngine(shell: Shell): Promise<EngineSaid> {
  // An engine may have hung itself up since it came up.
  const script = dockerScript(`${ASK_ENGINE}
${setTimeLimit(ANSWER_S)}
ask_engine $t`);
  const options = { root: true, check: false, title: 'ask the engine', timeoutMs: 3 * PATIENCE_MS };
  return parseEngineSaid((await shell.run(script, options)).stdout);
}

function engineProblems({ info, engine: said, daemonJson }: EngineSaid, engine: RunnableEngine): string[] {
  if (!info || !said) return [`the engine does not answer on ${DOCKER_SOCKET}`];
  const { version } = said;
  if (!sameVersion(version, engine.version)) return [`engine ${version} answers, and not ${engine.version}`];
  if (daemonJson.trim() === '') return [];
  const keys = settingsNotTaken(parseDaemonJson(daemonJson, { file: DAEMON_JSON }).config, info);
  return keys.length === 0 ? [] : [`the engine has not taken over ${keys.join(', ')} of ${DAEMON_JSON}`];
}

async function probe(shell: Shell, engine: RunnableEngine, report: Reporter): Promise<string[]> {
  const { stdout } = await shell.run(dockerScript(probeScript(engine.release)), {
    root: true,
    check: false,
    title: 'run a container',
    timeoutMs: 3 * PATIENCE_MS,
  });
  const verdict = new Map(keyedLines(stdout)).get('probe') ?? 'failed: no answer';
  if (verdict.startsWith('skipped'))
    report.note(`no container was tried: ${verdict.replace('skipped: ', '')}`);
  return verdict.startsWith('failed')
    ? [`a container does not run: ${verdict.replace('failed: ', '').trim()}`]
    : [];
}

/** Until all are as they must be, or time is up. */
async function checkContainers({ shell }: BareContext, trial: Trial, report: Reporter): Promise<string[]> {
  const { containers, live } = trial;
  if (containers.length === 0) return [];
  const ids = containers.map(({ id }) => id);
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const now = new Map((await askContainers(shell, ids)).map(container => [container.id, container]));
    const verdicts = containers.map(before => ({ before, verdict: judge(before, now.get(before.id), live) }));
    const waiting = verdicts.filter(({ verdict }) => verdict === 'not-yet');
    const problems = verdicts.flatMap(({ verdict }) =>
      typeof verdict === 'object' && 'problem' in verdict ? verdict.problem : [],
    );
    if (problems.length > 0) return shortened(problems);
    if (waiting.length > 0 && performance.now() < deadline) {
      await sleep(AGAIN_MS);
      continue;
    }
    if (waiting.length > 0)
      return shortened(waiting.map(({ before }) => `${before.name} does not run any more`));
    for (const { verdict } of verdicts)
      if (typeof verdict === 'object' && 'note' in verdict) report.note(verdict.note);
    const before = containers.map(known => ({ ...known, restarts: now.get(known.id)?.restarts ?? 0 }));
    return shortened(
      await growing(
        shell,
        before.filter(known => now.get(known.id)?.running),
      ),
    );
  }
}

/** Those that ended and were started again between two looks. */
async function growing(shell: Shell, before: readonly RanBefore[]): Promise<string[]> {
  if (before.length === 0) return [];
  await sleep(STEADY_MS);
  const after = new Map(
    (
      await askContainers(
        shell,
        before.map(({ id }) => id),
      )
    ).map(now => [now.id, now]),
  );
  return before.flatMap(({ id, name, restarts, returns }) => {
    const now = after.get(id);
    return returns && now && now.restarts > restarts
      ? [`${name} ends and is started again, over and over`]
      : [];
  });
}

function shortened(problems: readonly string[]): string[] {
  const more = problems.length - MOST_NAMED;
  return more > 0 ? [...problems.slice(0, MOST_NAMED), `and ${more} more`] : [...problems];
}

async function unhealthy(
  { shell }: BareContext,
  { version }: RunnableEngine,
  problems: readonly string[],
): Promise<AirferryError> {
  const log = await engineLog(shell, ['docker.service']);
  return new AirferryError(
    'HEALTH_CHECK_FAILED',
    `engine ${version} runs on ${describeTarget(shell.target)}, but not all is well: ${problems.join('; ')}` +
      (log === '' ? '' : `\nThe end of its log:\n${log}`),
    {
      where: { host: shell.target.name },
      suggestions: ['Look at all of its log on the host: journalctl -u docker -u containerd'],
    },
  );
}

function sameVersion(a: string, b: string): boolean {
  try {
    return compareEngineVersions(parseEngineVersion(a), parseEngineVersion(b)) === 0;
  } catch {
    return a === b;
  }
}
