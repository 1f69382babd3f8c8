/**
 * Which engine is meant when none is named: found as Docker's own client finds it, in `DOCKER_HOST`, then in the context
 * of `DOCKER_CONTEXT` or of config.json, else at the socket of this machine. Files come through the caller's eyes.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { AirferryError } from '../../errors.ts';
import { isObject } from '../../support/is-object.ts';
import { type EngineAddress, type EngineTls, parseEngineAddress, SYSTEM_SOCKET } from './address.ts';

/** What finding an engine depends on. */
export interface Surroundings {
  environment: Readonly<Record<string, string | undefined>>;
  home: string;
  /** The text of a file; undefined where there is none. */
  read(path: string): string | undefined;
  /** Whether there is anything at a path: a socket, a folder. */
  exists(path: string): boolean;
}

export interface FoundEngine {
  address: EngineAddress;
  /** What said so, for messages: `DOCKER_HOST`, `the context "plant"`. */
  origin: string;
}

/** Find the engine that `docker` would talk to. Throws USAGE for a bad address and for a context that is not there. */
export function findEngine(surroundings: Surroundings): FoundEngine {
  const { environment, exists } = surroundings;
  const { DOCKER_HOST: host, XDG_RUNTIME_DIR: runtime } = environment;
  if (host) {
    const tls = environmentTls(surroundings);
    return { address: parseEngineAddress(host.trim(), tls), origin: 'DOCKER_HOST' };
  }
  const context = environment.DOCKER_CONTEXT || currentContext(surroundings);
  if (context && context !== 'default') return fromContext(context, surroundings);
  const rootless = runtime ? join(runtime, 'docker.sock') : undefined;
  const path = rootless && !exists(SYSTEM_SOCKET) && exists(rootless) ? rootless : SYSTEM_SOCKET;
  return { address: { kind: 'unix', path }, origin: 'the socket of this machine' };
}

/** What `DOCKER_TLS_VERIFY`, `DOCKER_TLS` and `DOCKER_CERT_PATH` say for tcp:// addresses; undefined for no TLS. */
export function environmentTls(surroundings: Surroundings): EngineTls | undefined {
  const { DOCKER_TLS_VERIFY: verify, DOCKER_TLS: use, DOCKER_CERT_PATH: folder } = surroundings.environment;
  if (!verify && !use) return undefined;
  return { folder: folder || configFolder(surroundings), verify: Boolean(verify) };
}

function configFolder({ environment, home }: Surroundings): string {
  return environment.DOCKER_CONFIG || join(home, '.docker');
}

function currentContext(surroundings: Surroundings): string | undefined {
  const path = join(configFolder(surroundings), 'config.json');
  const name = readObject(path, surroundings)?.currentContext;
  return typeof name === 'string' ? name : undefined;
}

/** A context lies under the hash of its name. docker/cli, cli/context/store. */
function fromContext(name: string, surroundings: Surroundings): FoundEngine {
  const contexts = join(configFolder(surroundings), 'contexts');
  const id = createHash('sha256').update(name).digest('hex');
  const path = join(contexts, 'meta', id, 'meta.json');
  const meta = readObject(path, surroundings);
  const endpoints = isObject(meta?.Endpoints) ? meta.Endpoints : {};
  const endpoint = isObject(endpoints.docker) ? endpoints.docker : undefined;
  if (typeof endpoint?.Host !== 'string' || endpoint.Host === '') {
    const found = meta ? 'names no engine' : 'is not there';
    throw new AirferryError('USAGE', `the Docker context "${name.slice(0, 80)}" ${found}`, {
      where: { file: path },
      suggestions: ['`docker context ls` shows which there are; DOCKER_CONTEXT=default means this machine.'],
    });
  }
  const folder = join(contexts, 'tls', id, 'docker');
  const verify = endpoint.SkipTLSVerify !== true;
  const tls = surroundings.exists(folder) || !verify ? { folder, verify } : undefined;
  return { address: parseEngineAddress(endpoint.Host, tls), origin: `the context "${name}"` };
}

function readObject(path: string, { read }: Surroundings): Record<string, unknown> | undefined {
  const text = read(path);
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AirferryError('FILE_UNREADABLE', `${path} is no JSON`, {
      where: { file: path },
      suggestions: ['Mend it, or name the engine by DOCKER_HOST.'],
      cause,
    });
  }
  return isObject(json) ? json : undefined;
}
