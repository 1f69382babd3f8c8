/** `host exec`: a command of the operator's on many hosts, with the words and the status of each. */
import { AirferryError } from '../errors.ts';
import { runRemote } from '../host/remote-command.ts';
import type { Shell } from '../host/shell.ts';
import { LineSplitter } from '../support/line-splitter.ts';
import type { HostResult, HostsOptions, HostsResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';

export type OutputStream = 'stdout' | 'stderr';

export interface HostExecOptions extends HostsOptions {
  /** The words of a program and its arguments, or a line for `sh`. */
  what: readonly string[] | string;
  /** As root, by sudo where the user is not root. */
  root: boolean;
  /** The same for every host. */
  stdin?: Uint8Array;
  /** Milliseconds that the command may take on a host. */
  timeoutMs?: number;
  /** Keep what the commands say, for the result. */
  collect: boolean;
  /** Each line as it comes, of whichever host. */
  onLine?: (host: string, stream: OutputStream, line: string) => void;
}

/** A host is `unchanged` when the command ended with 0, else `failed`: what a command changes is not known. */
export interface HostExecHost extends HostResult {
  /** Exit status; 128 + n for a command that signal n ended. Undefined where it did not come to its end. */
  status?: number;
  /** `SIGKILL` … */
  signal?: string;
  /** The beginning of what it said, where it was to be kept. */
  stdout?: string;
  stderr?: string;
  /** Whether it said more than was kept. */
  truncated?: boolean;
}

export type HostExecResult = HostsResult<HostExecHost>;

/** Bytes kept of each stream of each host. */
const MAX_KEPT = 1024 * 1024;

/** Run the command on every host of the fleet. */
export async function hostExec(options: HostExecOptions): Promise<HostExecResult> {
  const ran = new Map<string, Partial<HostExecHost>>();
  const hosts = await onEveryHost(options, {}, async run => {
    await run.connected(undefined, shell =>
      run.step('run-command', async () => {
        const told: Partial<HostExecHost> = {};
        ran.set(run.name, told);
        await exec(run, shell, options, told);
      }),
    );
    return {};
  });
  return { hosts: hosts.map(host => ({ ...host, ...ran.get(host.name) })), dryRun: false };
}

async function exec(
  run: HostRun,
  shell: Shell,
  { what, root, stdin, timeoutMs, collect, signal, onLine }: HostExecOptions,
  told: Partial<HostExecHost>,
): Promise<void> {
  const streams = {
    stdout: new Listener(line => onLine?.(run.name, 'stdout', line), collect),
    stderr: new Listener(line => onLine?.(run.name, 'stderr', line), collect),
  };
  try {
    Object.assign(
      told,
      await runRemote(shell, {
        ...{ what, root },
        ...(stdin ? { stdin } : {}),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal ? { signal } : {}),
        onStdout: chunk => streams.stdout.add(chunk),
        onStderr: chunk => streams.stderr.add(chunk),
      }),
    );
  } finally {
    for (const stream of Object.values(streams)) stream.end();
    if (collect) {
      const { stdout, stderr } = streams;
      const truncated = stdout.truncated || stderr.truncated;
      Object.assign(told, { stdout: stdout.text(), stderr: stderr.text(), truncated });
    }
  }
  if (told.status === 0) return;
  const how = told.signal === undefined ? `ended with status ${told.status}` : `was ended by ${told.signal}`;
  throw new AirferryError('HOST_COMMAND_FAILED', `the command ${how}`);
}

/** Takes one stream of one host: line by line, and its beginning as a whole. */
class Listener {
  readonly #lines: LineSplitter;
  readonly #kept: Buffer[] | undefined;
  #length = 0;
  truncated = false;

  constructor(onLine: (line: string) => void, collect: boolean) {
    this.#lines = new LineSplitter(onLine);
    this.#kept = collect ? [] : undefined;
  }

  add(chunk: Buffer): void {
    this.#lines.add(chunk);
    if (!this.#kept) return;
    const part = chunk.subarray(0, MAX_KEPT - this.#length);
    if (part.length < chunk.length) this.truncated = true;
    this.#length += part.length;
    this.#kept.push(part);
  }

  end(): void {
    this.#lines.end();
  }

  text(): string {
    return Buffer.concat(this.#kept ?? []).toString('utf8');
  }
}
