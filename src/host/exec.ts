/** One command on one channel: feed its stdin, gather what it says within bounds, wait for its end. */
import type { ClientChannel } from 'ssh2';
import { AirferryError, abortError } from '../errors.ts';
import { litter } from '../support/garbage.ts';

export interface ExecOptions {
  /** Written to the command, which then sees the end of its input. Without it the input is empty. */
  stdin?: AsyncIterable<Uint8Array> | Iterable<Uint8Array> | Uint8Array | string;
  /** Milliseconds after which the command is given up: HOST_TIMEOUT. */
  timeoutMs?: number;
  /** Takes stdout as it comes, instead of having it collected; a promise holds the other side back. */
  onStdout?: (chunk: Buffer) => void | Promise<void>;
  /** Sees stderr as it comes; it is collected all the same. */
  onStderr?: (chunk: Buffer) => void;
  /** Bytes kept of stdout (its beginning); the rest is read and dropped. Default 1 MiB. */
  maxOutput?: number;
  signal?: AbortSignal;
}

export interface ExecResult {
  /** Exit status; 128 + n for a command that was killed by signal n, as a shell has it. */
  status: number;
  /** `SIGKILL` … when it was killed. */
  signal?: string;
  stdout: Buffer;
  /** The last 64 KiB. */
  stderr: string;
  /** Whether stdout was longer than `maxOutput`. */
  truncated: boolean;
}

const DEFAULT_MAX_OUTPUT = 1024 * 1024;
const MAX_STDERR = 64 * 1024;
/** Bytes handed to the channel at once: cut smaller, so that progress and an abort do not wait for a huge buffer. */
const PIECE = 256 * 1024;
const SIGNALS: Record<string, number> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/**
 * Run to the end of the channel. Rejects with what `lost` makes of a channel that ends without an exit status, with
 * HOST_TIMEOUT, with the signal's reason, or with the error of the stdin source. When it rejects the command may have
 * seen the end of its input too early: commands must check that they got everything before they act on it.
 */
export async function runOnChannel(
  channel: ClientChannel,
  host: string,
  options: ExecOptions,
  lost: () => AirferryError,
): Promise<ExecResult> {
  const stdout = new Kept(options.maxOutput ?? DEFAULT_MAX_OUTPUT, 'head');
  const stderr = new Kept(MAX_STDERR, 'tail');
  const finished = new AbortController();
  const result = Promise.withResolvers<ExecResult>();
  const giveUp = (error: unknown): void => {
    result.reject(error);
    channel.signal('TERM');
    channel.close();
    channel.resume();
  };

  let consuming: Promise<void> = Promise.resolve();
  channel.on('data', (chunk: Buffer) => {
    if (!options.onStdout) return stdout.add(chunk);
    try {
      const busy = options.onStdout(chunk);
      if (!busy) return;
      channel.pause();
      consuming = busy.then(() => void channel.resume(), giveUp);
    } catch (error) {
      giveUp(error);
    }
  });
  channel.stderr.on('data', (chunk: Buffer) => {
    stderr.add(chunk);
    options.onStderr?.(chunk);
  });
  channel.on('error', () => undefined);
  channel.stderr.on('error', () => undefined);

  let ended: { status: number; signal?: string } | undefined;
  channel.on('exit', (status: number | null, signal?: string) => {
    if (status !== null) ended = { status };
    else if (signal) ended = { status: 128 + (SIGNALS[signal] ?? 0), signal };
  });
  channel.once('close', async () => {
    await consuming;
    if (!ended) return result.reject(lost());
    result.resolve({
      ...ended,
      stdout: stdout.bytes(),
      stderr: stderr.bytes().toString('utf8'),
      truncated: stdout.truncated,
    });
  });

  const { timeoutMs, signal } = options;
  const timer =
    timeoutMs === undefined ? undefined : setTimeout(() => giveUp(timeout(host, timeoutMs)), timeoutMs);
  const onAbort = (): void => giveUp(abortError(signal));
  signal?.addEventListener('abort', onAbort, { once: true });
  if (signal?.aborted) onAbort();
  feed(channel, options.stdin, finished.signal).catch(giveUp);
  try {
    return await result.promise;
  } finally {
    finished.abort();
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

function timeout(host: string, ms: number): AirferryError {
  return new AirferryError(
    'HOST_TIMEOUT',
    `a command on ${host} did not end within ${Math.round(ms / 1000)} s`,
    {
      where: { host },
      suggestions: ['Look at what keeps the host busy (top, journalctl -f), then run the command again.'],
    },
  );
}

/** Write stdin piece by piece, as fast as the other side takes it; stop once the command has ended. */
async function feed(
  channel: ClientChannel,
  stdin: ExecOptions['stdin'],
  finished: AbortSignal,
): Promise<void> {
  if (stdin === undefined) {
    channel.end();
    return;
  }
  for await (const chunk of chunks(stdin)) {
    for (let at = 0; at < chunk.length; at += PIECE) {
      if (finished.aborted) return;
      const piece = chunk.subarray(at, at + PIECE);
      if (!channel.write(piece)) await drained(channel, finished);
      // Its encrypted copy is garbage as soon as it is sent.
      litter(piece.length);
    }
  }
  if (!finished.aborted) channel.end();
}

function chunks(stdin: NonNullable<ExecOptions['stdin']>): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  if (typeof stdin === 'string') return [Buffer.from(stdin)];
  return stdin instanceof Uint8Array ? [stdin] : stdin;
}

function drained(channel: ClientChannel, finished: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      channel.removeListener('drain', done);
      finished.removeEventListener('abort', done);
      resolve();
    };
    channel.once('drain', done);
    finished.addEventListener('abort', done, { once: true });
  });
}

/** The first or the last bytes of a stream. */
class Kept {
  readonly #limit: number;
  readonly #end: 'head' | 'tail';
  #chunks: Buffer[] = [];
  #length = 0;
  truncated = false;

  constructor(limit: number, end: 'head' | 'tail') {
    this.#limit = limit;
    this.#end = end;
  }

  add(chunk: Buffer): void {
    const kept = this.#end === 'head' ? chunk.subarray(0, this.#limit - this.#length) : chunk;
    if (kept.length < chunk.length) this.truncated = true;
    if (kept.length === 0) return;
    this.#chunks.push(kept);
    this.#length += kept.length;
    if (this.#end === 'tail' && this.#length > 2 * this.#limit) {
      this.#chunks = [this.bytes()];
      this.#length = this.#limit;
    }
  }

  bytes(): Buffer {
    const all = Buffer.concat(this.#chunks);
    return all.length > this.#limit ? Buffer.from(all.subarray(-this.#limit)) : all;
  }
}
