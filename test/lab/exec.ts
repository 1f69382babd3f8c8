/** Running programs by argument list, never through a shell that is built from data. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

export interface Outcome {
  /** Exit status; 128 + signal number is not imitated: a process ended by a signal has -1 and names it in `signal`. */
  code: number;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Written to the program's standard input, which is closed afterwards. Without it, it reads /dev/null. */
  input?: string | Buffer;
  cwd?: string;
  /** Added to the environment of this process; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Milliseconds after which the program is ended with SIGKILL and the run throws. */
  timeoutMs?: number;
}

/** A program could not be started, took too long, or ended with a status that its caller cannot use. */
export class RunError extends Error {
  override readonly name = 'RunError';
}

/** Run `argv` to its end and give back its status and output. Only a missing program or the time limit throws. */
export function run(argv: string[], options: RunOptions = {}): Promise<Outcome> {
  const [file, args] = split(argv);
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    child.stdout?.on('data', chunk => output.stdout.push(chunk));
    child.stderr?.on('data', chunk => output.stderr.push(chunk));
    const timeoutMs = options.timeoutMs ?? 600_000;
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.on('error', error => {
      clearTimeout(timer);
      reject(new RunError(`could not start ${file}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (late) return reject(new RunError(`${argv.join(' ')}: not done within ${timeoutMs} ms`));
      const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8');
      resolve({ code: code ?? -1, signal, stdout: text(output.stdout), stderr: text(output.stderr) });
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
  });
}

/** Run `argv` and give back its standard output without trailing white space; throws unless it ends with status 0. */
export async function must(argv: string[], options: RunOptions = {}): Promise<string> {
  const outcome = await run(argv, options);
  if (outcome.code !== 0) {
    const said = (outcome.stderr.trim() || outcome.stdout.trim()).slice(-2000);
    throw new RunError(`${argv.join(' ')}: ended with ${outcome.signal ?? outcome.code}\n${said}`);
  }
  return outcome.stdout.trimEnd();
}

/** Start `argv` in a session of its own, so that it outlives this process; its output goes to the file `logFd`. */
export function launch(argv: string[], logFd: number): ChildProcess {
  const [file, args] = split(argv);
  const options: SpawnOptions = { detached: true, stdio: ['ignore', logFd, logFd] };
  const child = spawn(file, args, options);
  child.on('error', () => {});
  child.unref();
  return child;
}

/** Try `attempt` every 100 ms until it gives back something; throws after `timeoutMs`, saying what was waited for. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<T | undefined>,
): Promise<T> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const value = await attempt();
    if (value !== undefined) return value;
    if (Date.now() > end) throw new RunError(`${what}: not so within ${timeoutMs} ms`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

function split(argv: string[]): [string, string[]] {
  const [file, ...args] = argv;
  if (file === undefined) throw new RunError('nothing to run: the argument list is empty');
  return [file, args];
}
