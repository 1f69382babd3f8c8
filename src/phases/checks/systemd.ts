/** Is there a systemd that can run the engine and keep its containers alive? */
import { OLDEST_SYSTEMD } from '../../engine/units.ts';
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

export function checkSystemd({ facts: { systemd, init } }: CheckInput): Finding[] {
  if (systemd === undefined || init !== 'systemd') {
    return [
      {
        id: 'systemd',
        level: 'error',
        title: systemd === undefined ? 'no systemd' : `systemd is installed, but process 1 is ${init}`,
        why: 'airferry runs the engine as a unit of systemd.',
        fix: 'Boot the host with systemd, or leave it out.',
      },
    ];
  }
  if (systemd >= OLDEST_SYSTEMD) return [ok('systemd', `systemd ${systemd}`)];
  return [
    {
      id: 'systemd',
      level: 'error',
      title: `systemd ${systemd} is too old`,
      why: 'Without Delegate= it takes the cgroups of containers away whenever units are reloaded.',
      fix: `Update systemd to ${OLDEST_SYSTEMD} or newer; CentOS and RHEL have 219 since 7.2.`,
    },
  ];
}
