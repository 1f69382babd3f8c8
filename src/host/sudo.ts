/**
 * How a user becomes root on a host, found out once per connection.
 *
 * With a password every command runs under `sudo -k -S`: `-k` makes sudo ignore credentials that it may have cached, so
 * it reads exactly one line of stdin, the password, byte by byte, and the command finds the rest of stdin untouched.
 * Caches (timestamps per terminal, per parent process, or none) thus never matter. The password is tried alone first,
 * so that a wrong one does not make sudo take the payload for further guesses.
 */
import { AirferryError } from '../errors.ts';
import type { HostConnection } from './host-connection.ts';
import { command, quote } from './quote.ts';
import type { Secret } from './secret.ts';
import { describeTarget, type HostTarget } from './target.ts';

export interface RootAccess {
  /** The login user's id. */
  readonly uid: number;
  readonly how: 'root' | 'sudo' | 'sudo-password';
  /** The line that stdin begins with. */
  readonly password?: Secret;
}

const PROBE = `u=$(id -u) || exit
echo "$u"
if [ "$u" = 0 ]; then echo root
elif ! command -v sudo >/dev/null 2>&1; then echo missing
elif sudo -k -n -- sh -c : ; then echo open
else echo closed
fi`;

const PASSWORD_ARGV = ['env', 'LC_ALL=C', 'sudo', '-k', '-S', '-p', '', '--'];
const OPEN_ARGV = ['env', 'LC_ALL=C', 'sudo', '-n', '--'];
const PROBE_TIMEOUT_MS = 60_000;

/** The command line that runs `argv` as root. */
export function asRoot(access: RootAccess, argv: readonly string[]): string {
  if (access.how === 'root') return command(argv);
  return command([...(access.how === 'sudo' ? OPEN_ARGV : PASSWORD_ARGV), ...argv]);
}

/**
 * Find out how to become root: two round trips at most.
 * @throws {AirferryError} HOST_SUDO when it is not possible, and what to do about it.
 */
export async function findRootAccess(connection: HostConnection): Promise<RootAccess> {
  const { target } = connection;
  const line = `env LC_ALL=C sh -c ${quote(PROBE)}`;
  const probe = await connection.exec(line, { timeoutMs: PROBE_TIMEOUT_MS });
  const [id, sudo] = probe.stdout.toString('utf8').trim().split('\n');
  if (id === undefined || !/^[0-9]+$/.test(id)) {
    throw new AirferryError(
      'HOST_COMMAND_FAILED',
      `${describeTarget(target)} does not run commands as a plain Linux host does: ${lastLine(probe.stderr) || 'no answer to "id -u"'}`,
      {
        where: { host: target.name },
        suggestions: ['Check the login shell of this user, and its start-up files.'],
      },
    );
  }
  const uid = Number(id);
  if (uid === 0) return { uid, how: 'root' };
  if (!target.sudo) {
    throw refused(target, 'this needs root, the user is not root, and sudo is switched off for this host', [
      'Set sudo: true for the host in the fleet file, or log in as root.',
    ]);
  }
  if (sudo === 'open') return { uid, how: 'sudo' };
  if (sudo === 'missing')
    throw refused(target, 'sudo is not installed', ['Log in as root, or install sudo there.']);
  if (/must have a tty/.test(probe.stderr)) throw explain(target, probe.stderr);
  if (!target.sudoPassword) {
    if (/password is required|password required/.test(probe.stderr)) {
      throw refused(target, 'sudo wants a password and none was given', [
        'Run the command again with --ask-sudo-password.',
        `Or allow sudo without one: echo '${target.user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/airferry`,
      ]);
    }
    throw explain(target, probe.stderr);
  }
  const access: RootAccess = { uid, how: 'sudo-password', password: target.sudoPassword };
  const trial = await connection.exec(asRoot(access, ['sh', '-c', ':']), {
    stdin: passwordLine(target.sudoPassword),
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  if (trial.status !== 0) throw explain(target, trial.stderr);
  return access;
}

/** What sudo reads before the command's own input. */
export function passwordLine(password: Secret): Buffer {
  return Buffer.from(`${password.reveal()}\n`);
}

/** HOST_SUDO out of what sudo said. */
function explain(target: HostTarget, stderr: string): AirferryError {
  const { user } = target;
  if (/must have a tty/.test(stderr)) {
    return refused(target, 'sudo wants a terminal (requiretty)', [
      `Allow it without one: echo 'Defaults:${user} !requiretty' > /etc/sudoers.d/airferry-tty`,
    ]);
  }
  if (/not in the sudoers|not allowed to (?:execute|run)|may not run/.test(stderr)) {
    return refused(target, `the user ${user} may not use sudo for this`, [
      `Allow it on the host: echo '${user} ALL=(ALL) ALL' > /etc/sudoers.d/${user}; or log in as another user.`,
    ]);
  }
  if (/incorrect password|try again|no password was provided|Authentication failure/i.test(stderr)) {
    return refused(target, 'sudo does not accept the password', [
      'Check the sudo password: it is usually that of the login user, not of root.',
    ]);
  }
  return refused(target, `sudo failed: ${lastLine(stderr) || 'it said nothing'}`, [
    `Try it by hand: ssh ${user}@${target.address} sudo true`,
  ]);
}

function refused(target: HostTarget, why: string, suggestions: string[]): AirferryError {
  return new AirferryError('HOST_SUDO', `cannot become root on ${describeTarget(target)}: ${why}`, {
    where: { host: target.name },
    suggestions,
  });
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? '';
}
