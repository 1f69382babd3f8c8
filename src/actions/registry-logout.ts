/** `registry logout`: a login is forgotten, wherever Docker keeps it. */
import { eraseCredentials, type Kept } from '../registry/credential-store.ts';

export interface RegistryLogoutOptions {
  /** `host[:port]` */
  registry: string;
  /** Docker's config file, instead of the user's. */
  configFile?: string;
}

export interface RegistryLogout extends Kept {
  registry: string;
  /** Whether there was a login to forget. */
  found: boolean;
}

/** Forget a login; one that is not there is no error. Throws CREDENTIALS_INVALID, FILE_UNWRITABLE. */
export async function logOut({ registry, configFile }: RegistryLogoutOptions): Promise<RegistryLogout> {
  return { registry, ...(await eraseCredentials(registry, { configFile })) };
}
