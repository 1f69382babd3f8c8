/** The preflight: pure questions to what is known of a host. Each file beside this one answers for one subject. */
import type { Finding } from '../finding.ts';
import { checkAccess } from './access.ts';
import { checkAddresses } from './addresses.ts';
import { checkClock } from './clock.ts';
import { checkDocker } from './docker.ts';
import type { Check, CheckInput } from './input.ts';
import { checkKernel } from './kernel.ts';
import { checkKernelConfig } from './kernel-config.ts';
import { checkLimits } from './limits.ts';
import { checkModules } from './modules.ts';
import { checkNames } from './names.ts';
import { checkNetwork } from './network.ts';
import { checkPackages } from './packages.ts';
import { checkPlatform } from './platform.ts';
import { checkSecurity } from './security.ts';
import { checkSpace } from './space.ts';
import { checkSystemd } from './systemd.ts';
import { checkTools } from './tools.ts';
import { checkUpgrade } from './upgrade.ts';
import { checkWritable } from './writable.ts';

const CHECKS: readonly Check[] = [
  checkPlatform,
  checkAccess,
  checkSystemd,
  checkKernel,
  checkKernelConfig,
  checkModules,
  checkLimits,
  checkTools,
  checkSpace,
  checkWritable,
  checkDocker,
  checkPackages,
  checkUpgrade,
  checkNetwork,
  checkAddresses,
  checkNames,
  checkSecurity,
  checkClock,
];

/** All findings, in the order of the subjects. */
export function checkHost(input: CheckInput): Finding[] {
  return CHECKS.flatMap(check => check(input));
}
