/** Commands on a host as the rest of airferry runs them: as root where needed, in one locale, with errors that say why. */
import { AirferryError } from '../errors.ts';
import type { ExecOptions, ExecResult } from './exec.ts';
import type { HostConnection } from './host-connection.ts';
import { command, quote } from './quote.ts';
import { asRoot, findRootAccess, passwordLine, type RootAccess } from './sudo.ts';
import { describeTarget, type HostTarget } from './target.ts';

export interface RunOptions extends ExecOptions {
  /** Run as root, by sudo where the login user is not root. */
  root?: boolean;
  /** Throw when the status is not 0. Default true. */
  check?: boolean;
  /** What the command does, for messages; default its first words. */
  title?: string;
}

export interface RunResult {
  status: number;
  signal?: string;
  stdout: string;
  /** stdout as it came. */
  bytes: Buffer;
  stderr: string;
  /** Whether stdout was longer than `maxOutput`. */
  truncated: boolean;
}

/** English messages, the folders of system commands at the end of the path, files readable unless said otherwise. */
const PRELUDE =
  'LC_ALL=C; PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin; export LC_ALL PATH; umask 022\n';
/** Linux refuses a single argument of 128 KiB. */
const MAX_SCRIPT = 120_000;
const TITLE_LENGTH = 60;
const STDERR_LINES = 5;

export class Shell {
  readonly connection: HostConnection;
  #root: Promise<RootAccess> | undefined;

  constructor(connection: HostConnection) {
    this.connection = connection;
  }

  get target(): HostTarget {
    return this.connection.target;
  }

  /**
   * How the user becomes root here; asked of the host once.
   * @throws {AirferryError} HOST_SUDO
   */
  rootAccess(): Promise<RootAccess> {
    this.#root ??= findRootAccess(this.connection).catch(error => {
      // Asked again once the connection is there again.
      this.#root = undefined;
      throw error;
    });
    return this.#root;
  }

  /**
   * Run a command (its words) or a POSIX sh script (a text). Data goes into a script through `quote` alone, secrets
   * through stdin alone.
   * @throws {AirferryError} HOST_COMMAND_FAILED, HOST_DISK_FULL when it fails and `check` is not false; HOST_SUDO;
   *   HOST_CONNECTION_LOST, HOST_TIMEOUT, INTERRUPTED.
   */
  async run(what: readonly string[] | string, options: RunOptions = {}): Promise<RunResult> {
    const { root = false, check = true, title, ...execOptions } = options;
    const script = typeof what === 'string' ? what : command(what);
    if (script.length > MAX_SCRIPT) {
      throw new AirferryError(
        'INTERNAL',
        `a script for ${this.target.name} is too long: ${script.length} characters`,
      );
    }
    const result = root ? await this.#runAsRoot(script, execOptions) : await this.#exec(script, execOptions);
    if (check && result.status !== 0) throw this.failure(title ?? firstWords(script), result);
    return result;
  }

  /** The error for a command that failed: HOST_DISK_FULL when the host says so, else HOST_COMMAND_FAILED. */
  failure(title: string, result: Pick<RunResult, 'status' | 'signal' | 'stderr'>): AirferryError {
    const host = describeTarget(this.target);
    const said = result.stderr.trim().split('\n').slice(-STDERR_LINES).join('\n');
    const where = { host: this.target.name };
    if (/No space left on device|Disk quota exceeded/.test(result.stderr)) {
      return new AirferryError('HOST_DISK_FULL', `the disk of ${host} is full: "${title}" said: ${said}`, {
        where,
        suggestions: ['Make room on the host (df -h; docker system df), then run the same command again.'],
      });
    }
    const how = result.signal ? `was ended by ${result.signal}` : `failed with status ${result.status}`;
    return new AirferryError(
      'HOST_COMMAND_FAILED',
      `"${title}" ${how} on ${host}${said ? `: ${said}` : ''}`,
      {
        where,
        suggestions: suggestionsFor(result),
      },
    );
  }

  async #runAsRoot(script: string, options: ExecOptions): Promise<RunResult> {
    const access = await this.rootAccess();
    const line = asRoot(access, ['sh', '-c', PRELUDE + script]);
    const stdin = access.password ? after(passwordLine(access.password), options.stdin) : options.stdin;
    return present(
      await this.connection.exec(line, { ...options, ...(stdin === undefined ? {} : { stdin }) }),
    );
  }

  async #exec(script: string, options: ExecOptions): Promise<RunResult> {
    return present(await this.connection.exec(`sh -c ${quote(PRELUDE + script)}`, options));
  }
}

function present(result: ExecResult): RunResult {
  return { ...result, stdout: result.stdout.toString('utf8'), bytes: result.stdout };
}

async function* after(first: Buffer, stdin: ExecOptions['stdin']): AsyncGenerator<Uint8Array> {
  yield first;
  if (stdin === undefined) return;
  if (typeof stdin === 'string') yield Buffer.from(stdin);
  else if (stdin instanceof Uint8Array) yield stdin;
  else yield* stdin;
}

function firstWords(script: string): string {
  const line = script.trim().split('\n')[0] ?? '';
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH)}…` : line;
}

function suggestionsFor({ status, stderr }: Pick<RunResult, 'status' | 'stderr'>): string[] {
  if (/Read-only file system/.test(stderr))
    return ['The file system is mounted read-only: remount it, and look into dmesg.'];
  if (status === 127)
    return ['A program is missing on the host: "airferry host check" names which are needed.'];
  if (/Permission denied/.test(stderr))
    return ['Check the permissions there, and whether SELinux refuses it (ausearch -m avc).'];
  return ['Look into the log of the host (journalctl -e), then run the command again.'];
}
