/** Blobs to a host: content-addressed, hashed there, and continued where an interrupted upload ended. */
import { AirferryError } from '../errors.ts';
import { formatBytes } from '../support/format.ts';
import { mapLimit } from '../support/limit.ts';
import { LAYOUT } from './layout.ts';
import type { RunResult, Shell } from './shell.ts';
import { describeTarget } from './target.ts';
import {
  type Arrival,
  dropScript,
  pieceScript,
  prepareScript,
  receiveScript,
  sealScript,
  WRONG_HASH,
} from './upload-scripts.ts';

export interface BlobSource {
  /** `sha256:` and 64 hex digits. */
  digest: string;
  /** Bytes. */
  size: number;
  /** It is nowhere at hand, and these bases of a bundle had it: of use only for a host that has it. */
  absent?: readonly string[];
  /** The content from this byte on. It need not be checked: the host hashes what it gets. */
  open(offset: number): AsyncIterable<Uint8Array>;
  /** Throws when the content here is not what its digest says; asked once the host has found it wrong. */
  check?(): Promise<void>;
}

export interface UploadOptions {
  /** Told the bytes that are on the host, of `size`; begins with those of an earlier, interrupted upload. */
  onProgress?: (bytes: number, size: number) => void;
  signal?: AbortSignal;
  /** Folder of the blobs. Default that of the layout. */
  blobs?: string;
  /** Default true. */
  root?: boolean;
  /** Whether it survives a power cut. Default true; false for what is unpacked at once and hashed whenever it is met. */
  sync?: boolean;
}

export interface Uploaded {
  /** Where it is on the host. */
  path: string;
  /** Bytes that travelled; 0 when the host had it. */
  sent: number;
}

const DIGEST = /^sha256:([0-9a-f]{64})$/;
/** Hashing and syncing a large blob on a slow disk; milliseconds. */
const SETTLE_TIMEOUT_MS = 30 * 60_000;

/**
 * Where an answer takes this long, a channel mostly waits for its window (2 MiB in OpenSSH) to be opened again, and
 * several of them are faster; milliseconds there and back.
 */
const FAR_MS = 25;
/** Pieces under way to a host that is far away; a connection carries eight commands. */
const LANES = 6;
const PIECE = 4 * 1024 * 1024;

/**
 * Have a blob on the host. One that is there is hashed, not sent; a partial one is continued from its length. The file
 * gets its name only after the host has hashed it. Two uploads of one blob to one host must not run at once: the
 * host's lock sees to that between commands.
 * @throws {AirferryError} HOST_DISK_FULL (path, bytes needed), DIGEST_MISMATCH, HOST_CONNECTION_LOST; run again after
 *   the last, and it goes on from the same byte. What `source.check` throws for a source that is damaged.
 */
export async function uploadBlob(
  shell: Shell,
  source: BlobSource,
  options: UploadOptions = {},
): Promise<Uploaded> {
  const hex = DIGEST.exec(source.digest)?.[1];
  if (!hex) throw new AirferryError('DIGEST_INVALID', `"${source.digest}" is not a sha256 digest`);
  const upload = new Upload(shell, source, hex, options);
  const held = await upload.prepare();
  if (held === 'present') return { path: upload.path, sent: 0 };
  let sent = source.size - held;
  if (await upload.send(held)) return { path: upload.path, sent };
  if (held > 0) {
    sent += source.size;
    if (await upload.send(0)) return { path: upload.path, sent };
  }
  await source.check?.();
  throw new AirferryError(
    'DIGEST_MISMATCH',
    `${source.digest} arrived damaged on ${describeTarget(shell.target)}: its content has another hash there`,
    {
      where: { host: shell.target.name, blob: source.digest },
      suggestions: [
        'Check what is sent: airferry bundle verify.',
        'If it is intact, suspect memory or disk of the host (dmesg), then run the command again.',
      ],
    },
  );
}

class Upload {
  readonly path: string;
  readonly #shell: Shell;
  readonly #source: BlobSource;
  readonly #options: UploadOptions;
  readonly #arrival: Arrival;

  constructor(shell: Shell, source: BlobSource, hex: string, options: UploadOptions) {
    this.#shell = shell;
    this.#source = source;
    this.#options = options;
    const folder = `${options.blobs ?? LAYOUT.blobs}/sha256`;
    this.#arrival = { folder, hex, size: source.size, sync: options.sync ?? true };
    this.path = `${folder}/${hex}`;
  }

  /** Whether the blob is there and right, else how many bytes of it are. Refuses when the rest would not fit. */
  async prepare(): Promise<'present' | number> {
    const { stdout } = await this.#run(prepareScript(this.#arrival), 'prepare the upload');
    if (stdout.startsWith('present')) {
      this.#options.onProgress?.(this.#source.size, this.#source.size);
      return 'present';
    }
    const held = Number(/^part ([0-9]+)$/m.exec(stdout)?.[1] ?? 0);
    const free = /^free ([0-9]+)$/m.exec(stdout)?.[1];
    if (free !== undefined && Number(free) * 1024 < this.#source.size - held) {
      throw this.#diskFull(this.#source.size - held, Number(free) * 1024);
    }
    return held;
  }

  /**
   * Send from `offset`, and have the host hash the whole. False when the hash is wrong; the part is gone then. Gone it
   * is too when it cannot be written: a disk must not stay full for our sake. A lost connection leaves it.
   */
  async send(offset: number): Promise<boolean> {
    this.#options.onProgress?.(offset, this.#source.size);
    const result = await ((await this.#inPieces(offset)) ? this.#sendPieces(offset) : this.#sendAll(offset));
    if (result.status === 0) return true;
    if (result.status === WRONG_HASH) return false;
    throw this.#failure(result, offset);
  }

  async #inPieces(offset: number): Promise<boolean> {
    if (this.#source.size - offset <= 2 * PIECE) return false;
    const ms = await this.#shell.connection.roundTripMs?.();
    return ms !== undefined && ms >= FAR_MS;
  }

  #sendAll(offset: number): Promise<RunResult> {
    const onBytes = (bytes: number): void => this.#options.onProgress?.(offset + bytes, this.#source.size);
    return this.#tell(receiveScript(this.#arrival, offset), counted(this.#range(offset), onBytes));
  }

  /** Several pieces at a time, each by a command of its own. */
  async #sendPieces(offset: number): Promise<RunResult> {
    const { size } = this.#source;
    const starts: number[] = [];
    for (let start = offset; start < size; start += PIECE) starts.push(start);
    let sent = offset;
    let failed: RunResult | undefined;
    await mapLimit(starts, LANES, async start => {
      if (failed) return;
      const end = Math.min(start + PIECE, size);
      const bytes = counted(this.#range(start, end), (_, more) => {
        sent += more;
        this.#options.onProgress?.(sent, size);
      });
      const result = await this.#tell(pieceScript(this.#arrival, { start, end, whole: offset }), bytes);
      if (result.status !== 0) failed ??= result;
    });
    if (!failed) return this.#tell(sealScript(this.#arrival));
    if (this.#shell.failure(this.#title, failed).code === 'HOST_DISK_FULL')
      await this.#run(dropScript(this.#arrival), 'remove the part');
    return failed;
  }

  async *#range(from: number, to: number = this.#source.size): AsyncGenerator<Uint8Array> {
    let at = from;
    if (at >= to) return;
    for await (const chunk of this.#source.open(from)) {
      yield chunk.subarray(0, to - at);
      at += chunk.length;
      if (at >= to) return;
    }
  }

  #tell(script: string, stdin?: AsyncIterable<Uint8Array>): Promise<RunResult> {
    const options = { ...this.#runOptions, ...(stdin ? { stdin } : {}) };
    return this.#shell.run(script, { ...options, check: false, title: this.#title });
  }

  get #title(): string {
    return `upload ${this.path}`;
  }

  #failure(result: RunResult, offset: number): AirferryError {
    const error = this.#shell.failure(this.#title, result);
    return error.code === 'HOST_DISK_FULL' ? this.#diskFull(this.#source.size - offset) : error;
  }

  get #runOptions(): { root: boolean; signal?: AbortSignal } {
    const { root = true, signal } = this.#options;
    return { root, ...(signal ? { signal } : {}) };
  }

  #run(script: string, title: string): ReturnType<Shell['run']> {
    return this.#shell.run(script, { ...this.#runOptions, title, timeoutMs: SETTLE_TIMEOUT_MS });
  }

  #diskFull(needed: number, free?: number): AirferryError {
    const host = describeTarget(this.#shell.target);
    const has = free === undefined ? '' : `, and ${formatBytes(free)} are free`;
    return new AirferryError(
      'HOST_DISK_FULL',
      `the disk of ${host} is too full: ${this.#arrival.folder} needs ${formatBytes(needed)} (${needed} bytes) more${has}`,
      {
        where: { host: this.#shell.target.name, blob: this.#source.digest },
        suggestions: [
          `Make room on the host (df -h ${this.#arrival.folder}), then run the same command again: it goes on where it stopped.`,
        ],
      },
    );
  }
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (all: number, more: number) => void,
): AsyncGenerator<Uint8Array> {
  let all = 0;
  for await (const chunk of bytes) {
    yield chunk;
    all += chunk.length;
    onBytes(all, chunk.length);
  }
}
