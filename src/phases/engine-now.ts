/**
 * What a host's engine says of itself and of its images: asked at its socket through SSH, and where that is not to be had,
 * by docker's command line, whose start is dearer to a host than its answer.
 */
import type { Duplex } from 'node:stream';
import { familiarName } from '../content/reference.ts';
import { EngineHttp, textOf } from '../engine/api/http.ts';
import { parseImageList } from '../engine/api/images.ts';
import { type EngineAnswer, parseEngineInfo } from '../engine/info.ts';
import { isAirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import { jsonIn } from '../support/json.ts';
import { DOCKER_ENVIRONMENT, DOCKER_SOCKET, setTimeLimit } from './docker-cli.ts';
import { keyedLines } from './keyed-lines.ts';

export interface EngineNow {
  /** Undefined where no engine answers. */
  engine: EngineAnswer | undefined;
  /** Familiar name to image ID, of all named images of the engine. */
  images: ReadonlyMap<string, string>;
}

const NO_ENGINE: EngineNow = { engine: undefined, images: new Map() };
/** Milliseconds that an engine gets for an answer. */
const PATIENCE_MS = 20_000;
/** Bytes of an answer; an engine with ten thousand named images stays below. */
const MAX_ANSWER = 16 * 1024 * 1024;
/** Milliseconds for both questions to the command line, and for its start. */
const TIMEOUT_MS = 60_000;

/** Ask it. Changes nothing. Throws what a connection throws. */
export async function askEngineNow(shell: Shell): Promise<EngineNow> {
  const patience = AbortSignal.timeout(PATIENCE_MS);
  try {
    const now = await askAt(() => shell.connection.openSocket(DOCKER_SOCKET), patience);
    if (now) return now;
  } catch (error) {
    // It took the question and is silent: a second one would wait as long.
    if (patience.aborted) return NO_ENGINE;
    if (!isAirferryError(error)) throw error;
  }
  return askByCommand(shell);
}

/**
 * Ask whoever listens where `dial` leads. Undefined when that is no Docker: podman has a socket of the same name, which
 * speaks nearly the same. Throws what dialling throws, ENGINE_NOT_READY, ENGINE_FAILED, and the reason of `signal`.
 */
export async function askAt(
  dial: () => Promise<Duplex>,
  signal: AbortSignal,
): Promise<EngineNow | undefined> {
  const http = new EngineHttp({ description: DOCKER_SOCKET, dial });
  const get = async (path: string): Promise<string | undefined> => {
    const answer = await http.send({ method: 'GET', path, patienceMs: PATIENCE_MS, signal });
    const text = await textOf(answer, MAX_ANSWER);
    const docker = /^Docker\//.test(String(answer.headers.server));
    return docker && answer.status === 200 ? text : undefined;
  };
  try {
    const engine = parseEngineInfo((await get('/info')) ?? '');
    const listed = engine && (await get('/images/json'));
    const images = listed === undefined ? undefined : parseImageList(jsonIn(listed));
    if (!engine || !images) return undefined;
    const named = images.flatMap(({ id, names }) =>
      names.map((name): [string, string] => [familiarName(name), id]),
    );
    return { engine, images: new Map(named) };
  } finally {
    http.close();
  }
}

const SCRIPT = `[ -S ${DOCKER_SOCKET} ] && command -v docker >/dev/null 2>&1 || exit 0
${setTimeLimit(PATIENCE_MS / 1000)}
${DOCKER_ENVIRONMENT}
i=$($t docker info --format '{{json .}}' 2>/dev/null) || exit 0
printf 'info=%s\\n' "$i"
$t docker image ls --no-trunc --format 'image={{.ID}} {{.Repository}}:{{.Tag}}' 2>/dev/null || exit 0`;

async function askByCommand(shell: Shell): Promise<EngineNow> {
  const { stdout } = await shell.run(SCRIPT, {
    root: true,
    title: 'ask the engine',
    maxOutput: MAX_ANSWER,
    timeoutMs: TIMEOUT_MS,
  });
  return parseEngineNow(stdout);
}

/** What the command line printed. */
export function parseEngineNow(stdout: string): EngineNow {
  let engine: EngineAnswer | undefined;
  const images = new Map<string, string>();
  for (const [key, value] of keyedLines(stdout)) {
    if (key === 'info') engine = parseEngineInfo(value);
    else if (key === 'image') addImage(images, value);
  }
  return { engine, images };
}

function addImage(images: Map<string, string>, value: string): void {
  const [, id, name] = /^(sha256:[0-9a-f]{64}) (\S+)$/.exec(value) ?? [];
  if (id !== undefined && name !== undefined && !name.includes('<none>')) images.set(name, id);
}
