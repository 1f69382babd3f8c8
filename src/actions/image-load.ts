/** `image load`: images into the engines of hosts, each with only the layers that an engine lacks. */
import { parsePlatform } from '../content/platform.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { gatherFacts } from '../host/facts.ts';
import type { Shell } from '../host/shell.ts';
import { describeLoad, loadImage, loadWhole } from '../phases/docker-load.ts';
import { askStore } from '../phases/engine-store.ts';
import type { Reporter } from '../phases/phase.ts';
import { planLoads } from '../transports/docker-load.ts';
import { openImageSource } from '../transports/open.ts';
import type { ImageSource, RandomSource, SequentialSource } from '../transports/source.ts';
import type { ImageLoadOptions, ImageLoadResult } from './host-results.ts';
import { type HostRun, onEveryHost } from './host-run.ts';

/**
 * Load into every host of the fleet. Throws for the source alone: FILE_NOT_FOUND, ARCHIVE_INVALID, ARCHIVE_TRUNCATED;
 * USAGE for `only` with an archive that is compressed as a whole, which goes as it is or not at all.
 */
export async function imageLoad(options: ImageLoadOptions): Promise<ImageLoadResult> {
  const { dryRun = false } = options;
  const only = options.only?.map(name => familiarName(parseReference(name)));
  const source = await openImageSource(options.source);
  try {
    if (only && source.access === 'sequential') throw notInParts(source);
    const lock = dryRun ? undefined : { purpose: 'image load' };
    const hosts = await onEveryHost(options, {}, async run => {
      await run.connected(lock, shell => load(run, shell, source, { ...options, ...(only ? { only } : {}) }));
      return {};
    });
    return { hosts, dryRun };
  } finally {
    await source.close();
  }
}

async function load(
  run: HostRun,
  shell: Shell,
  source: ImageSource,
  options: ImageLoadOptions,
): Promise<void> {
  const { privilege, platform } = await run.step('gather-facts', () => gatherFacts(shell, { paths: [] }));
  if (privilege.how === 'none') throw privilege.problem;
  await run.step('load-images', async (report, changed) => {
    const loaded =
      source.access === 'random'
        ? await loadParts(shell, source, platform ?? 'linux/amd64', options, report)
        : await loadAsItIs(shell, source, options, report);
    changed.push(...loaded);
  });
}

async function loadParts(
  shell: Shell,
  source: RandomSource,
  platform: string,
  { only, dryRun, signal }: ImageLoadOptions,
  report: Reporter,
): Promise<string[]> {
  const selection = { platform: parsePlatform(platform), ...(only ? { only } : {}) };
  const loads = await planLoads(source, await askStore(shell), selection);
  const total = loads.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  for (const one of dryRun ? [] : loads) {
    await loadImage({ shell, ...(signal ? { signal } : {}) }, one, report, bytes =>
      report.progress(done + bytes, total),
    );
    done += one.bytes;
  }
  return loads.map(describeLoad);
}

async function loadAsItIs(
  shell: Shell,
  source: SequentialSource,
  { dryRun, signal }: ImageLoadOptions,
  report: Reporter,
): Promise<string[]> {
  const before = await askStore(shell);
  if (dryRun) return [`load all images of ${source.description}`];
  const names = await loadWhole({ shell, ...(signal ? { signal } : {}) }, source, before.major, report);
  const after = await askStore(shell);
  return names.filter(name => after.names.get(name) !== before.names.get(name)).map(name => `load ${name}`);
}

function notInParts(source: SequentialSource): AirferryError {
  return new AirferryError(
    'USAGE',
    `${source.description} is compressed as a whole: single images of it cannot be loaded`,
    {
      suggestions: [
        'Leave out --only, or decompress it first (gunzip, zstd -d): then only what is missing travels.',
      ],
    },
  );
}
