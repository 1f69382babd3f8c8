/** What a host uses already: engine, compose, platform, and the images of its containers. */
import { formatPlatform, parsePlatform } from '../content/platform.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { hostExec } from './host-exec.ts';
import type { HostsOptions } from './host-results.ts';

export interface HostUse {
  engine?: string;
  compose?: string;
  platform?: string;
  /** As Docker's user writes them. */
  images: string[];
  /** Whole sentences. */
  warnings: string[];
}

const TIMEOUT_MS = 60_000;
const MOST_IMAGES = 10_000;

/** Exit status where no engine answers. */
const SILENT = 66;

/** For sh: each answer on a line of its own, behind a word; what is not there says nothing. */
export const USE_SCRIPT = `docker version --format 'engine {{.Server.Version}}
platform {{.Server.Os}}/{{.Server.Arch}}' 2>/dev/null || { echo 'docker does not answer' >&2; exit ${SILENT}; }
v=$(docker compose version --short 2>/dev/null) || v=$(docker-compose version --short 2>/dev/null) && echo "compose $v"
docker ps -a --format 'image {{.Image}}'`;

/** Ask the one host of the fleet. Throws what reaching it throws, and ENGINE_NOT_READY where no engine answers. */
export async function useOfHost(options: HostsOptions): Promise<HostUse> {
  const { hosts } = await hostExec({
    ...options,
    ...{ what: USE_SCRIPT, root: true, collect: true, timeoutMs: TIMEOUT_MS },
  });
  const [host] = hosts;
  if (host?.status === SILENT) throw noEngine(host.name);
  if (host?.error) throw host.error;
  return parseUse(host?.stdout ?? '');
}

function noEngine(host: string): AirferryError {
  return new AirferryError(
    'ENGINE_NOT_READY',
    `no Docker answers on ${host}, so it does not tell what it uses`,
    {
      where: { host },
      suggestions: [
        'Start it there (systemctl start docker), or name another host.',
        'Without --from-host, init asks for what the bundle is to carry.',
      ],
    },
  );
}

/** What the host printed. Images that have lost their name are told of. */
export function parseUse(answer: string): HostUse {
  const images = new Set<string>();
  const nameless = new Set<string>();
  const use: HostUse = { images: [], warnings: [] };
  for (const line of answer.split('\n').slice(0, MOST_IMAGES)) {
    const [, what, text = ''] = /^(engine|platform|compose|image) (.+?)\s*$/.exec(line) ?? [];
    if (what === 'engine' || what === 'compose') {
      const version = /^v?(\d+\.\d+\.\d+(?:-ce)?)/.exec(text)?.[1];
      if (version !== undefined) use[what] = version;
    } else if (what === 'platform') {
      const platform = platformOf(text);
      if (platform !== undefined) use.platform = platform;
    } else if (what === 'image') {
      const name = nameOf(text);
      if (name === undefined) nameless.add(text);
      else images.add(name);
    }
  }
  use.images = [...images].sort();
  for (const id of [...nameless].sort())
    use.warnings.push(
      `A container runs ${id.slice(0, 80)}, an image without a name: tag it, or save it and name the archive.`,
    );
  return use;
}

function platformOf(text: string): string | undefined {
  try {
    return formatPlatform(parsePlatform(text));
  } catch (error) {
    if (isAirferryError(error)) return undefined;
    throw error;
  }
}

/** Undefined for an ID: the name of an image that has lost its tag. */
function nameOf(text: string): string | undefined {
  if (/^(?:sha256:)?[0-9a-f]{12,64}$/.test(text)) return undefined;
  try {
    return familiarName(parseReference(text));
  } catch (error) {
    if (isAirferryError(error)) return undefined;
    throw error;
  }
}
