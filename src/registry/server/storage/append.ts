/** Bytes into a file as they come over the network: small pieces gathered, the disk at work while the next ones come. */
import type { FileHandle } from 'node:fs/promises';
import { CHUNK } from '../../../support/file.ts';
import { litter } from '../../../support/garbage.ts';

/**
 * Write bytes from an offset on. `passed` sees each piece once it is certain to be written, unless writing fails. When the
 * bytes break off, those that came are written before that is thrown.
 */
export async function appendTo(
  handle: FileHandle,
  offset: number,
  bytes: AsyncIterable<Uint8Array>,
  passed: (chunk: Uint8Array) => void,
): Promise<void> {
  let at = offset;
  let gathered: Uint8Array[] = [];
  let size = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (): Promise<void> => {
    await writing;
    if (size === 0) return;
    writing = writeAll(handle, gathered, at);
    writing.catch(() => undefined);
    at += size;
    gathered = [];
    size = 0;
  };
  try {
    for await (const chunk of bytes) {
      passed(chunk);
      litter(chunk.length);
      gathered.push(chunk);
      size += chunk.length;
      if (size >= CHUNK) await write();
    }
  } finally {
    await write();
    await writing;
  }
}

async function writeAll(handle: FileHandle, chunks: Uint8Array[], at: number): Promise<void> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  let { bytesWritten: done } = await handle.writev(chunks, at);
  if (done === total) return;
  const whole = Buffer.concat(chunks);
  while (done < total) done += (await handle.write(whole, done, total - done, at + done)).bytesWritten;
}
