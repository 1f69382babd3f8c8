/** Blocks compressed: many of them on threads of their own, a single one right here. */
import { type CompiledModule, compiled } from './deflate/encoder.ts';
import { CODE } from './deflate/wasm.ts';
import { type BlockFormat, BlockPacker } from './pack-block.ts';
import { threadProgram } from './package-root.ts';
import { ThreadPool } from './thread-pool.ts';

/** What a thread is told. The buffer becomes its own until it answers, so that nothing is copied. */
export interface BlockJob {
  block: Uint8Array<ArrayBuffer>;
  /** Bytes of the block that are filled. */
  length: number;
  format: BlockFormat;
}

/** The buffer comes back, to be filled again. */
export interface BlockAnswer {
  block: Uint8Array<ArrayBuffer>;
  packed: Uint8Array<ArrayBuffer>;
}

/** Two keep up with what one thread reads, hashes and writes, and memory stays what it is. */
const THREADS = 2;
/** Enough for what Node needs in a thread; blocks lie outside of these heaps. A small nursery keeps memory down. */
const LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 2 };

let module: CompiledModule | undefined;
let threads: ThreadPool<BlockAnswer> | undefined;
const packer = new BlockPacker(code);

function code(): CompiledModule {
  module ??= compiled(Buffer.from(CODE, 'base64'));
  return module;
}

/** A block packed on another thread: `block`, which must own its buffer whole, is unusable meanwhile. */
export function packElsewhere(job: BlockJob): Promise<BlockAnswer> {
  threads ??= new ThreadPool({
    worker: threadProgram('block-worker'),
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

/** The same, made at once: for what is too small to start a thread for it. */
export function packHere({ block, length, format }: BlockJob): BlockAnswer {
  return { block, packed: packer.pack(block.subarray(0, length), format) };
}
