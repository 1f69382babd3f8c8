/** SELinux, AppArmor and firewalls: left on, and told what to expect of them. */
import { atLeast } from '../../engine/version.ts';
import type { Finding } from '../finding.ts';
import { type CheckInput, ok } from './input.ts';

/** From here on a profile that cannot be loaded is an error of the engine. */
const PARSER_DEMANDED = '23.0';

export function checkSecurity(input: CheckInput): Finding[] {
  const { selinux, apparmor, firewalls } = input.facts;
  const findings: Finding[] = [];
  if (apparmor) findings.push(checkAppArmor(input));
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

/** Engines before 23.0 start containers without a profile where they cannot load it. */
function checkAppArmor({ facts: { tools }, wanted }: CheckInput): Finding {
  if (tools.includes('apparmor_parser')) return ok('apparmor', 'AppArmor is on');
  const engine = wanted?.engine?.version;
  const demanded = engine !== undefined && atLeast(engine, PARSER_DEMANDED);
  return {
    id: 'apparmor',
    level: demanded ? 'error' : 'warn',
    title: 'AppArmor is on, but apparmor_parser is missing',
    why: demanded
      ? `Engine ${engine} loads the profile of its containers with it, and starts none without.`
      : `Containers run without its confinement, and engines from ${PARSER_DEMANDED} on start none.`,
    fix: 'Install the package apparmor (apparmor-parser on SUSE), or boot with apparmor=0.',
  };
}
