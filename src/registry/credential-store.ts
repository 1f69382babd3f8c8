/** Logins kept and forgotten as `docker login` and `docker logout` do it, so that both find what the other has stored. */
import { AirferryError } from '../errors.ts';
import { eraseWithHelper, helperProgram, storeWithHelper } from './credential-helper.ts';
import {
  dockerConfigFile,
  helperOf,
  keysOf,
  readDockerConfig,
  section,
  serverName,
  writeDockerConfig,
} from './docker-config.ts';

export interface StoreOptions {
  /** Docker's config file, instead of the user's. */
  configFile?: string;
  /** Milliseconds that a credential helper may take. */
  helperMs?: number;
}

/** Where a login is kept: the config file, and the program that keeps the secret in its place, if there is one. */
export interface Kept {
  file: string;
  helper?: string;
}

/**
 * Keep a login. With a helper (`credHelpers`, `credsStore`) the config only notes that there is one; else the password
 * stands in `auths`, in base64. Throws CREDENTIALS_INVALID, FILE_UNWRITABLE, DISK_FULL.
 */
export async function storeCredentials(
  registry: string,
  { username, password }: { username: string; password: string },
  { configFile, helperMs: ms }: StoreOptions = {},
): Promise<Kept> {
  if (username === '' || username.includes(':')) {
    throw new AirferryError(
      'CREDENTIALS_INVALID',
      `"${username}" cannot be a user name: it is empty, or has a colon`,
    );
  }
  const file = configFile ?? dockerConfigFile();
  const config = (await readDockerConfig(file)) ?? {};
  const helper = helperOf(config, registry);
  const server = serverName(registry);
  if (helper !== undefined)
    await storeWithHelper(helper, { server, username, secret: password }, { file, ms });
  const auth = Buffer.from(`${username}:${password}`).toString('base64');
  const auths = without(section(config, 'auths'), registry, server);
  await writeDockerConfig(file, {
    ...config,
    auths: { ...auths, [server]: helper === undefined ? { auth } : {} },
  });
  return { file, ...(helper === undefined ? {} : { helper: helperProgram(helper, file) }) };
}

/** Forget a login, under every name that Docker has for it. Gives back whether there was one in the file, and where. */
export async function eraseCredentials(
  registry: string,
  { configFile, helperMs: ms }: StoreOptions = {},
): Promise<Kept & { found: boolean }> {
  const file = configFile ?? dockerConfigFile();
  const config = await readDockerConfig(file);
  if (!config) return { file, found: false };
  const helper = helperOf(config, registry);
  let found = false;
  if (helper !== undefined) found = await eraseWithHelper(helper, serverName(registry), { file, ms });
  const auths = section(config, 'auths');
  if (keysOf(auths, registry).length > 0) {
    found = true;
    await writeDockerConfig(file, { ...config, auths: without(auths, registry) });
  }
  return { file, found, ...(helper === undefined ? {} : { helper: helperProgram(helper, file) }) };
}

/** The entries of other registries; that of this one stays in its place when it is going to be written again. */
function without(auths: Record<string, unknown>, registry: string, keep?: string): Record<string, unknown> {
  const gone = new Set(keysOf(auths, registry));
  return Object.fromEntries(Object.entries(auths).filter(([key]) => key === keep || !gone.has(key)));
}
