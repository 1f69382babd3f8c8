/** Images into a runtime as archives on the stdin of its own program. Nothing of ours is staged on the host's disk. */
import { sniffCompression } from '../content/media-types.ts';
import type { Shell } from '../host/shell.ts';
import { decompress } from '../support/compress.ts';
import { peek } from '../support/peek.ts';
import { type ImageLoad, loadArchive } from '../transports/docker-load.ts';
import type { SequentialSource } from '../transports/source.ts';
import { readsZstd } from '../transports/zstd-layers.ts';
import { loadFailed } from './check-loaded.ts';
import type { Reporter } from './phase.ts';
import type { Runtime } from './runtimes/runtime.ts';

export interface Loading {
  shell: Shell;
  runtime: Runtime;
  signal?: AbortSignal;
}

/** What the runtime printed, and how many bytes it was given. */
export interface Archived {
  said: string;
  bytes: number;
}

/** Send one image. Throws LOAD_FAILED with what the runtime said, HOST_DISK_FULL, DIGEST_MISMATCH for a damaged source. */
export async function archiveInto(
  { shell, runtime, signal }: Loading,
  load: ImageLoad,
  onBytes: (bytes: number) => void,
): Promise<Archived> {
  let bytes = 0;
  const stream = counted(loadArchive(load), passed => {
    bytes = passed;
    onBytes(Math.min(passed, load.bytes));
  });
  const result = await shell.run(loadScript(shell, runtime, load.names), {
    root: true,
    check: false,
    title: `load into ${runtime.title}`,
    stdin: stream,
    ...(signal ? { signal } : {}),
  });
  const said = `${result.stdout}${result.stderr}`.trim();
  if (result.status !== 0) throw loadFailed(shell, runtime, load.names, ended(runtime, result.status), said);
  return { said, bytes };
}

/**
 * Load an archive that is compressed as a whole, as it is; only zstd is undone for a Docker that does not read it. Gives
 * back the names that stand for another image than before. Throws LOAD_FAILED, HOST_DISK_FULL.
 */
export async function loadWhole(
  { shell, runtime, signal }: Loading,
  source: SequentialSource,
  report: Reporter,
): Promise<Map<string, string>> {
  const script = loadScript(shell, runtime, [source.description]);
  const before = await runtime.ask(shell, []);
  const { head, whole } = await peek(
    counted(source.whole(), bytes => report.progress(bytes, source.bytes)),
    4,
  );
  const compression = sniffCompression(head);
  const unread = compression === 'zstd' && !readsZstd(before);
  const plain = before.kind !== 'classic' && compression !== 'none';
  const result = await shell.run(script, {
    root: true,
    check: false,
    title: `load into ${runtime.title}`,
    stdin: unread || plain ? decompress(whole, compression as 'gzip' | 'zstd', source.description) : whole,
    ...(signal ? { signal } : {}),
  });
  const said = `${result.stdout}${result.stderr}`.trim();
  if (result.status !== 0)
    throw loadFailed(shell, runtime, [source.description], ended(runtime, result.status), said);
  const after = await runtime.ask(shell, []);
  return new Map([...after.names].filter(([name, id]) => before.names.get(name) !== id));
}

function loadScript(shell: Shell, runtime: Runtime, names: readonly string[]): string {
  if (runtime.loadScript !== undefined) return runtime.loadScript;
  throw loadFailed(shell, runtime, names, `${runtime.title} takes no archives`, '');
}

function ended(runtime: Runtime, status: number): string {
  return `${runtime.title} ended with status ${status}`;
}

async function* counted(
  bytes: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let done = 0;
  for await (const chunk of bytes) {
    yield chunk;
    done += chunk.length;
    onBytes(done);
  }
}
