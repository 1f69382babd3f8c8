/** `registry login`: a login is tried, and kept where Docker keeps its own. */
import { RegistryClient } from '../registry/client.ts';
import { type Kept, storeCredentials } from '../registry/credential-store.ts';
import { findCredentials } from '../registry/credentials.ts';

export interface RegistryLoginOptions {
  /** `host[:port]` */
  registry: string;
  username: string;
  password: string;
  plainHttp: boolean;
  caFile?: string;
  /** Docker's config file, instead of the user's. */
  configFile?: string;
  signal?: AbortSignal;
}

export interface RegistryLogin extends Kept {
  registry: string;
  username: string;
  /** False for a registry that lets in anybody: the login could not be tried. */
  checked: boolean;
}

/** Try a login, then keep it. Throws REGISTRY_UNAUTHORIZED and keeps nothing where the registry does not know it. */
export async function logIn(options: RegistryLoginOptions): Promise<RegistryLogin> {
  const { registry, username, password, plainHttp, caFile, configFile, signal } = options;
  const credentials = { kind: 'password', username, password } as const;
  const client = new RegistryClient({ registry, plainHttp, caFile, credentials, signal });
  try {
    const { wanted } = await client.checkLogin();
    const kept = await storeCredentials(registry, { username, password }, { configFile });
    return { registry, username, checked: wanted, ...kept };
  } finally {
    await client.close();
  }
}

/** The user of the login that is kept for a registry. */
export async function knownUser(registry: string): Promise<string | undefined> {
  const credentials = await findCredentials(registry);
  return credentials?.kind === 'password' ? credentials.username : undefined;
}
