/** Who we are to a registry, as `docker login` has stored it. */
import { AirferryError } from '../errors.ts';
import { isObject } from '../support/is-object.ts';
import { askHelper } from './credential-helper.ts';
import {
  dockerConfigFile,
  helperOf,
  keysOf,
  readDockerConfig,
  section,
  serverName,
} from './docker-config.ts';
import type { Credentials } from './login.ts';

export interface CredentialsOptions {
  /** The config file; `$DOCKER_CONFIG/config.json` or `~/.docker/config.json` when absent. */
  configFile?: string;
  /** Milliseconds that a credential helper may take. */
  helperMs?: number;
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
  const config = await readDockerConfig(file);
  if (!config) return undefined;
  const helper = helperOf(config, registry);
  if (helper !== undefined) {
    const found = await askHelper(helper, serverName(registry), { file, ms: options.helperMs });
    if (found) return found;
  }
  const auths = section(config, 'auths');
  const [key] = keysOf(auths, registry);
  return key === undefined ? undefined : fromEntry(auths[key], file, registry);
}

function fromEntry(json: unknown, file: string, registry: string): Credentials | undefined {
  const entry = isObject(json) ? json : {};
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
          suggestions: [`Log in again: airferry registry login ${registry}`],
        },
      );
    }
    return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
  }
  if (!text('username')) return undefined;
  return { kind: 'password', username: text('username'), password: text('password') };
}
