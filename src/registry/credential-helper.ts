/** Docker's credential helpers: `docker-credential-NAME get|store|erase`, what it is about on stdin, JSON on stdout. */
import { spawn } from 'node:child_process';
import { AirferryError, systemCode } from '../errors.ts';
import { formatDuration } from '../support/format.ts';
import type { Credentials } from './login.ts';

const OUTPUT_LIMIT = 64 * 1024;
const TIME_LIMIT_MS = 30_000;
/** How helpers say that they have no login for a server. */
const NOT_FOUND = /credentials not found|not found in native keychain|no credentials/i;

interface HelperOptions {
  /** The config that names the helper, for messages. */
  file: string;
  /** Milliseconds that it may take. */
  ms?: number;
}

/** The program behind the name of a helper. Throws CREDENTIALS_INVALID for an impossible name. */
export function helperProgram(name: unknown, file: string): string {
  if (typeof name === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    return `docker-credential-${name}`;
  throw failure(file, 'the credential helper that it names has an impossible name');
}

/**
 * Ask a helper for the login to a server, as Docker spells it. Undefined when it has none.
 * Throws CREDENTIALS_INVALID when the helper is missing, fails, hangs, or answers what is no login.
 */
export async function askHelper(
  name: unknown,
  server: string,
  options: HelperOptions,
): Promise<Credentials | undefined> {
  const { file } = options;
  const program = helperProgram(name, file);
  const { status, output } = await run(program, 'get', server, options);
  if (status !== 0) {
    if (NOT_FOUND.test(output)) return undefined;
    throw failure(file, `${program} failed with status ${status}`);
  }
  const login = parse(output);
  if (!login) throw failure(file, `${program} gave an answer that is no login`);
  if (login.username === '<token>') return { kind: 'identity', token: login.secret };
  return { kind: 'password', username: login.username, password: login.secret };
}

/** Have a helper keep a login. Throws CREDENTIALS_INVALID when it does not. */
export async function storeWithHelper(
  name: unknown,
  { server, username, secret }: { server: string; username: string; secret: string },
  options: HelperOptions,
): Promise<void> {
  const program = helperProgram(name, options.file);
  const input = JSON.stringify({ ServerURL: server, Username: username, Secret: secret });
  const { status } = await run(program, 'store', input, options);
  if (status !== 0) throw failure(options.file, `${program} did not take the login (status ${status})`);
}

/** Have a helper forget a login. False when it had none. Throws CREDENTIALS_INVALID when it fails. */
export async function eraseWithHelper(
  name: unknown,
  server: string,
  options: HelperOptions,
): Promise<boolean> {
  const program = helperProgram(name, options.file);
  if ((await askHelper(name, server, options)) === undefined) return false;
  const { status, output } = await run(program, 'erase', server, options);
  if (status === 0) return true;
  if (NOT_FOUND.test(output)) return false;
  throw failure(options.file, `${program} did not forget the login (status ${status})`);
}

function run(
  program: string,
  verb: 'get' | 'store' | 'erase',
  input: string,
  { file, ms = TIME_LIMIT_MS }: HelperOptions,
): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [verb], { stdio: ['pipe', 'pipe', 'ignore'] });
    // Not the option of spawn: its timer outlives a program that could not be started.
    const timer = setTimeout(() => stop(), ms);
    // Programs that the helper has started may hold its output open: it is closed on this side.
    const stop = (): void => {
      child.kill('SIGKILL');
      child.stdout.destroy();
    };
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.length > OUTPUT_LIMIT) stop();
    });
    child.on('error', cause => {
      clearTimeout(timer);
      // A folder on the PATH that one may not enter makes a missing program look like a forbidden one.
      const absent = ['ENOENT', 'EACCES'].includes(systemCode(cause) ?? '');
      reject(failure(file, `${program} ${absent ? 'is not installed, or may not be run' : 'cannot be run'}`));
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      if (output.length > OUTPUT_LIMIT) reject(failure(file, `${program} writes without end`));
      else if (signal) reject(failure(file, `${program} did not answer within ${formatDuration(ms)}`));
      else resolve({ status: status ?? 1, output });
    });
    // A helper that does not read its input closes the pipe; its exit status tells the rest.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}

function parse(output: string): { username: string; secret: string } | undefined {
  try {
    const json = JSON.parse(output) as Record<string, unknown>;
    const { Username: username, Secret: secret } = json;
    return typeof username === 'string' && typeof secret === 'string' ? { username, secret } : undefined;
  } catch {
    return undefined;
  }
}

function failure(file: string, what: string): AirferryError {
  return new AirferryError(
    'CREDENTIALS_INVALID',
    `the logins of Docker's config ${file} cannot be used: ${what}`,
    {
      where: { file },
      suggestions: [
        'Install or mend the helper, or take credsStore and credHelpers out of the file and log in again.',
      ],
    },
  );
}
