/** A place that images come from or go to, opened. */
import type { CopyOptions, PreparedCopy } from '../transports/copy.ts';
import type { ImageSource } from '../transports/source.ts';

export interface OpenedSource {
  source: ImageSource;
  close(): Promise<void>;
}

/** Somewhere that images go: copies into it, one after the other, then an end. */
export interface Destination {
  /** For messages: `docker://hub.company.com`. */
  readonly description: string;
  /** Decide what is to be copied, so that the meter knows how much it is; then copy. */
  prepare(source: ImageSource, options: CopyOptions): Promise<PreparedCopy>;
  commit(): Promise<void>;
  /** After a failure: nothing half done stays. After `commit`: closes what was open. */
  discard(): Promise<void>;
}
