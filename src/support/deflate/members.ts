/** Gzip members of blocks: of many blocks on threads of their own, of a single one right here. */
import { ThreadPool } from '../thread-pool.ts';
import { type CompiledModule, compiled, GzipEncoder } from './encoder.ts';
import { CODE } from './wasm.ts';

/** What a thread is told. The buffer becomes its own until it answers, so that nothing is copied. */
export interface MemberJob {
  block: Uint8Array<ArrayBuffer>;
  length: number;
}

/** The buffer comes back, to be filled again. */
export interface MemberAnswer {
  block: Uint8Array<ArrayBuffer>;
  member: Uint8Array<ArrayBuffer>;
}

/** Two keep up with what one thread reads, hashes and writes, and memory stays what it is. */
const THREADS = 2;
/** Enough for what Node needs in a thread; blocks lie outside of these heaps. A small nursery keeps memory down. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2 };
/** The same file under src and dist. */
const WORKER = new URL(import.meta.url.replace(/members(\.[jt]s)$/, 'worker$1'));

let module: CompiledModule | undefined;
let threads: ThreadPool<MemberAnswer> | undefined;
let encoder: GzipEncoder | undefined;

function code(): CompiledModule {
  module ??= compiled(Buffer.from(CODE, 'base64'));
  return module;
}

/** The member of a block, made on another thread: `block`, which must own its buffer whole, is unusable meanwhile. */
export function memberElsewhere(job: MemberJob): Promise<MemberAnswer> {
  threads ??= new ThreadPool({
    worker: WORKER,
    data: code(),
    does: 'compresses',
    threads: THREADS,
    depth: 2,
    limits: LIMITS,
  });
  const pool = threads;
  return new Promise((resolve, reject) => {
    pool.give({
      job,
      transfer: [job.block.buffer],
      lost: reject,
      answered(answer) {
        resolve(answer);
        return true;
      },
    });
  });
}

/** The same member, made at once: for what is too small to start a thread for it. */
export function memberHere({ block, length }: MemberJob): MemberAnswer {
  encoder ??= new GzipEncoder(code());
  return { block, member: encoder.member(block.subarray(0, length)) };
}
