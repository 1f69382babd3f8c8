/** The preflight: pure questions to what is known of a host. Each file beside this one answers for one subject. */
import type { Finding } from '../finding.ts';
import { checkAccess } from './access.ts';
import { checkClock } from './clock.ts';
import { checkDocker } from './docker.ts';
import type { Check, CheckInput } from './input.ts';
import { checkKernel } from './kernel.ts';
import { checkNetwork } from './network.ts';
import { checkPlatform } from './platform.ts';
import { checkSecurity } from './security.ts';
import { checkSpace } from './space.ts';
import { checkSystemd } from './systemd.ts';
import { checkTools } from './tools.ts';

const CHECKS: readonly Check[] = [
  checkPlatform,
  checkAccess,
  checkSystemd,
  checkKernel,
  checkTools,
  checkSpace,
  checkDocker,
  checkNetwork,
  checkSecurity,
  checkClock,
];

/** All findings, in the order of the subjects. */
export function checkHost(input: CheckInput): Finding[] {
  return CHECKS.flatMap(check => check(input));
}
