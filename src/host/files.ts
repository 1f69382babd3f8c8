/** Small files on a host: read whole, written whole. */
import { createHash, randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { AirferryError } from '../errors.ts';
import { command, quote } from './quote.ts';
import type { Shell } from './shell.ts';
import { describeTarget } from './target.ts';

export interface WriteFileOptions {
  /** Permission bits: `0o644`. */
  mode: number;
  /** `root`, `root:docker` … as chown takes it. Default: the writing user. */
  owner?: string;
  /** Make missing parent folders, with mode 0755. Default false: then a missing folder is an error. */
  parents?: boolean;
  /** Default true. */
  root?: boolean;
}

/** A file to be written. */
export interface WholeFile {
  path: string;
  content: Uint8Array | string;
  /** Permission bits: `0o644`. */
  mode: number;
}

/** Files up to here, all of one call together, are sent at once and not resumed; bytes. Larger ones are blobs: `uploadBlob`. */
const MAX_WRITE = 16 * 1024 * 1024;
/** Milliseconds; the files are small. */
const TIMEOUT_MS = 60_000;
const MISSING = 66;
const SHORT = 67;
const FOLDER = 68;

/**
 * Replace a file in one step: written under a temporary name in its folder, checked against its digest, synced, then
 * renamed. Whoever reads it finds the old content or the new, and on any failure the old.
 * @throws {AirferryError} HOST_COMMAND_FAILED, HOST_DISK_FULL and what a connection throws
 */
export function writeFile(
  shell: Shell,
  path: string,
  content: Uint8Array | string,
  { mode, ...options }: WriteFileOptions,
): Promise<void> {
  return writeFiles(shell, [{ path, content, mode }], options);
}

/**
 * The same for several files by one command: all of them have arrived, and are on the disk, before the first gets its
 * name. Their number is bounded by the length of a script: a few hundred.
 * @throws {AirferryError} as `writeFile`
 */
export async function writeFiles(
  shell: Shell,
  files: readonly WholeFile[],
  { owner, parents = false, root = true }: Omit<WriteFileOptions, 'mode'>,
): Promise<void> {
  const [first, ...others] = files;
  if (!first) return;
  const more = others.length > 0 ? ` and ${others.length} more` : '';
  const arriving = files.map(file => new Arriving(file));
  const size = arriving.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (size > MAX_WRITE) {
    throw new AirferryError(
      'INTERNAL',
      `${first.path}${more} is too large to be written at once: ${size} bytes`,
    );
  }
  const temporary = command(arriving.map(file => file.temporary));
  const script = `set -e
umask 077
${arriving.map(file => file.look(parents)).join('\n')}
clean() { rm -f -- ${temporary}; }
trap clean EXIT
trap 'exit 1' HUP INT TERM
set -C
${arriving.map(file => file.take()).join('\n')}
sha256sum -c - > /dev/null 2>&1 << 'END' || { echo ${quote(`only part of ${first.path}${more} arrived`)} >&2; exit ${SHORT}; }
${arriving.map(file => file.sum()).join('\n')}
END
${arriving.map(file => file.permit()).join('\n')}
${owner === undefined ? '' : `chown ${quote(owner)} -- ${temporary}`}
sync -- ${temporary} 2>/dev/null || sync
${arriving.map(file => file.name()).join('\n')}
trap - EXIT`;
  const stdin = Buffer.concat(arriving.map(({ bytes }) => bytes));
  await shell.run(script, { root, stdin, title: `write ${first.path}${more}`, timeoutMs: TIMEOUT_MS });
}

/** A file on its way, and the lines of the script that see to it. */
class Arriving {
  readonly bytes: Uint8Array;
  /** A name that nobody has guessed; it is opened only where there is nothing. */
  readonly temporary: string;
  readonly #file: WholeFile;
  readonly #folder: string;

  constructor(file: WholeFile) {
    this.bytes = typeof file.content === 'string' ? Buffer.from(file.content) : file.content;
    this.#file = file;
    this.#folder = posix.dirname(file.path);
    const name = posix.basename(file.path).slice(0, 200);
    this.temporary = posix.join(this.#folder, `.${name}.${randomBytes(6).toString('hex')}`);
  }

  look(parents: boolean): string {
    const [path, folder] = [quote(this.#file.path), quote(this.#folder)];
    const make = parents ? `\n[ -d ${folder} ] || (umask 022; mkdir -p -- ${folder})` : '';
    return `if [ -d ${path} ] && [ ! -L ${path} ]; then echo ${quote(`${this.#file.path} is a folder`)} >&2; exit ${FOLDER}; fi${make}`;
  }

  take(): string {
    return `dd bs=1048576 count=${this.bytes.length} iflag=fullblock,count_bytes status=none > ${quote(this.temporary)}`;
  }

  sum(): string {
    return `${createHash('sha256').update(this.bytes).digest('hex')}  ${this.temporary}`;
  }

  permit(): string {
    return `chmod ${this.#file.mode.toString(8).padStart(4, '0')} -- ${quote(this.temporary)}`;
  }

  name(): string {
    return `mv -f -T -- ${quote(this.temporary)} ${quote(this.#file.path)}`;
  }
}

/**
 * A file's content, or undefined when there is none.
 * @throws {AirferryError} HOST_COMMAND_FAILED when it is larger than `maxBytes`, or cannot be read
 */
export async function readFile(
  shell: Shell,
  path: string,
  { maxBytes, root = true }: { maxBytes: number; root?: boolean },
): Promise<Buffer | undefined> {
  const name = quote(path);
  const script = `if [ ! -e ${name} ]; then [ ! -L ${name} ] || echo 'a link that leads nowhere' >&2; exit ${MISSING}; fi
head -c ${maxBytes + 1} -- ${name}`;
  const title = `read ${path}`;
  const options = { root, check: false, maxOutput: maxBytes + 1, title, timeoutMs: TIMEOUT_MS };
  const result = await shell.run(script, options);
  if (result.status === MISSING) return undefined;
  if (result.status !== 0) throw shell.failure(title, result);
  if (result.bytes.length <= maxBytes) return result.bytes;
  throw new AirferryError(
    'HOST_COMMAND_FAILED',
    `${path} on ${describeTarget(shell.target)} is larger than expected: more than ${maxBytes} bytes`,
    {
      where: { host: shell.target.name, file: path },
      suggestions: ['Look at the file on the host: something else may have written it.'],
    },
  );
}
