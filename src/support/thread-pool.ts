/**
 * A few threads that do the same work side by side. They are started when there is something to do, keep no process
 * alive that has nothing else to wait for, and are ended once nobody had work for them for a while.
 */
import { type ResourceLimits, type TransferListItem, Worker } from 'node:worker_threads';

export interface PoolOptions {
  /** The module that the threads run. */
  worker: URL;
  /** What it finds as its `workerData`. */
  data?: unknown;
  /** What the threads do, to be told when one of them is lost: `hashes`. */
  does: string;
  /** Most threads at once. */
  threads: number;
  /** Orders that a thread has at most: with two the next is at hand when one is done. */
  depth: number;
  limits?: ResourceLimits;
}

/** One piece of work: what the thread is told, what becomes its own by that, and what its answers mean. */
export interface Order<Answer> {
  job: unknown;
  transfer?: TransferListItem[];
  /** Whether this was the last answer; threads answer orders one after another, as they came. */
  answered(answer: Answer): boolean;
  lost(error: unknown): void;
}

/** How long threads without work are kept, in milliseconds. Starting one costs a few dozen. */
const KEEP_MS = 1000;

export class ThreadPool<Answer> implements AsyncDisposable {
  readonly #options: PoolOptions;
  readonly #waiting: Order<Answer>[] = [];
  readonly #orders = new Map<Worker, Order<Answer>[]>();
  #rest: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Have a thread do this; orders start in the order in which they came. */
  give(order: Order<Answer>): void {
    clearTimeout(this.#rest);
    this.#waiting.push(order);
    this.#next();
  }

  /** End the threads, whatever they are doing. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#rest);
    const workers = [...this.#orders.keys()];
    this.#orders.clear();
    for (const worker of workers) worker.removeAllListeners('exit');
    await Promise.all(workers.map(worker => worker.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#free();
      if (!worker) return;
      const order = this.#waiting.shift() as Order<Answer>;
      const orders = this.#orders.get(worker) as Order<Answer>[];
      if (orders.push(order) === 1) worker.ref();
      worker.postMessage(order.job, order.transfer);
    }
  }

  /** The thread with the least to do, or a new one before any has to wait. */
  #free(): Worker | undefined {
    let free: Worker | undefined;
    let least = this.#options.depth;
    for (const [worker, orders] of this.#orders) {
      if (orders.length >= least) continue;
      free = worker;
      least = orders.length;
    }
    return least > 0 && this.#orders.size < this.#options.threads ? this.#start() : free;
  }

  #start(): Worker {
    const { worker: module, data, limits, does } = this.#options;
    // Flags of the process are for its first script: with --input-type a thread would not even start.
    const worker = new Worker(module, {
      execArgv: [],
      workerData: data,
      ...(limits ? { resourceLimits: limits } : {}),
    });
    this.#orders.set(worker, []);
    worker.on('message', (answer: Answer) => this.#answered(worker, answer));
    worker.on('error', error => this.#lost(worker, error));
    worker.on('exit', code => this.#lost(worker, new Error(`a thread that ${does} ended with ${code}`)));
    return worker;
  }

  #answered(worker: Worker, answer: Answer): void {
    const orders = this.#orders.get(worker);
    if (!orders?.[0]?.answered(answer)) return;
    orders.shift();
    if (orders.length === 0) worker.unref();
    this.#next();
    if ([...this.#orders.values()].every(left => left.length === 0)) this.#endSoon();
  }

  /** Its orders fail; those that still wait go to others. */
  #lost(worker: Worker, error: unknown): void {
    const orders = this.#orders.get(worker) ?? [];
    this.#orders.delete(worker);
    for (const order of orders) order.lost(error);
    this.#next();
  }

  #endSoon(): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => void this[Symbol.asyncDispose](), KEEP_MS).unref();
  }
}
