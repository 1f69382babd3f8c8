/** Hashing stretches of files on several cores: one thread reads and hashes one of them from its beginning to its end. */
import { Worker } from 'node:worker_threads';
import { type Stretch, unreadable } from './file.ts';

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

interface Order {
  job: HashJob;
  onBytes(bytes: number): void;
  resolve(hex: string): void;
  reject(error: unknown): void;
}

/** Two keep two cores busy; more would only make the head of a disk jump. */
const THREADS = 2;
/** The same file under src and dist. */
const WORKER = new URL(import.meta.url.replace(/hash-pool(\.[jt]s)$/, 'hash-worker$1'));

export class HashPool implements AsyncDisposable {
  readonly #waiting: Order[] = [];
  readonly #busy = new Map<Worker, Order>();
  readonly #idle: Worker[] = [];
  readonly #workers: Worker[] = [];

  /** The hash in hex. Throws FILE_NOT_FOUND, FILE_UNREADABLE; what the end of the pool throws. */
  hash(job: HashJob, onBytes: (bytes: number) => void = () => undefined): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, onBytes, resolve, reject });
      this.#next();
    });
  }

  /** End the threads, whatever they are doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) worker.removeAllListeners('exit');
    await Promise.all(this.#workers.map(worker => worker.terminate()));
  }

  #next(): void {
    if (this.#waiting.length === 0) return;
    const worker = this.#idle.pop() ?? (this.#workers.length < THREADS ? this.#start() : undefined);
    const order = worker && this.#waiting.shift();
    if (!order) return;
    this.#busy.set(worker, order);
    worker.postMessage(order.job);
  }

  #start(): Worker {
    // Flags of the process are for its first script: with --input-type a thread would not even start.
    const worker = new Worker(WORKER, { execArgv: [] });
    this.#workers.push(worker);
    worker.on('message', (answer: HashAnswer) => this.#answered(worker, answer));
    const lost = (error: unknown): void => this.#busy.get(worker)?.reject(error);
    worker.on('error', lost);
    worker.on('exit', code => lost(new Error(`a thread that hashes ended with ${code}`)));
    return worker;
  }

  #answered(worker: Worker, { bytes, hex, failed }: HashAnswer): void {
    const order = this.#busy.get(worker);
    order?.onBytes(bytes);
    if (hex === undefined && !failed) return;
    this.#busy.delete(worker);
    this.#idle.push(worker);
    if (failed)
      order?.reject(unreadable(failed.file, Object.assign(new Error(failed.code), { code: failed.code })));
    else order?.resolve(hex as string);
    this.#next();
  }
}
