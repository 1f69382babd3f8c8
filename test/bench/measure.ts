/** What a run costs: wall clock, the largest process, and the bytes that went through its system calls and to disk. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Outcome, RunError, type RunOptions, run } from '../lab/exec.ts';

export interface Cost {
  /** Wall clock, program start-up included. */
  ms: number;
  /** Processor time of all processes in user mode and in the kernel: steadier than the clock on a busy machine. */
  cpuMs: number;
  /** The largest resident set of any process of the run, in bytes. */
  peak: number;
  /** Bytes that read(2) and its kin gave: files, sockets and pipes. */
  read: number;
  /** Bytes that write(2) and its kin took: files, sockets and pipes. */
  written: number;
  /** Bytes that were on their way to a disk because of the run. */
  stored: number;
}

export interface MeasureOptions extends RunOptions {
  /** Runs the argument list; in a lab its own `run`, so that hosts and registries are in reach. */
  by?: (argv: string[], options: RunOptions) => Promise<Outcome>;
}

/** A process's own bytes together with those of the children it has waited for are the kernel's to count: proc(5). */
const COUNTED = '"$@"; status=$?; cat /proc/$$/io >"$IO_FILE"; exit $status';

/** Run `commands` one after the other and add up what they cost; throws with a command's output when it fails. */
export async function measure(commands: string[][], options: MeasureOptions = {}): Promise<Cost> {
  const total: Cost = { ms: 0, cpuMs: 0, peak: 0, read: 0, written: 0, stored: 0 };
  for (const command of commands) {
    const cost = await measureOne(command, options);
    total.ms += cost.ms;
    total.cpuMs += cost.cpuMs;
    total.peak = Math.max(total.peak, cost.peak);
    total.read += cost.read;
    total.written += cost.written;
    total.stored += cost.stored;
  }
  return total;
}

async function measureOne(command: string[], { by = run, ...options }: MeasureOptions): Promise<Cost> {
  const dir = await mkdtemp(join(tmpdir(), 'airferry-bench-'));
  try {
    const [timeFile, ioFile] = [join(dir, 'time'), join(dir, 'io')];
    const wrapped = [
      '/usr/bin/time',
      '--format=%U %S %M',
      `--output=${timeFile}`,
      'sh',
      '-c',
      COUNTED,
      'counted',
    ];
    const started = performance.now();
    const outcome = await by([...wrapped, ...command], {
      ...options,
      env: { ...options.env, IO_FILE: ioFile },
    });
    const ms = performance.now() - started;
    if (outcome.code !== 0) {
      const said = `${outcome.stdout}\n${outcome.stderr}`.trim().slice(-4000);
      throw new RunError(`${command.join(' ')}: ended with ${outcome.signal ?? outcome.code}\n${said}`);
    }
    const io = await readFile(ioFile, 'utf8');
    const counter = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(io)?.[1]);
    const [user = 0, system = 0, kibibytes = 0] = (await readFile(timeFile, 'utf8')).split(' ').map(Number);
    return {
      ms,
      cpuMs: (user + system) * 1000,
      peak: kibibytes * 1024,
      read: counter('rchar'),
      written: counter('wchar'),
      stored: counter('write_bytes'),
    };
  } finally {
    await rm(dir, { recursive: true });
  }
}
