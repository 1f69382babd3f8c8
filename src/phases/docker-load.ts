/** `docker load` on a host, watched: what is sent, what it says, and whether the image is there afterwards. */
import { sniffCompression } from '../content/media-types.ts';
import { AirferryError } from '../errors.ts';
import { quote } from '../host/quote.ts';
import type { Shell } from '../host/shell.ts';
import { describeTarget } from '../host/target.ts';
import { decompress } from '../support/compress.ts';
import { formatBytes, plural } from '../support/format.ts';
import { peek } from '../support/peek.ts';
import { type ImageLoad, loadArchive, ZSTD_SINCE } from '../transports/docker-load.ts';
import type { SequentialSource } from '../transports/source.ts';
import { dockerScript } from './docker-cli.ts';
import type { HostContext, Reporter } from './phase.ts';

/** Milliseconds for questions; loading itself takes as long as it takes. */
const ASK_TIMEOUT_MS = 120_000;

/** `load nginx:1.25 (12.3 MB; 4 of 5 layers are there)` */
export function describeLoad({ names, bytes, leftOut, image }: ImageLoad): string {
  const there = leftOut > 0 ? `; ${leftOut} of ${plural(image.layers.length, 'layer')} there already` : '';
  return `load ${names.join(', ')} (${formatBytes(bytes)}${there})`;
}

/**
 * Load one image, and look whether it is there: some errors are printed by `docker load` while its status is 0.
 * Throws LOAD_FAILED with what docker said, HOST_DISK_FULL, DIGEST_MISMATCH for a damaged source.
 */
export async function loadImage(
  { shell, signal }: Pick<HostContext, 'shell' | 'signal'>,
  load: ImageLoad,
  report: Pick<Reporter, 'note'>,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const result = await shell.run(dockerScript('docker load 2>&1'), {
    root: true,
    check: false,
    title: 'docker load',
    stdin: counted(loadArchive(load), bytes => onBytes(Math.min(bytes, load.bytes))),
    ...(signal ? { signal } : {}),
  });
  const said = result.stdout.trim();
  if (result.status !== 0) throw loadFailed(shell, load.names, said, result.status);
  const missing = await missingImages(shell, load);
  if (missing.length > 0) throw loadFailed(shell, missing, said, 0);
  for (const line of said.split('\n').filter(line => !/^Loaded image|^$/.test(line.trim())))
    report.note(line.trim());
}

/**
 * Load an archive that is compressed as a whole, as it is; only zstd is undone for engines that do not read it. Gives
 * back the names that docker says it loaded. Throws LOAD_FAILED, HOST_DISK_FULL.
 */
export async function loadWhole(
  { shell, signal }: Pick<HostContext, 'shell' | 'signal'>,
  source: SequentialSource,
  major: number,
  report: Reporter,
): Promise<string[]> {
  const { head, whole } = await peek(
    counted(source.whole(), bytes => report.progress(bytes, source.bytes)),
    4,
  );
  const zstd = sniffCompression(head) === 'zstd' && major < ZSTD_SINCE;
  const result = await shell.run(dockerScript('docker load 2>&1'), {
    root: true,
    check: false,
    title: 'docker load',
    stdin: zstd ? decompress(whole, 'zstd', source.description) : whole,
    ...(signal ? { signal } : {}),
  });
  const said = result.stdout.trim();
  const loaded = [...said.matchAll(/^Loaded image: (\S+)$/gm)].map(([, name = '']) => name);
  const anything = loaded.length > 0 || /^Loaded image ID:/m.test(said);
  if (result.status !== 0 || !anything) throw loadFailed(shell, [source.description], said, result.status);
  return loaded;
}

async function missingImages(shell: Shell, { names, id }: ImageLoad): Promise<string[]> {
  const script = dockerScript(
    `for n in ${names.map(quote).join(' ')}; do docker image inspect --format "{{.Id}} $n" "$n" 2>/dev/null; done; :`,
  );
  const { stdout } = await shell.run(script, {
    root: true,
    title: 'docker image inspect',
    timeoutMs: ASK_TIMEOUT_MS,
  });
  const lines = stdout.split('\n');
  return names.filter(name =>
    id === undefined ? !lines.some(line => line.endsWith(` ${name}`)) : !lines.includes(`${id} ${name}`),
  );
}

/** The error for images that did not arrive. */
function loadFailed(shell: Shell, names: readonly string[], said: string, status: number): AirferryError {
  const host = describeTarget(shell.target);
  const where = { host: shell.target.name };
  const what = said.split('\n').slice(-5).join('\n');
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    return new AirferryError(
      'HOST_DISK_FULL',
      `the disk of ${host} filled up while ${names.join(', ')} was loaded: ${what}`,
      {
        where,
        suggestions: [
          'Make room at the data root (docker system df; docker image prune), then run the same command again.',
          'docker load needs room for the archive besides that for the image.',
        ],
      },
    );
  }
  const how = status === 0 ? 'it is not there after docker load' : `docker load ended with status ${status}`;
  return new AirferryError(
    'LOAD_FAILED',
    `${names.join(', ')} could not be loaded on ${host}: ${how}${what ? `: ${what}` : ''}`,
    {
      where,
      suggestions: [
        'Check the source: airferry bundle verify.',
        'Look into the engine on the host: journalctl -u docker; then run the same command again.',
      ],
    },
  );
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
