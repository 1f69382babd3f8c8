/** What an engine has in its image store: names, and the layers that need not be sent again. */
import { type Digest, isDigest } from '../content/digest.ts';
import { chainIds } from '../content/manifest.ts';
import { AirferryError } from '../errors.ts';
import type { Shell } from '../host/shell.ts';
import { describeTarget } from '../host/target.ts';
import type { EngineStore } from '../transports/docker-load.ts';
import { dockerScript } from './docker-cli.ts';
import { type EngineAnswer, parseEngineInfo } from './engine-answer.ts';

/** Bytes; an engine with ten thousand images says less. */
const MAX_ANSWER = 64 * 1024 * 1024;
const TIMEOUT_MS = 120_000;

/** Ask an engine what it has: one round trip. Throws ENGINE_NOT_READY when none answers. */
export async function askStore(shell: Shell): Promise<EngineStore> {
  const script = dockerScript(`docker info --format '{{json .}}' || exit
docker image ls --no-trunc --format 'name={{.ID}} {{.Repository}}:{{.Tag}}'
docker image ls -aq --no-trunc | sort -u | xargs -r docker image inspect --format 'layers={{json .RootFS.Layers}}'`);
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
  return parseStore(info, lines);
}

/** What the engine printed about its images. */
function parseStore(info: EngineAnswer, lines: readonly string[]): EngineStore {
  const chains = new Set<Digest>();
  const names = new Map<string, string>();
  for (const line of lines) {
    const [, id, name] = /^name=(sha256:[0-9a-f]{64}) (\S+)$/.exec(line) ?? [];
    if (id !== undefined && name !== undefined && !name.includes('<none>')) names.set(name, id);
    if (line.startsWith('layers=')) for (const chain of chainIds(digests(line.slice(7)))) chains.add(chain);
  }
  const major = Number(/^\d+/.exec(info.version)?.[0] ?? 0);
  return { kind: info.containerdStore ? 'containerd' : 'classic', major, chains, names };
}

function digests(text: string): Digest[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every(isDigest) ? list : [];
  } catch {
    return [];
  }
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
