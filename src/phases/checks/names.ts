/** Can names be looked up, by the host and by its containers; and has the host an identity of its own? */
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** The stub of systemd-resolved, behind which engines from 18.09 on find the real servers by themselves. */
const RESOLVED = '127.0.0.53';

export function checkNames(input: CheckInput): Finding[] {
  return [...checkMachineId(input), checkServers(input)];
}

function checkMachineId({ facts: { machineId } }: CheckInput): Finding[] {
  if (machineId !== '') return [];
  return [
    {
      id: 'machine-id',
      level: 'warn',
      title: '/etc/machine-id is empty or missing',
      why: 'The journal, DHCP and units tell machines apart by it.',
      fix: 'Run systemd-machine-id-setup on the host.',
    },
  ];
}

function checkServers({ facts: { dns } }: CheckInput): Finding {
  const { servers, upstream } = dns;
  if (servers.length === 0) {
    return {
      id: 'resolv-conf',
      level: 'info',
      title: '/etc/resolv.conf names no server',
      why: 'The engine then gives containers public servers (8.8.8.8), which an isolated site does not reach.',
      fix: 'Name a server there, or set dns in daemon.json; without any, names come from /etc/hosts alone.',
    };
  }
  const real = servers.filter(server => !/^(?:127\.|::1$)/.test(server));
  if (real.length > 0 || (upstream && servers.includes(RESOLVED)))
    return ok('resolv-conf', `names are looked up at ${servers.join(', ')}`);
  return {
    id: 'resolv-conf',
    level: 'warn',
    title: `/etc/resolv.conf names only ${servers.join(', ')}, a server on the host itself`,
    why: 'Containers cannot reach it; the engine gives them public servers (8.8.8.8) instead, and look-ups hang.',
    fix: 'Set dns in daemon.json to the servers of the site.',
  };
}
