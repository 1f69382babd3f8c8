/** Which phase a recorded file comes from, told by its path. */
import { INSTALL_ROOT } from '../engine/release.ts';
import { UNIT_PATHS } from '../engine/units.ts';
import type { InstalledFile } from '../host/state.ts';
import { DAEMON_JSON, OWN_DAEMON_JSON } from './daemon-files.ts';
import { SYSCTL_FILE } from './enable-ip-forward.ts';
import { MODULES_FILE } from './load-modules.ts';

/** What `caPath` gives for any registry: a host keeps the CA of one that the fleet had before. */
const REGISTRY_CA = /^\/etc\/docker\/certs\.d\/[^/]+\/ca\.crt$/;

/** Whether it is one of the recipe's `files:`, and no part of the engine's installation. */
export function isRecipeFile({ path, kind }: InstalledFile): boolean {
  if (kind !== 'file') return false;
  if ([DAEMON_JSON, OWN_DAEMON_JSON, SYSCTL_FILE, MODULES_FILE, ...UNIT_PATHS].includes(path)) return false;
  return !path.startsWith(`${INSTALL_ROOT}/`) && !isRegistryCa(path);
}

/** Whether it is where Docker looks for the CA of some registry. */
export function isRegistryCa(path: string): boolean {
  return REGISTRY_CA.test(path);
}
