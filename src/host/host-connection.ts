/** What the rest of airferry wants of a way to a host, be it SSH or this machine itself. */
import type { Duplex } from 'node:stream';
import type { ExecOptions, ExecResult } from './exec.ts';
import type { Incoming, ReverseForward } from './forward.ts';
import type { HostTarget } from './target.ts';

export interface HostConnection extends AsyncDisposable {
  readonly target: HostTarget;
  /** Resolves once the connection is over, for whatever reason. */
  readonly closed: Promise<void>;
  /** Run a command line, which a shell reads. A non-zero status is a result, no error. */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /** Run a command line whose stdin and stdout become one stream; `title` stands for it in messages. */
  openCommand(command: string, title: string): Promise<Duplex>;
  /** A connection to a unix socket there. */
  openSocket(path: string): Promise<Duplex>;
  /** A port on its loopback whose connections `onConnection` gets, each to be accepted or refused. */
  forwardIn(onConnection: (incoming: Incoming) => void): Promise<ReverseForward>;
  /** Milliseconds there and back. */
  roundTripMs(): Promise<number>;
  close(): Promise<void>;
}
