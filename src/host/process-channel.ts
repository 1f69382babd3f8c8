/** A program of this machine, with the face of an SSH channel: what runs commands there runs them here as well. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

type WriteCallback = (error?: Error | null) => void;

/** Milliseconds between asking a program to end and ending it. */
const PATIENCE_MS = 2_000;

/**
 * Run a command line by `sh -c`, in a session of its own: a Ctrl-C at the terminal is for airferry to deal with, as it is
 * with commands elsewhere. Emits `exit` with a status or a signal, then `close`, as ssh2's channels do.
 */
export function processChannel(command: string): ClientChannel {
  return new ProcessChannel(command) as unknown as ClientChannel;
}

class ProcessChannel extends Duplex {
  readonly stderr: NodeJS.ReadableStream;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(command: string) {
    super({ autoDestroy: false, emitClose: false });
    const child = spawn('sh', ['-c', command], { detached: true, stdio: 'pipe' });
    this.#child = child;
    this.stderr = child.stderr;
    child.stdin.on('error', () => undefined);
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.once('error', () => this.emit('close'));
    child.once('close', (status, signal) => {
      this.push(null);
      if (signal) this.emit('exit', null, signal);
      else this.emit('exit', status);
      // Not before the reader has had what was said last.
      if (this.readableEnded) this.emit('close');
      else this.once('end', () => this.emit('close'));
    });
  }

  signal(name: string): void {
    this.#kill(`SIG${name}` as NodeJS.Signals);
  }

  /** End the program, if need be. */
  close(): void {
    this.#child.stdin.destroy();
    this.#kill('SIGTERM');
    setTimeout(() => this.#kill('SIGKILL'), PATIENCE_MS).unref();
  }

  override _read(): void {
    this.#child.stdout.resume();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: WriteCallback): void {
    // What a program that has ended does not read is lost, and no error.
    this.#child.stdin.write(chunk, () => done());
  }

  override _final(done: WriteCallback): void {
    this.#child.stdin.end();
    done();
  }

  #kill(signal: NodeJS.Signals): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Gone, or another user's by sudo: the end of its input ends it.
    }
  }
}
