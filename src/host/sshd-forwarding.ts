/** Why a host's sshd does not let a port be forwarded: read from its own settings, as root. sshd_config(5), sshd(8). */
import { quote } from './quote.ts';
import type { Shell } from './shell.ts';

const TIMEOUT_MS = 20_000;

/** One reason, and what would change it. */
export interface ForwardingRefusal {
  reason: string;
  fix: string;
}

/**
 * What in the host's settings forbids reverse forwarding for this user. Where they do not tell, it says what usually
 * does. Throws only when the connection fails.
 */
export async function whyNotForwarded(shell: Shell): Promise<ForwardingRefusal> {
  const { user } = shell.target;
  const from = await shell.run('echo "$SSH_CONNECTION"', { check: false, timeoutMs: TIMEOUT_MS });
  const address = from.stdout.trim().split(' ')[0] || '127.0.0.1';
  const match = quote(`user=${user},host=${address},addr=${address}`);
  const asked = await shell.run(
    `sshd -T -C ${match} 2>/dev/null | grep -E '^(disableforwarding|allowtcpforwarding|permitlisten) '`,
    { root: true, check: false, timeoutMs: TIMEOUT_MS },
  );
  return explainSettings(asked.stdout, user);
}

/** Out of the lines of `sshd -T`. */
export function explainSettings(settings: string, user: string): ForwardingRefusal {
  const values = new Map(
    settings
      .split('\n')
      .map(line => /^(\w+) (.*)$/.exec(line.trim()))
      .flatMap(found => (found ? [[found[1] ?? '', found[2] ?? ''] as const] : [])),
  );
  const fixed = (line: string): string =>
    `Set "${line}" for ${user} in the host's sshd_config (Match User ${user}), reload sshd, and run the command again.`;
  if (values.get('disableforwarding') === 'yes')
    return { reason: 'its sshd has DisableForwarding yes', fix: fixed('DisableForwarding no') };
  const allowed = values.get('allowtcpforwarding');
  if (allowed === 'no' || allowed === 'local')
    return { reason: `its sshd has AllowTcpForwarding ${allowed}`, fix: fixed('AllowTcpForwarding remote') };
  const listen = values.get('permitlisten');
  if (listen !== undefined && listen !== 'any')
    return { reason: `its sshd has PermitListen ${listen}`, fix: fixed('PermitListen 127.0.0.1:*') };
  return {
    reason: `its sshd refuses it to ${user}`,
    fix: `Look for no-port-forwarding, restrict or permitlisten before the key of ${user} in authorized_keys; restrict,port-forwarding allows it.`,
  };
}
