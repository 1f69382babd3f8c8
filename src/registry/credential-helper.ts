/** Docker's credential helpers: `docker-credential-NAME get`, host on stdin, JSON on stdout. */
import { spawn } from 'node:child_process';
import { AirferryError, systemCode } from '../errors.ts';
import { formatDuration } from '../support/format.ts';
import type { Credentials } from './login.ts';

const OUTPUT_LIMIT = 64 * 1024;
const TIME_LIMIT_MS = 30_000;

interface HelperOptions {
  /** The config that names the helper, for messages. */
  file: string;
  /** Milliseconds that it may take. */
  ms?: number;
}

/**
 * Ask a helper for the login to a server, as Docker spells it. Undefined when it has none.
 * Throws CREDENTIALS_INVALID when the helper is missing, fails, hangs, or answers what is no login.
 */
export async function askHelper(
  name: unknown,
  server: string,
  { file, ms = TIME_LIMIT_MS }: HelperOptions,
): Promise<Credentials | undefined> {
  if (typeof name !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    throw failure(file, 'the credential helper that it names has an impossible name');
  }
  const program = `docker-credential-${name}`;
  const { status, output } = await run(program, server, file, ms);
  if (status !== 0) {
    if (/credentials not found|not found in native keychain|no credentials/i.test(output)) return undefined;
    throw failure(file, `${program} failed with status ${status}`);
  }
  const login = parse(output);
  if (!login) throw failure(file, `${program} gave an answer that is no login`);
  if (login.username === '<token>') return { kind: 'identity', token: login.secret };
  return { kind: 'password', username: login.username, password: login.secret };
}

function run(
  program: string,
  input: string,
  file: string,
  ms: number,
): Promise<{ status: number; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'] });
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
  return new AirferryError('CREDENTIALS_INVALID', `no login from Docker's config ${file}: ${what}`, {
    where: { file },
    suggestions: [
      'Install or mend the helper, or take credsStore and credHelpers out of the file and run docker login again.',
    ],
  });
}
