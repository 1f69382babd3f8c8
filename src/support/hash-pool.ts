/** Hashing stretches of files on several cores: one thread reads and hashes one of them from its beginning to its end. */
import { type Stretch, unreadable } from './file.ts';
import { threadProgram } from './package-root.ts';
import { ThreadPool } from './thread-pool.ts';

/** What a thread is asked: the hash of stretches, one behind the other. */
export interface HashJob {
  algorithm: 'sha256' | 'sha512';
  stretches: readonly Stretch[];
}

/** `bytes` were done since the last answer; the last one has the hash, or what went wrong. */
export interface HashAnswer {
  bytes: number;
  hex?: string;
  failed?: { file: string; code: string };
}

/** Two keep two cores busy; more would only make the head of a disk jump. */
const THREADS = 2;

export class HashPool implements AsyncDisposable {
  readonly #threads = new ThreadPool<HashAnswer>({
    worker: threadProgram('hash-worker'),
    does: 'hashes',
    threads: THREADS,
    depth: 1,
  });

  /** The hash in hex. Throws FILE_NOT_FOUND, FILE_UNREADABLE; what the end of the pool throws. */
  hash(job: HashJob, onBytes: (bytes: number) => void = () => undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#threads.give({
        job,
        lost: reject,
        answered({ bytes, hex, failed }) {
          onBytes(bytes);
          if (failed) {
            const cause = Object.assign(new Error(failed.code), { code: failed.code });
            reject(unreadable(failed.file, cause));
          } else if (hex !== undefined) resolve(hex);
          return failed !== undefined || hex !== undefined;
        },
      });
    });
  }

  /** End the threads, whatever they are doing. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#threads[Symbol.asyncDispose]();
  }
}
