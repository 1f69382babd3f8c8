/** A thread that hashes stretches of files: see `hash-pool.ts`. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { HashAnswer, HashJob } from './hash-pool.ts';

/** Reads of this size let two threads share a disk whose head has to move between them. Bytes. */
const CHUNK = 2 * 1024 * 1024;
/** Bytes between two words on how far it is. */
const TELL = 32 * 1024 * 1024;

const buffer = Buffer.allocUnsafeSlow(CHUNK);
const files = new Map<string, number>();
const port = parentPort;

port?.on('message', (job: HashJob | 'end') => {
  if (job === 'end') {
    for (const fd of files.values()) closeSync(fd);
    port.close();
    return;
  }
  port.postMessage(answer(job));
});

function answer(job: HashJob): HashAnswer {
  const hash = createHash(job.algorithm);
  let untold = 0;
  for (const { file, offset, length } of job.stretches) {
    try {
      const fd = files.get(file) ?? openSync(file, 'r');
      files.set(file, fd);
      for (let at = 0; at < length; ) {
        const count = readSync(fd, buffer, 0, Math.min(CHUNK, length - at), offset + at);
        if (count === 0) break;
        hash.update(buffer.subarray(0, count));
        at += count;
        untold += count;
        if (untold < TELL) continue;
        port?.postMessage({ bytes: untold } satisfies HashAnswer);
        untold = 0;
      }
    } catch (cause) {
      return {
        bytes: untold,
        failed: { file, code: (cause as NodeJS.ErrnoException).code ?? String(cause) },
      };
    }
  }
  return { bytes: untold, hex: hash.digest('hex') };
}
