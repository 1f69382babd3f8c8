/**
 * A command of the operator's own on a host. It is told apart from what airferry runs there by its process group, so
 * that it ends with all that it started when it is given up: sshd leaves commands without a terminal running when their
 * connection ends.
 */
import { randomUUID } from 'node:crypto';
import { command } from './quote.ts';
import type { RunOptions, RunResult, Shell } from './shell.ts';

export interface RemoteCommand {
  /** The words of a program and its arguments, or a line for `sh`. */
  what: readonly string[] | string;
  root: boolean;
  /** Written to the command, which then sees the end of its input. */
  stdin?: Uint8Array;
  /** Milliseconds. */
  timeoutMs?: number;
  signal?: AbortSignal;
  onStdout: (chunk: Buffer) => void | Promise<void>;
  onStderr: (chunk: Buffer) => void;
}

/** Milliseconds that a host gets to end a command that was given up. */
const KILL_PATIENCE_MS = 8_000;
/** Bytes before the mark that sudo and login scripts may say. */
const MAX_BEFORE_MARK = 64 * 1024;

/**
 * Run to the end. A status other than 0 is a result.
 * @throws {AirferryError} HOST_SUDO, HOST_CONNECTION_LOST; HOST_TIMEOUT and INTERRUPTED after the command was killed
 */
export async function runRemote(
  shell: Shell,
  asked: RemoteCommand,
): Promise<Pick<RunResult, 'status' | 'signal'>> {
  const mark = `airferry-${randomUUID()}`;
  const filter = new MarkFilter(mark, asked.onStderr);
  const options: RunOptions = {
    root: asked.root,
    check: false,
    onStdout: asked.onStdout,
    onStderr: chunk => filter.add(chunk),
    ...(asked.stdin ? { stdin: asked.stdin } : {}),
    ...(asked.timeoutMs === undefined ? {} : { timeoutMs: asked.timeoutMs }),
    ...(asked.signal ? { signal: asked.signal } : {}),
  };
  try {
    const { status, signal } = await shell.run(script(asked.what, mark), options);
    return signal === undefined ? { status } : { status, signal };
  } catch (error) {
    if (filter.group !== undefined) await kill(shell, filter.group, asked.root).catch(() => undefined);
    throw error;
  } finally {
    filter.end();
  }
}

/** Words are run as they are: none of them is a keyword, an alias or an assignment to the shell. */
function script(what: RemoteCommand['what'], mark: string): string {
  const tell = `read -r p c s pp g rest < /proc/$$/stat && printf '%s=%s\\n' ${mark} "$g" >&2`;
  return typeof what === 'string' ? `${tell}\n${what}` : `${tell}\nset -- ${command(what)}\n"$@"`;
}

/** First asked to end, then made to. */
async function kill(shell: Shell, group: string, root: boolean): Promise<void> {
  const text = `kill -s TERM -- -${group} 2>/dev/null || exit 0
for i in 1 2 3 4 5 6 7 8 9 10; do
  kill -s 0 -- -${group} 2>/dev/null || exit 0
  sleep 0.2 2>/dev/null || sleep 1
done
kill -s KILL -- -${group} 2>/dev/null`;
  await shell.run(text, { root, check: false, title: 'end the command', timeoutMs: KILL_PATIENCE_MS });
}

/** Takes the line with the process group out of stderr. */
class MarkFilter {
  readonly #mark: string;
  readonly #pass: (chunk: Buffer) => void;
  #held: Buffer | undefined = Buffer.alloc(0);
  /** Digits; undefined until it is known. */
  group: string | undefined;

  constructor(mark: string, pass: (chunk: Buffer) => void) {
    this.#mark = mark;
    this.#pass = pass;
  }

  add(chunk: Buffer): void {
    if (!this.#held) {
      this.#pass(chunk);
      return;
    }
    this.#held = Buffer.concat([this.#held, chunk]);
    const at = this.#held.indexOf(this.#mark);
    const end = at < 0 ? -1 : this.#held.indexOf('\n', at);
    if (end >= 0) {
      const line = this.#held.subarray(at, end).toString('latin1');
      this.group = /=([1-9]\d{0,9})$/.exec(line)?.[1];
      this.#release(Buffer.concat([this.#held.subarray(0, at), this.#held.subarray(end + 1)]));
    } else if (this.#held.length > MAX_BEFORE_MARK) this.#release(this.#held);
  }

  end(): void {
    if (this.#held) this.#release(this.#held);
  }

  #release(bytes: Buffer): void {
    this.#held = undefined;
    if (bytes.length > 0) this.#pass(bytes);
  }
}
