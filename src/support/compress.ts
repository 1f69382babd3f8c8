/**
 * Compression on all cores: the stream is cut into blocks, each block becomes a gzip member or a zstd frame of its own,
 * on threads of our own, and they are joined in order. RFC 1952 section 2.2 and RFC 8878 section 3 make such a
 * concatenation one valid file; Docker, containerd, GNU gzip and zstd read it as such. Same input, same bytes.
 */
import { availableParallelism } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AirferryError, systemCode } from '../errors.ts';
import { type BlockJob, packElsewhere, packHere } from './block-pool.ts';
import { BLOCK } from './deflate/encoder.ts';
import { litter } from './garbage.ts';
import type { BlockFormat } from './pack-block.ts';
import { zstdFrames } from './zstd-frames.ts';

type Bytes = AsyncIterable<Uint8Array>;

const MiB = 1024 * 1024;
/** Blocks under way at once; enough to keep every thread busy, few enough to keep memory flat. */
const AHEAD = Math.min(8, availableParallelism() + 1);

/** Compress a stream with gzip. */
export function gzipStream(bytes: Bytes): Bytes {
  return inBlocks(bytes, 'gzip');
}

/** Compress a stream with zstd. */
export function zstdStream(bytes: Bytes): Bytes {
  return inBlocks(bytes, 'zstd');
}

/**
 * Undo gzip or zstd, several members or frames in a row included. What fails in `bytes` is thrown as it is; damage is
 * ARCHIVE_INVALID or ARCHIVE_TRUNCATED, in which `name` stands for the data.
 */
export async function* decompress(
  bytes: Bytes,
  compression: 'gzip' | 'zstd',
  name: string,
): AsyncGenerator<Uint8Array> {
  const decoder =
    compression === 'gzip' ? createGunzip({ chunkSize: MiB }) : createZstdDecompress({ chunkSize: MiB });
  const input = compression === 'gzip' ? bytes : zstdFrames(bytes);
  const source = Readable.from(input, { objectMode: false, highWaterMark: MiB });
  // The failure reaches the reader through the iterator; the callback only keeps it from being unhandled.
  pipeline(source, decoder, () => undefined);
  try {
    for await (const chunk of decoder as AsyncIterable<Uint8Array>) {
      litter(chunk.length);
      yield chunk;
    }
  } catch (error) {
    throw damage(error, compression, name);
  }
}

/** What the decoders say of damaged input, in words. */
function damage(cause: unknown, compression: string, name: string): unknown {
  const code = systemCode(cause) ?? '';
  if (!/^(?:Z_|ZSTD_)/.test(code)) return cause;
  const short = code === 'Z_BUF_ERROR';
  return new AirferryError(
    short ? 'ARCHIVE_TRUNCATED' : 'ARCHIVE_INVALID',
    short ? `${name} ends too early; it was cut short` : `${name} is damaged: it is not valid ${compression}`,
    {
      cause,
      suggestions: [`Copy or save it again; \`${compression} -t\` checks it.`],
    },
  );
}

/**
 * The reader may keep what it is given; the blocks themselves are filled again as soon as they are compressed. A block
 * that is the whole stream is `alone`.
 */
async function* inBlocks(bytes: Bytes, format: BlockFormat): Bytes & AsyncGenerator<Uint8Array> {
  const free: Uint8Array<ArrayBuffer>[] = [];
  const underway: Promise<Uint8Array>[] = [];
  let block = new Uint8Array(BLOCK);
  let length = 0;
  let alone = true;
  const start = async (job: BlockJob): Promise<Uint8Array> => {
    if (!alone) litter(BLOCK);
    const answer = alone ? packHere(job) : await packElsewhere(job);
    free.push(answer.block);
    return answer.packed;
  };
  const send = (): void => {
    const result = start({ block, length, format });
    // A block that fails while an earlier one is awaited must not count as unhandled.
    result.catch(() => undefined);
    underway.push(result);
    length = 0;
  };
  try {
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; ) {
        if (length === BLOCK) {
          alone = false;
          send();
          if (underway.length >= AHEAD) yield (await underway.shift()) as Uint8Array;
          block = free.pop() ?? new Uint8Array(BLOCK);
        }
        const part = chunk.subarray(at, at + BLOCK - length);
        block.set(part, length);
        length += part.length;
        at += part.length;
      }
    }
    if (length > 0 || alone) send();
    while (underway.length > 0) yield (await underway.shift()) as Uint8Array;
  } finally {
    await Promise.allSettled(underway);
  }
}
