/** What Docker has in its image store: names, and the layers that need not be sent again. */
import { type EngineAnswer, parseEngineInfo } from '../engine/info.ts';
import { AirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import { describeTarget } from '../host/target.ts';
import type { EngineStore } from '../transports/docker-load.ts';
import { dockerScript } from './docker-cli.ts';
import { listScript, parseList } from './runtimes/templates.ts';

/** Bytes; an engine with ten thousand images says less. */
const MAX_ANSWER = 64 * 1024 * 1024;
const TIMEOUT_MS = 120_000;

/** As much of `docker info` as matters here: all of it is 8 kB. */
const INFO = '{"ServerVersion":{{json .ServerVersion}},"DriverStatus":{{json .DriverStatus}}}';

/** Ask an engine what it has: one round trip. Throws ENGINE_NOT_READY when none answers. */
export async function askStore(shell: Shell): Promise<EngineStore> {
  const script = dockerScript(`docker info --format '${INFO}' || exit
${listScript('docker')}`);
  const { stdout, stderr } = await shell.run(script, {
    root: true,
    check: false,
    title: 'ask the engine for its images',
    maxOutput: MAX_ANSWER,
    timeoutMs: TIMEOUT_MS,
  });
  const [first = '', ...lines] = stdout.split('\n');
  const info = parseEngineInfo(first);
  if (!info) throw noEngine(shell, stderr);
  return { ...storeOf(info), ...parseList(lines) };
}

/** What an engine has that was just asked of itself: nothing further is asked where it has no image at all. */
export function askStoreOf(
  shell: Shell,
  engine: EngineAnswer | undefined,
): Promise<EngineStore> | EngineStore {
  return engine?.images === 0 ? emptyStoreOf(engine) : askStore(shell);
}

/** That of an engine which has nothing. */
export function emptyStoreOf(engine: Pick<EngineAnswer, 'version' | 'containerdStore'>): EngineStore {
  return { ...storeOf(engine), chains: new Set(), names: new Map() };
}

function storeOf({
  version,
  containerdStore,
}: Pick<EngineAnswer, 'version' | 'containerdStore'>): Pick<EngineStore, 'kind' | 'major'> {
  const major = Number(/^\d+/.exec(version)?.[0] ?? 0);
  return { kind: containerdStore ? 'containerd' : 'classic', major };
}

function noEngine(shell: Shell, stderr: string): AirferryError {
  const said = stderr.trim().split('\n').at(-1);
  return new AirferryError(
    'ENGINE_NOT_READY',
    `no engine answers on ${describeTarget(shell.target)}${said ? `: ${said}` : ''}`,
    {
      where: { host: shell.target.name },
      suggestions: ['Start it (systemctl start docker), or install one: airferry host install.'],
    },
  );
}
