/** SELinux, AppArmor and firewalls: left on, and told what to expect of them. */
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

export function checkSecurity({ facts: { selinux, apparmor, tools, firewalls } }: CheckInput): Finding[] {
  const findings: Finding[] = [];
  if (apparmor && !tools.includes('apparmor_parser')) {
    findings.push({
      id: 'apparmor',
      level: 'error',
      title: 'AppArmor is on, but apparmor_parser is missing',
      why: 'The engine loads the profile of its containers with it, and starts none without.',
      fix: 'Install the package apparmor (apparmor-parser on SUSE), or boot with apparmor=0.',
    });
  } else if (apparmor) findings.push(ok('apparmor', 'AppArmor is on'));
  if (selinux === 'enforcing') {
    findings.push({
      id: 'selinux',
      level: 'info',
      title: 'SELinux is enforcing',
      why: 'It may stay on. Containers are confined by it only with the package container-selinux and "selinux-enabled": true.',
      fix: 'If a bind mount is denied, mount it with :z or :Z; look for denials with ausearch -m avc.',
    });
  } else findings.push(ok('selinux', `SELinux is ${selinux}`));
  for (const firewall of firewalls) {
    findings.push({
      id: firewall,
      level: 'warn',
      title: `${firewall} is active`,
      why:
        firewall === 'firewalld'
          ? 'A reload of it drops the rules of Docker, and with them the network of containers, until the engine is restarted.'
          : 'Published ports of containers bypass its rules.',
      fix:
        firewall === 'firewalld'
          ? 'Keep it, and run `systemctl restart docker` after each `firewall-cmd --reload`; or stop it: systemctl disable --now firewalld.'
          : 'Publish ports on 127.0.0.1 where they must not be reached, or restrict them in the chain DOCKER-USER.',
    });
  }
  return findings;
}
