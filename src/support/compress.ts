/**
 * Compression on all cores without workers: the stream is cut into blocks, each block becomes a gzip member or a zstd
 * frame of its own on libuv's pool, and they are joined in order. RFC 1952 section 2.2 and RFC 8878 section 3 make such
 * a concatenation one valid file; Docker, containerd, GNU gzip and zstd read it as such. Same input, same bytes.
 */
import { availableParallelism } from 'node:os';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createGunzip, createZstdDecompress, gzip, zstdCompress } from 'node:zlib';
import { AirferryError, systemCode } from '../errors.ts';
import { litter } from './garbage.ts';
import { isIncompressible } from './incompressible.ts';
import { zstdFrames } from './zstd-frames.ts';

type Bytes = AsyncIterable<Uint8Array>;

const MiB = 1024 * 1024;
/** Level 4 is within 3 % of level 6 in size on root file systems, at nearly twice its speed. */
const GZIP_LEVEL = 4;
/** Larger hash tables in deflate: a tenth less time for 0.2 % more bytes, and some 130 kB for each thread. */
const GZIP_MEMORY = 9;
const ZSTD_LEVEL = 3;
/** Twice as much makes zstd's output one percent smaller, and has it hold on to far more memory. */
const BLOCK = MiB;
/** Beyond its input a block grows by less than this when nothing in it compresses: its output is always one piece. */
const SLACK = 16 * 1024;
/** Blocks under way at once; enough to keep every thread of the pool busy, few enough to keep memory flat. */
const AHEAD = Math.min(8, availableParallelism() + 1);

const gzipBlock = promisify(gzip) as (block: Uint8Array, options: object) => Promise<Buffer>;
const zstdBlock = promisify(zstdCompress) as (block: Uint8Array, options: object) => Promise<Buffer>;

/** Compress a stream with gzip. */
export function gzipStream(bytes: Bytes): Bytes {
  const options = { level: GZIP_LEVEL, memLevel: GZIP_MEMORY, chunkSize: BLOCK + SLACK };
  const stored = { ...options, level: 0 };
  return inBlocks(bytes, BLOCK, block => gzipBlock(block, isIncompressible(block) ? stored : options));
}

/** Compress a stream with zstd. */
export function zstdStream(bytes: Bytes): Bytes {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  return inBlocks(bytes, BLOCK, block => zstdBlock(block, { params, chunkSize: BLOCK + SLACK }));
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
      litter(chunk.length, 'minor');
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

/** The reader may keep what it is given; the blocks themselves are filled again as soon as they are compressed. */
async function* inBlocks(
  bytes: Bytes,
  size: number,
  compress: (block: Uint8Array) => Promise<Buffer>,
): Bytes & AsyncGenerator<Uint8Array> {
  const free: Uint8Array[] = [];
  const underway: Promise<Buffer>[] = [];
  let block: Uint8Array = Buffer.allocUnsafeSlow(size);
  let filled = 0;
  const start = (): void => {
    const full = block;
    const result = compress(full.subarray(0, filled)).finally(() => free.push(full));
    litter(size, 'major');
    // A block that fails while an earlier one is awaited must not count as unhandled.
    result.catch(() => undefined);
    underway.push(result);
    filled = 0;
  };
  try {
    let empty = true;
    for await (const chunk of bytes) {
      for (let at = 0; at < chunk.length; ) {
        if (filled === size) {
          start();
          if (underway.length >= AHEAD) yield (await underway.shift()) as Buffer;
          block = free.pop() ?? Buffer.allocUnsafeSlow(size);
        }
        const part = chunk.subarray(at, at + size - filled);
        block.set(part, filled);
        filled += part.length;
        at += part.length;
        empty = false;
      }
    }
    if (filled > 0 || empty) start();
    while (underway.length > 0) yield (await underway.shift()) as Buffer;
  } finally {
    await Promise.allSettled(underway);
  }
}
