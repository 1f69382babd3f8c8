/** iptables, forwarding, ports, and the registry's name. */

import { operatorsAddress, registryHost } from '../etc-hosts.ts';
import type { Finding } from '../finding.ts';
import { daemonConfig } from './addresses.ts';
import { type CheckInput, ok } from './input.ts';

const API_PORTS = [2375, 2376];

export function checkNetwork(input: CheckInput): Finding[] {
  return [
    checkIptables(input),
    checkForwarding(input),
    ...checkPorts(input),
    ...checkTaken(input),
    ...checkRegistryName(input),
  ];
}

function checkIptables({ facts: { iptables } }: CheckInput): Finding {
  const why = 'The engine sets up the network of containers with it, and does not start without.';
  if (iptables === undefined) {
    return {
      id: 'iptables',
      level: 'error',
      title: 'iptables is missing',
      why,
      fix: 'Install the package iptables (iptables-nft on RHEL 9 and newer).',
    };
  }
  const [major = 0, minor = 0] = iptables.version.split('.').map(Number);
  if (major > 1 || minor >= 4) return ok('iptables', `iptables ${iptables.version} (${iptables.backend})`);
  return {
    id: 'iptables',
    level: 'error',
    title: `iptables ${iptables.version} is too old`,
    why: 'Engines need 1.4 at least.',
    fix: 'Update the package iptables.',
  };
}

function checkForwarding({ facts: { ipForward }, wanted }: CheckInput): Finding {
  if (ipForward) return ok('ip-forward', 'IP forwarding is on');
  return {
    id: 'ip-forward',
    level: 'info',
    title: 'IP forwarding is off',
    why: 'Containers reach the network through the host.',
    fix: wanted?.engine
      ? 'The install enables it, and uninstall sets it back.'
      : 'sysctl -w net.ipv4.ip_forward=1',
    fixable: true,
  };
}

function checkPorts(input: CheckInput): Finding[] {
  const { listening } = input.facts;
  const wanted = takenPorts(input);
  return API_PORTS.filter(port => !wanted.includes(port)).flatMap(port => {
    const listener = listening.find(entry => entry.port === port);
    if (!listener) return [];
    return [
      {
        id: `port-${port}`,
        level: 'warn' as const,
        title: `something listens on port ${port}${listener.loopback ? ', for this host alone' : ''}`,
        why:
          port === 2375 && !listener.loopback
            ? 'It is the port of an engine without TLS: whoever reaches it is root on this host.'
            : 'It is a port of the engine’s API: another engine may be running, or one that was meant to be remote.',
        fix: `See what it is (ss -ltnp sport = :${port}), and close it if it need not be open.`,
      },
    ];
  });
}

/** Ports on which the engine is to listen, and something else does already. An engine that runs may be who does. */
function checkTaken(input: CheckInput): Finding[] {
  return takenPorts(input).map(port => ({
    id: `port-${port}`,
    level: 'error' as const,
    title: `something listens on port ${port} already, on which daemon.json lets the engine listen`,
    why: 'The engine would not start: "bind: address already in use".',
    fix: `See what it is (ss -ltnp sport = :${port}), and end it, or take another port in daemon.json.`,
  }));
}

function takenPorts(input: CheckInput): number[] {
  const { listening, processes } = input.facts;
  if (processes.dockerd > 0) return [];
  const { hosts, 'metrics-addr': metrics } = daemonConfig(input);
  const addresses = [...(Array.isArray(hosts) ? (hosts as unknown[]) : []), metrics].flatMap(address =>
    typeof address === 'string' && !/^(?:unix|fd|npipe):/.test(address) ? address : [],
  );
  const ports = addresses.map(address => Number(/:(\d{1,5})\/?$/.exec(address)?.[1]));
  return [...new Set(ports)].filter(port => listening.some(entry => entry.port === port));
}

function checkRegistryName({ facts: { etcHosts }, registry }: CheckInput): Finding[] {
  if (registry?.ip === undefined) return [];
  const name = registryHost(registry.address);
  const theirs = operatorsAddress(etcHosts, name);
  if (theirs === undefined || theirs === registry.ip) return [];
  return [
    {
      id: 'registry-name',
      level: 'error',
      title: `/etc/hosts sends ${name} to ${theirs}, the fleet says ${registry.ip}`,
      why: 'The first line counts, and it is not one of airferry’s, so it is not changed.',
      fix: `Correct it in /etc/hosts on the host, or registry.ip in the fleet file.`,
    },
  ];
}
