/** A thread that compresses blocks: see `block-pool.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import type { BlockAnswer, BlockJob } from './block-pool.ts';
import type { CompiledModule } from './deflate/encoder.ts';
import { BlockPacker } from './pack-block.ts';

const packer = new BlockPacker(() => workerData as CompiledModule);

parentPort?.on('message', ({ block, length, format }: BlockJob) => {
  const packed = packer.pack(block.subarray(0, length), format);
  parentPort?.postMessage({ block, packed } satisfies BlockAnswer, [block.buffer, packed.buffer]);
});
