/** Who we are to a registry: Docker's `config.json`, as `docker login` writes it. */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { AirferryError, systemCode } from '../errors.ts';
import { askHelper } from './credential-helper.ts';
import type { Credentials } from './login.ts';

export interface CredentialsOptions {
  /** The config file; `$DOCKER_CONFIG/config.json` or `~/.docker/config.json` when absent. */
  configFile?: string;
  /** Milliseconds that a credential helper may take. */
  helperMs?: number;
}

const CONFIG_LIMIT = 4 * 1024 * 1024;
/** The key under which Docker keeps the login to Docker Hub, and what else it goes by. */
const HUB = 'https://index.docker.io/v1/';
const HUB_NAMES = ['docker.io', 'index.docker.io', 'registry-1.docker.io'];

/** The file that credentials are read from. */
export function dockerConfigFile(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.DOCKER_CONFIG || join(homedir(), '.docker'), 'config.json');
}

/**
 * The credentials for a registry (`host[:port]`), or undefined when none are stored: its helper (`credHelpers`), the
 * common one (`credsStore`), then `auths`. Throws CREDENTIALS_INVALID, naming the file.
 */
export async function findCredentials(
  registry: string,
  options: CredentialsOptions = {},
): Promise<Credentials | undefined> {
  const file = options.configFile ?? dockerConfigFile();
  const config = await readConfig(file);
  if (!config) return undefined;
  const helpers = record(config.credHelpers);
  const hub = HUB_NAMES.includes(registry);
  const named = [...(hub ? [HUB, ...HUB_NAMES] : [registry])].map(key => helpers[key]);
  const helper = named.find(name => name !== undefined) ?? config.credsStore;
  if (helper !== undefined && helper !== '') {
    const found = await askHelper(helper, hub ? HUB : registry, { file, ms: options.helperMs });
    if (found) return found;
  }
  const entry = findEntry(record(config.auths), registry, hub);
  return entry === undefined ? undefined : fromEntry(entry, file, registry);
}

/** Docker writes keys as hosts and as URLs; the exact host comes first. */
function findEntry(auths: Record<string, unknown>, registry: string, hub: boolean): unknown {
  if (hub) return auths[HUB] ?? HUB_NAMES.map(name => auths[name]).find(entry => entry !== undefined);
  if (auths[registry] !== undefined) return auths[registry];
  return Object.entries(auths).find(
    ([key]) => key.replace(/^https?:\/\//, '').split('/')[0] === registry,
  )?.[1];
}

function fromEntry(json: unknown, file: string, registry: string): Credentials | undefined {
  const entry = record(json);
  const text = (name: string): string => (typeof entry[name] === 'string' ? entry[name] : '');
  if (text('identitytoken')) return { kind: 'identity', token: text('identitytoken') };
  if (text('registrytoken')) return { kind: 'bearer', token: text('registrytoken') };
  if (text('auth')) {
    // Docker pads with NULs what older versions wrote.
    const decoded = Buffer.from(text('auth'), 'base64').toString('utf8').replace(/\0+$/, '');
    const colon = decoded.indexOf(':');
    if (colon < 1) {
      throw new AirferryError(
        'CREDENTIALS_INVALID',
        `the login for ${registry} is not readable: "auth" is damaged`,
        {
          where: { file },
          suggestions: [`Log in again: docker login ${registry}`],
        },
      );
    }
    return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  if (!text('username')) return undefined;
  return { kind: 'password', username: text('username'), password: text('password') };
}

async function readConfig(file: string): Promise<Record<string, unknown> | undefined> {
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
    if (typeof json === 'object' && json !== null && !Array.isArray(json))
      return json as Record<string, unknown>;
  } catch {
    // The parser's message may quote the file, which holds secrets: ours does not.
  }
  throw invalid(file, 'is not a JSON object');
}

function invalid(file: string, what: string): AirferryError {
  return new AirferryError('CREDENTIALS_INVALID', `Docker's config ${file} ${what}`, {
    where: { file },
    suggestions: ['Mend the file, or name another folder with DOCKER_CONFIG.'],
  });
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}
