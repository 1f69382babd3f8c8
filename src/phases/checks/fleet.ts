/** What only shows when hosts are seen together: names and identities that must differ. */
import type { GatheredFacts } from '../../host/facts.ts';
import type { Finding } from '../finding.ts';

export interface SeenHost {
  name: string;
  facts: Pick<GatheredFacts, 'hostname' | 'machineId'>;
}

/** What `checkFleet` calls its findings. */
const IDS = ['hostname-unique', 'machine-id-unique'];

/** Give each host what shows once all have been seen, in the place of what showed of it so far. */
export function tellTwins(
  hosts: readonly { name: string; findings: Finding[] }[],
  seen: readonly SeenHost[],
): void {
  const together = checkFleet(seen);
  for (const { name, findings } of hosts) {
    const own = findings.filter(({ id }) => !IDS.includes(id));
    findings.splice(0, findings.length, ...own, ...(together.get(name) ?? []));
  }
}

/** Findings by the name of the host. */
export function checkFleet(hosts: readonly SeenHost[]): Map<string, Finding[]> {
  const findings = new Map<string, Finding[]>();
  const add = (name: string, finding: Finding): void => {
    findings.set(name, [...(findings.get(name) ?? []), finding]);
  };
  for (const group of same(hosts, ({ hostname }) => hostname)) {
    for (const { name, facts } of group) {
      add(name, {
        id: 'hostname-unique',
        level: 'warn',
        title: `the host name ${facts.hostname} is also that of ${others(group, name)}`,
        why: 'Logs, metrics and Swarm tell hosts apart by it.',
        fix: 'Give each host a name of its own: hostnamectl set-hostname NAME.',
      });
    }
  }
  for (const group of same(hosts, ({ machineId }) => machineId)) {
    for (const { name } of group) {
      add(name, {
        id: 'machine-id-unique',
        level: 'warn',
        title: `/etc/machine-id is also that of ${others(group, name)}`,
        why: 'The hosts are clones of one image: DHCP may give them one address, and journals cannot be told apart.',
        fix: 'On all but one: rm -f /etc/machine-id /var/lib/dbus/machine-id; systemd-machine-id-setup; then reboot.',
      });
    }
  }
  return findings;
}

/** Groups of two and more hosts that share a value which is not empty. */
function same(hosts: readonly SeenHost[], value: (facts: SeenHost['facts']) => string): SeenHost[][] {
  const groups = Map.groupBy(hosts, ({ facts }) => value(facts));
  groups.delete('');
  return [...groups.values()].filter(group => group.length > 1);
}

function others(group: readonly SeenHost[], name: string): string {
  const rest = group.filter(host => host.name !== name).map(host => host.name);
  return rest.length > 3 ? `${rest.slice(0, 3).join(', ')} and ${rest.length - 3} more` : rest.join(', ');
}
