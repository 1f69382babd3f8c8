/** Docker's `config.json`: read as it is, written so that nothing of it is lost. */
import { readFile, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { AirferryError, systemCode } from '../errors.ts';
import { makeFolders } from '../support/folders.ts';
import { isObject } from '../support/is-object.ts';
import { writeWhole } from '../support/write-file.ts';

export type DockerConfig = Record<string, unknown>;

const CONFIG_LIMIT = 4 * 1024 * 1024;
/** The key under which Docker keeps the login to Docker Hub, and what else it goes by. */
const HUB = 'https://index.docker.io/v1/';
const HUB_NAMES = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** The file that credentials are read from. */
export function dockerConfigFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
}

/** What Docker calls a registry in `auths` and to its helpers. */
export function serverName(registry: string): string {
  return HUB_NAMES.includes(registry) ? HUB : registry;
}

/** The keys of a map in the config that are about a registry, the one that Docker writes first. */
export function keysOf(map: Record<string, unknown>, registry: string): string[] {
  if (HUB_NAMES.includes(registry)) return [HUB, ...HUB_NAMES].filter(key => map[key] !== undefined);
  const exact = map[registry] === undefined ? [] : [registry];
  // Docker has written keys as URLs, too.
  const urls = Object.keys(map).filter(
    key => key !== registry && key.replace(/^https?:\/\//, '').split('/')[0] === registry,
  );
  return [...exact, ...urls];
}

/** The helper that keeps the login to a registry: its own, else the common one. */
export function helperOf(config: DockerConfig, registry: string): unknown {
  const helpers = section(config, 'credHelpers');
  const names = HUB_NAMES.includes(registry) ? [HUB, ...HUB_NAMES] : [registry];
  const helper = names.map(name => helpers[name]).find(name => name !== undefined) ?? config.credsStore;
  return helper === '' ? undefined : helper;
}

/** An object within the config; an empty one where there is none. */
export function section(config: DockerConfig, name: string): Record<string, unknown> {
  const value = config[name];
  return isObject(value) ? value : {};
}

/** Undefined where there is no file. Throws CREDENTIALS_INVALID for one that cannot be read. */
export async function readDockerConfig(file: string): Promise<DockerConfig | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT' || systemCode(cause) === 'ENOTDIR') return undefined;
    throw invalid(file, `cannot be read (${systemCode(cause) ?? 'unknown reason'})`);
  }
  if (text.length > CONFIG_LIMIT) throw invalid(file, 'is too large for a config of Docker');
  try {
    const json: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    if (isObject(json)) return json;
  } catch {
    // The parser's message may quote the file, which holds secrets: ours does not.
  }
  throw invalid(file, 'is not a JSON object');
}

/** Write the config whole or not at all, for its user's eyes only, through a link to it. Throws FILE_UNWRITABLE, DISK_FULL. */
export async function writeDockerConfig(file: string, config: DockerConfig): Promise<void> {
  const target = await realpath(file).catch(() => file);
  await makeFolders(dirname(target), 0o700).catch(() => {});
  await writeWhole(target, `${JSON.stringify(config, undefined, '\t')}\n`, 0o600);
}

function invalid(file: string, what: string): AirferryError {
  return new AirferryError('CREDENTIALS_INVALID', `Docker's config ${file} ${what}`, {
    where: { file },
    suggestions: ['Mend the file, or name another folder with DOCKER_CONFIG.'],
  });
}
