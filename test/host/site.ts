/** For the tests of this room: a host with a login, a sudo that behaves as told, and a shell on it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { AirferryError, type ErrorCode } from '../../src/errors.ts';
import { connect } from '../../src/host/connection.ts';
import { Secret } from '../../src/host/secret.ts';
import { Shell } from '../../src/host/shell.ts';
import { type HostTarget, hostTarget } from '../../src/host/target.ts';
import { SshServer, type SshServerOptions } from '../support/ssh-server.ts';

/** `root`: the login user is root. The rest: what sudo does for a user who is not. */
export type Privilege = 'root' | 'open' | 'password' | 'tty' | 'denied' | 'missing';

export const SUDO_PASSWORD = 'ferry 77 "$x\'';

export interface Site extends AsyncDisposable {
  server: SshServer;
  shell: Shell;
  /** Words that sudo was called with, all calls one after another. */
  sudoCalls(): string;
  /** A new connection to the same host. */
  reconnect(): Promise<Shell>;
}

export interface SiteOptions extends SshServerOptions {
  privilege?: Privilege;
  target?: Partial<HostTarget>;
}

/** Commands run as the user of this process, who is taken for root, or not, as `privilege` says. */
export async function site({ privilege = 'root', target = {}, ...options }: SiteOptions = {}): Promise<Site> {
  const server = await SshServer.start({ password: 'login', ...options });
  const folder = mkdtempSync(join(tmpdir(), 'airferry-site-'));
  const knownHosts = join(folder, 'known_hosts');
  writeFileSync(knownHosts, server.knownHostsLine);
  server.install(
    'id',
    `#!/bin/sh\nif [ -n "$BECAME_ROOT" ]; then echo 0; else echo ${privilege === 'root' ? 0 : 1000}; fi\n`,
  );
  if (privilege !== 'root' && privilege !== 'missing') server.install('sudo', sudo(privilege, folder));
  const to = hostTarget(
    {
      name: 'h1',
      address: '127.0.0.1',
      port: server.port,
      user: 'ops',
      password: new Secret('login'),
      ...target,
    },
    {},
  );
  const shells: Shell[] = [];
  const reconnect = async (): Promise<Shell> => {
    const shell = new Shell(await connect(to, { knownHosts: { files: [knownHosts], acceptNew: false } }));
    shells.push(shell);
    return shell;
  };
  const calls = join(folder, 'calls');
  return {
    server,
    shell: await reconnect(),
    reconnect,
    sudoCalls: () => (existsSync(calls) ? readFileSync(calls, 'utf8') : ''),
    async [Symbol.asyncDispose]() {
      await Promise.all(shells.map(shell => shell.connection.close()));
      await server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** Behaves as sudo 1.8 to 1.9 do without a terminal: reads the password byte by byte, three guesses at most. */
function sudo(privilege: Privilege, folder: string): string {
  writeFileSync(join(folder, 'password'), SUDO_PASSWORD);
  return `#!/bin/sh
printf '%s\\n' "$*" >> '${folder}/calls'
mode=${privilege}; forget=; noninteractive=; stdin=
while :; do
  case $1 in -k) forget=1; shift;; -n) noninteractive=1; shift;; -S) stdin=1; shift;; -p) shift 2;; --) shift; break;; *) break;; esac
done
case $mode in
  tty) echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1;;
  open) ;;
  *)
    if [ -n "$noninteractive" ]; then echo 'sudo: a password is required' >&2; exit 1; fi
    guesses=0
    while :; do
      IFS= read -r line || { printf '\\nsudo: no password was provided\\nsudo: %s incorrect password attempt\\n' $guesses >&2; exit 1; }
      if [ "$line" = "$(cat '${folder}/password')" ]; then break; fi
      guesses=$((guesses+1)); echo 'Sorry, try again.' >&2
      if [ $guesses = 3 ]; then echo 'sudo: 3 incorrect password attempts' >&2; exit 1; fi
    done
    if [ $mode = denied ]; then echo 'ops is not in the sudoers file.' >&2; exit 1; fi;;
esac
BECAME_ROOT=1 exec "$@"
`;
}

/** That a promise fails with this code, for this host, with advice; the error for further questions. */
export async function failure(promise: Promise<unknown>, code: ErrorCode): Promise<AirferryError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof AirferryError)) throw error;
  assert.is(error.code, code, error.message);
  assert.is(error.where.host, 'h1');
  assert.ok(error.suggestions.length > 0, 'there is advice');
  assert.not.match(error.message, /undefined|\[object/);
  return error;
}
