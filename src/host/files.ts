/** Small files on a host: read whole, written whole. */
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { AirferryError } from '../errors.ts';
import { quote } from './quote.ts';
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

/** Files up to here are sent at once and not resumed; bytes. Larger ones are blobs: `uploadBlob`. */
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
export async function writeFile(
  shell: Shell,
  path: string,
  bytes: Uint8Array | string,
  { mode, owner, parents = false, root = true }: WriteFileOptions,
): Promise<void> {
  const content = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  if (content.length > MAX_WRITE) {
    throw new AirferryError(
      'INTERNAL',
      `${path} is too large to be written at once: ${content.length} bytes`,
    );
  }
  const folder = posix.dirname(path);
  const digest = createHash('sha256').update(content).digest('hex');
  const script = `set -e
f=${quote(path)}
if [ -d "$f" ] && [ ! -L "$f" ]; then echo "$f is a folder" >&2; exit ${FOLDER}; fi
${parents ? `mkdir -p -- ${quote(folder)}` : ''}
t=$(mktemp ${quote(posix.join(folder, `.${posix.basename(path).slice(0, 200)}.XXXXXX`))})
trap 'rm -f -- "$t"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$t"
set -- $(sha256sum < "$t")
if [ "$1" != ${digest} ]; then echo "only part of $f arrived" >&2; exit ${SHORT}; fi
chmod ${mode.toString(8).padStart(4, '0')} -- "$t"
${owner === undefined ? '' : `chown ${quote(owner)} -- "$t"`}
sync -- "$t" 2>/dev/null || sync
mv -f -T -- "$t" "$f"
trap - EXIT`;
  await shell.run(script, { root, stdin: content, title: `write ${path}`, timeoutMs: TIMEOUT_MS });
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
