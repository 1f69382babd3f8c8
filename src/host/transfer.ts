/** Blobs to a host: content-addressed, hashed there, and continued where an interrupted upload ended. */
import { AirferryError } from '../errors.ts';
import { formatBytes } from '../support/format.ts';
import { LAYOUT } from './layout.ts';
import { quote } from './quote.ts';
import type { Shell } from './shell.ts';
import { describeTarget } from './target.ts';

export interface BlobSource {
  /** `sha256:` and 64 hex digits. */
  digest: string;
  /** Bytes. */
  size: number;
  /** The content from this byte on. */
  open(offset: number): AsyncIterable<Uint8Array>;
}

export interface UploadOptions {
  /** Told the bytes that are on the host, of `size`; begins with those of an earlier, interrupted upload. */
  onProgress?: (bytes: number, size: number) => void;
  signal?: AbortSignal;
  /** Folder of the blobs. Default that of the layout. */
  blobs?: string;
  /** Default true. */
  root?: boolean;
}

export interface Uploaded {
  /** Where it is on the host. */
  path: string;
  /** Bytes that travelled; 0 when the host had it. */
  sent: number;
}

const DIGEST = /^sha256:([0-9a-f]{64})$/;
const WRONG_HASH = 65;
/** Hashing and syncing a large blob on a slow disk; milliseconds. */
const SETTLE_TIMEOUT_MS = 30 * 60_000;

/**
 * Have a blob on the host. One that is there is hashed, not sent; a partial one is continued from its length. The file
 * gets its name only after the host has hashed it. Two uploads of one blob to one host must not run at once: the
 * host's lock sees to that between commands.
 * @throws {AirferryError} HOST_DISK_FULL (path, bytes needed), DIGEST_MISMATCH, HOST_CONNECTION_LOST; run again after
 *   the last, and it goes on from the same byte.
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
  readonly #hex: string;
  readonly #options: UploadOptions;
  readonly #folder: string;

  constructor(shell: Shell, source: BlobSource, hex: string, options: UploadOptions) {
    this.#shell = shell;
    this.#source = source;
    this.#hex = hex;
    this.#options = options;
    this.#folder = `${options.blobs ?? LAYOUT.blobs}/sha256`;
    this.path = `${this.#folder}/${hex}`;
  }

  get #names(): string {
    return `d=${quote(this.#folder)}; f=$d/${this.#hex}; p=$f.part; size=${this.#source.size}; want=${this.#hex}`;
  }

  /** Whether the blob is there and right, else how many bytes of it are. Refuses when the rest would not fit. */
  async prepare(): Promise<'present' | number> {
    const script = `set -e
${this.#names}
mkdir -p -- "$d"
hash() { set -- $(sha256sum < "$1"); echo "$1"; }
if [ -f "$f" ]; then
  if [ "$(stat -c %s -- "$f")" = "$size" ] && [ "$(hash "$f")" = "$want" ]; then echo present; exit 0; fi
  rm -f -- "$f"
fi
part=0
if [ -f "$p" ]; then part=$(stat -c %s -- "$p"); fi
if [ "$part" -gt "$size" ]; then rm -f -- "$p"; part=0; fi
echo "part $part"
df -P -k -- "$d" | { read -r line; read -r device blocks used free rest; echo "free $free"; }`;
    const { stdout } = await this.#run(script, 'prepare the upload');
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
   * Send from `offset`, then have the host hash the whole. False when the hash is wrong; the part is gone then. Gone it
   * is too when it cannot be written: a disk must not stay full for our sake. A lost connection leaves it.
   *
   * Written by position, not appended: the command of a connection that was lost may still be writing what it got, and
   * then both write the same bytes to the same places, and either may find that the other has finished.
   */
  async send(offset: number): Promise<boolean> {
    const script = `set -e
${this.#names}
dd of="$p" bs=1048576 iflag=fullblock seek=${offset} oflag=seek_bytes conv=notrunc,fsync status=none || {
  rm -f -- "$p"; exit 1
}
have=$(stat -c %s -- "$p" 2>/dev/null || stat -c %s -- "$f")
if [ "$have" -lt "$size" ]; then echo "only $have of $size bytes arrived" >&2; exit 1; fi
hash=$(sha256sum -- "$p" 2>/dev/null) || hash=$(sha256sum -- "$f")
if [ "\${hash%% *}" != "$want" ]; then rm -f -- "$p"; exit ${WRONG_HASH}; fi
mv -f -- "$p" "$f" 2>/dev/null || [ -f "$f" ]`;
    const title = `upload ${this.path}`;
    const stdin = this.#counted(offset);
    const result = await this.#shell.run(script, {
      ...this.#runOptions,
      stdin,
      check: false,
      title,
    });
    if (result.status === 0) return true;
    if (result.status === WRONG_HASH) return false;
    const error = this.#shell.failure(title, result);
    throw error.code === 'HOST_DISK_FULL' ? this.#diskFull(this.#source.size - offset) : error;
  }

  async *#counted(offset: number): AsyncGenerator<Uint8Array> {
    let done = offset;
    this.#options.onProgress?.(done, this.#source.size);
    if (offset >= this.#source.size) return;
    for await (const chunk of this.#source.open(offset)) {
      yield chunk;
      done += chunk.length;
      this.#options.onProgress?.(done, this.#source.size);
    }
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
      `the disk of ${host} is too full: ${this.#folder} needs ${formatBytes(needed)} (${needed} bytes) more${has}`,
      {
        where: { host: this.#shell.target.name, blob: this.#source.digest },
        suggestions: [
          `Make room on the host (df -h ${this.#folder}), then run the same command again: it goes on where it stopped.`,
        ],
      },
    );
  }
}
