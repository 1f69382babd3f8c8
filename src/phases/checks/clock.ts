/** Does the host's clock agree with the operator's? */
import { formatDuration } from '../../support/format.ts';
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** Milliseconds; half a round trip and the rounding of `date` are far below. */
const TOLERATED = 60_000;

export function checkClock({ facts: { clockSkewMs, timeSync } }: CheckInput): Finding[] {
  if (Math.abs(clockSkewMs) <= TOLERATED) {
    const agrees = ok('clock', 'the clock agrees with this machine’s');
    return timeSync.length > 0 ? [agrees] : [agrees, unkept()];
  }
  return [
    {
      id: 'clock',
      level: 'warn',
      title: `the clock is ${formatDuration(Math.abs(clockSkewMs))} ${clockSkewMs > 0 ? 'ahead of' : 'behind'} this machine’s`,
      why: 'Certificates of a registry look not yet valid, or expired, to a host whose clock is wrong.',
      fix: 'Set the time (timedatectl set-time, chrony, ntpd) on whichever of the two is wrong.',
    },
  ];
}

function unkept(): Finding {
  return {
    id: 'time-sync',
    level: 'info',
    title: 'nothing was found that keeps the clock right (chronyd, ntpd, systemd-timesyncd)',
    why: 'It agrees now, and will drift. A virtual machine may have its time from the hypervisor.',
    fix: 'Run one of them, with a time server of the site.',
  };
}
