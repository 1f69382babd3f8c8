/** A command on a host as one stream: what is written goes to its stdin, what it says on stdout is read. */
import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';
import { AirferryError } from '../errors.ts';
import { describeTarget, type HostTarget } from './target.ts';

/** Bytes kept of what a command complains about. */
const MAX_STDERR = 16 * 1024;
const SAID_LINES = 5;

type WriteCallback = (error?: Error | null) => void;

/**
 * Make a stream of a channel on which a command runs; `title` stands for it in messages. When the command fails, the stream
 * is destroyed with HOST_COMMAND_FAILED, which carries the command's last words; when the connection does, with what
 * `lost` makes.
 */
export function commandStream(
  channel: ClientChannel,
  target: HostTarget,
  title: string,
  lost: () => AirferryError,
): Duplex {
  let said = '';
  let status: number | string | undefined;
  channel.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk.toString('utf8')}`.slice(-MAX_STDERR);
  });
  channel.stderr.on('error', () => undefined);
  channel.on('exit', (code: number | null, signal?: string) => {
    status = code ?? signal;
  });
  return new CommandStream(channel, () => {
    if (status === 0) return undefined;
    return status === undefined ? lost() : failed(target, title, status, said);
  });
}

/** Ends only with the channel: the end of stdout comes before the status, which says what that end means. */
class CommandStream extends Duplex {
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel, failure: () => AirferryError | undefined) {
    super({ allowHalfOpen: false });
    this.#channel = channel;
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('error', (error: Error) => this.destroy(error));
    channel.on('close', () => {
      const error = failure();
      if (error) this.destroy(error);
      else this.push(null);
    });
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: WriteCallback): void {
    this.#channel.write(chunk, done);
  }

  override _final(done: WriteCallback): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: WriteCallback): void {
    this.#channel.close();
    this.#channel.resume();
    done(error);
  }
}

function failed(target: HostTarget, title: string, status: number | string, said: string): AirferryError {
  const words = said.trim().split('\n').slice(-SAID_LINES).join('\n');
  const how = typeof status === 'string' ? `was ended by ${status}` : `failed with status ${status}`;
  return new AirferryError(
    'HOST_COMMAND_FAILED',
    `"${title}" ${how} on ${describeTarget(target)}${words ? `: ${words}` : ''}`,
    {
      where: { host: target.name },
      suggestions: ['Look into the log of the host (journalctl -e), then run the command again.'],
    },
  );
}
