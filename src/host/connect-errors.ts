/** Why a connection could not be made, in the operator's words, each with its own advice. */
import { AirferryError, isAirferryError, systemCode } from '../errors.ts';
import { fingerprint, type KnownHost, keyTypeOf, knownHostName, type Verdict } from './known-hosts.ts';
import { describeTarget, type HostTarget } from './target.ts';

/** A failure of TCP, as `HOST_UNREACHABLE`; airferry's own errors pass unchanged. */
export function dialError(target: HostTarget, error: unknown): AirferryError {
  if (isAirferryError(error)) return error;
  const host = describeTarget(target);
  const port = `port ${target.port}`;
  switch (systemCode(error)) {
    case 'ENOTFOUND':
      return unreachable(target, `no name server knows ${target.address}${called(target)}`, error, [
        'Check the spelling, or give the IP address instead of the name.',
      ]);
    case 'EAI_AGAIN':
      return unreachable(target, `no name server answers for ${target.address}${called(target)}`, error, [
        'Check the name server of this machine, or give the IP address instead of the name.',
      ]);
    case 'ECONNREFUSED':
      return unreachable(target, `${host} refuses connections on ${port}`, error, [
        'The host is up: check that sshd runs there and listens on this port (systemctl status sshd).',
        'If sshd listens on another port, write it as user@address:port.',
      ]);
    case 'ETIMEDOUT':
      return unreachable(target, `${host} does not answer on ${port}`, error, [
        'Check that the host is powered on and the address is right.',
        'A firewall in between may drop the packets: if there is a host that may reach it, name that one as its bastion.',
      ]);
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return unreachable(target, `there is no route to ${host}`, error, [
        'Check the address, the cable and the routes of this machine (ip route get ADDRESS).',
        'If the host is behind another one, name that one as its bastion.',
      ]);
    case 'ECONNRESET':
    case 'EPIPE':
      return closedEarly(target, error);
    default:
      return unreachable(target, `cannot reach ${host}: ${(error as Error).message}`, error, [
        'Check the address and the network of this machine.',
      ]);
  }
}

/** The name that the operator gave to the host, where it is not its address. */
function called(target: HostTarget): string {
  return target.name === target.address ? '' : ` (${target.name})`;
}

/** A failure between the TCP connection and the login. */
export function handshakeError(target: HostTarget, error: Error & { level?: string }): AirferryError {
  const host = describeTarget(target);
  if (error.level === 'client-timeout') {
    return new AirferryError(
      'HOST_TIMEOUT',
      `${host} accepted the connection but did not finish the SSH handshake`,
      {
        where: { host: target.name },
        suggestions: [
          'The host may be overloaded: try again.',
          `Check that it is sshd that listens on port ${target.port}.`,
        ],
        cause: error,
      },
    );
  }
  if (/no matching/.test(error.message)) {
    return unreachable(target, `${host} and airferry share no algorithm: ${error.message}`, error, [
      'Update the SSH server of the host, or allow a newer algorithm in its sshd_config.',
    ]);
  }
  if (/identification string|Bad .*header|header/i.test(error.message)) {
    return unreachable(target, `what answers on port ${target.port} of ${host} is not an SSH server`, error, [
      'Check the port: write it as user@address:port.',
    ]);
  }
  if (/before handshake|ECONNRESET|socket/i.test(error.message)) return closedEarly(target, error);
  return unreachable(target, `the SSH handshake with ${host} failed: ${error.message}`, error, [
    'Look into the log of sshd on the host (journalctl -u sshd).',
  ]);
}

/** A bastion that would not, or could not, connect further. */
export function bastionError(target: HostTarget, bastion: HostTarget, error: Error): AirferryError {
  const to = `${target.address} port ${target.port}`;
  const forbidden = /prohibited|denied/i.test(error.message);
  return unreachable(
    target,
    `the bastion ${describeTarget(bastion)} ${forbidden ? 'does not allow' : 'cannot open'} a connection to ${to}: ${error.message}`,
    error,
    forbidden
      ? ['Set AllowTcpForwarding yes in the sshd_config of the bastion, for this user at least.']
      : [
          `Check from the bastion that the host is up: ssh ${bastion.user}@${bastion.address} nc -z ${to.replace(' port', '')}`,
        ],
  );
}

/** `ssh-ed25519 SHA256:…` */
export function shownKey(key: Buffer): string {
  return `${keyTypeOf(key) ?? 'key'} ${fingerprint(key)}`;
}

/** A host key that is not to be trusted, out of its verdict. */
export function hostKeyError(
  target: HostTarget,
  key: Buffer,
  verdict: Exclude<Verdict, { verdict: 'match' }>,
  files: readonly string[],
): AirferryError {
  const shown = shownKey(key);
  const host = describeTarget(target);
  const check =
    'On the host itself, compare: for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done';
  if (verdict.verdict === 'unknown') {
    const authority = verdict.authority
      ? `; ${place(verdict.authority)} names a certificate authority for it, and airferry does not read host certificates`
      : '';
    return new AirferryError(
      'HOST_KEY_UNKNOWN',
      `${host} is not in known_hosts, and shows the key ${shown}${authority}`,
      {
        where: { host: target.name },
        suggestions: [
          check,
          'If the fingerprint is right, run the command again with --host-key accept-new: the key is then recorded.',
        ],
      },
    );
  }
  if (verdict.verdict === 'revoked') {
    return new AirferryError(
      'HOST_KEY_CHANGED',
      `${host} shows the key ${shown}, which is marked as revoked`,
      {
        where: { host: target.name, file: verdict.entry.file, line: verdict.entry.line },
        suggestions: [
          'Do not connect: somebody may be in between. Give the host new keys, and record those.',
        ],
      },
    );
  }
  const [first] = verdict.entries;
  const known = verdict.entries.map(entry => `${entry.keyType} ${fingerprint(entry.key)}`).join(', ');
  const name = target.hostKeyAlias ?? knownHostName(target.address, target.port);
  return new AirferryError(
    'HOST_KEY_CHANGED',
    `the key of ${host} has changed: it shows ${shown}, known is ${known}`,
    {
      where: {
        host: target.name,
        file: first?.file ?? files[0] ?? '',
        ...(first ? { line: first.line } : {}),
      },
      suggestions: [
        `Somebody may be in between, or the host was installed anew. ${check}`,
        `Only if the fingerprint is right: ssh-keygen -R '${name}' -f '${first?.file ?? files[0]}', then run again with --host-key accept-new.`,
      ],
    },
  );
}

function place(entry: KnownHost): string {
  return `${entry.file}:${entry.line}`;
}

function closedEarly(target: HostTarget, cause: unknown): AirferryError {
  const host = describeTarget(target);
  return unreachable(target, `${host} closed the connection before the SSH handshake was done`, cause, [
    'sshd may refuse this address (hosts.deny, fail2ban) or have too many logins at once (MaxStartups): look into its log.',
    `Check that it is sshd that listens on port ${target.port}.`,
  ]);
}

function unreachable(
  target: HostTarget,
  message: string,
  cause: unknown,
  suggestions: string[],
): AirferryError {
  return new AirferryError('HOST_UNREACHABLE', message, { where: { host: target.name }, suggestions, cause });
}
