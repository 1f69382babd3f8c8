/** A thread that compresses blocks: see `members.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { type CompiledModule, GzipEncoder } from './encoder.ts';
import type { MemberAnswer, MemberJob } from './members.ts';

const encoder = new GzipEncoder(workerData as CompiledModule);

parentPort?.on('message', ({ block, length }: MemberJob) => {
  const member = encoder.member(block.subarray(0, length));
  parentPort?.postMessage({ block, member } satisfies MemberAnswer, [block.buffer, member.buffer]);
});
