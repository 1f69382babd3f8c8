/** `image load`: images into the runtimes of hosts, each in the way that moves least. */
import { trustOf } from '../bundle/sign/trust.ts';
import { openTrustedImages } from '../bundle/sign/trusted.ts';
import { parsePlatform } from '../content/platform.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import { gatherFacts } from '../host/facts.ts';
import type { Shell } from '../host/shell.ts';
import { describeLoad, foretold, ImageLoader, type LoadedImage } from '../phases/image-loader.ts';
import { loadWhole } from '../phases/load-archive.ts';
import type { Reporter } from '../phases/phase.ts';
import { chooseRuntime } from '../phases/runtimes/choose.ts';
import type { Runtime } from '../phases/runtimes/runtime.ts';
import { imagesFor, planLoads } from '../transports/docker-load.ts';
import type { ImageSource, RandomSource, SequentialSource } from '../transports/source.ts';
import type { ImageLoadHost, ImageLoadOptions, ImageLoadResult } from './host-results.ts';
import { type Extra, type HostRun, onEveryHost } from './host-run.ts';

/**
 * Load into every host of the fleet. Throws for the source and the trusted keys alone: SIGNATURE_*, KEY_INVALID, FILE_NOT_FOUND, ARCHIVE_INVALID, ARCHIVE_TRUNCATED;
 * USAGE for `only`, and for pulling, with an archive that is compressed as a whole: it goes as it is or not at all.
 */
export async function imageLoad(options: ImageLoadOptions): Promise<ImageLoadResult> {
  const { dryRun = false } = options;
  const only = options.only?.map(name => familiarName(parseReference(name)));
  const source = await openTrustedImages(options.source, await trustOf(options), options.from);
  try {
    if (source.access === 'sequential') {
      if (only) throw notInParts(source, 'single images of it cannot be loaded');
      if (options.via === 'pull') throw notInParts(source, 'it cannot be pulled from');
    }
    const lock = dryRun ? undefined : { purpose: 'image load' };
    const work = { ...options, ...(only ? { only } : {}) };
    const hosts = await onEveryHost<ImageLoadHost>(options, { images: [] }, run =>
      run.connected(lock, shell => load(run, shell, source, work)),
    );
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
): Promise<Extra<ImageLoadHost>> {
  const { privilege, platform = 'linux/amd64' } = await run.step('gather-facts', () =>
    gatherFacts(shell, { paths: [] }),
  );
  if (privilege.how === 'none') throw privilege.problem;
  return run.step('load-images', async (report, changed) => {
    const runtime = await chooseRuntime(shell, options);
    if (runtime.name !== 'docker') report.note(`images go into ${runtime.title}`);
    const target = { shell, runtime, report };
    const images =
      source.access === 'random'
        ? await loadParts(target, source, platform, options, changed)
        : await loadAsItIs(target, source, options, changed);
    return { runtime: runtime.title, images };
  });
}

interface Target {
  shell: Shell;
  runtime: Runtime;
  report: Reporter;
}

async function loadParts(
  { shell, runtime, report }: Target,
  source: RandomSource,
  platform: string,
  { only, dryRun, signal, via = 'auto' }: ImageLoadOptions,
  changed: string[],
): Promise<LoadedImage[]> {
  const selection = { platform: parsePlatform(platform), ...(only ? { only } : {}) };
  const names = (await imagesFor(source, selection)).flatMap(image => image.names);
  const store = await runtime.ask(shell, names);
  const loads = await planLoads(source, store, selection);
  const options = { shell, runtime, store, via, source: source.description, report };
  await using loader = new ImageLoader({ ...options, ...(signal ? { signal } : {}) });
  const planned = await loader.plan(loads);
  const total = planned.reduce((sum, one) => sum + foretold(one).bytes, 0);
  const images: LoadedImage[] = [];
  let done = 0;
  for (const one of planned) {
    const tell = (bytes: number): void => report.progress(Math.min(done + bytes, total), total);
    images.push(dryRun ? foretold(one) : await loader.load(one, tell));
    changed.push(describeLoad(one));
    done += foretold(one).bytes;
  }
  return images;
}

async function loadAsItIs(
  target: Target,
  source: SequentialSource,
  { dryRun, signal }: ImageLoadOptions,
  changed: string[],
): Promise<LoadedImage[]> {
  if (dryRun) {
    changed.push(`load all images of ${source.description}`);
    return [];
  }
  const loaded = await loadWhole({ ...target, ...(signal ? { signal } : {}) }, source, target.report);
  changed.push(...[...loaded.keys()].map(name => `load ${name}`));
  return [...loaded].map(([name, id]) => ({ names: [name], id, via: 'archive' }));
}

function notInParts(source: SequentialSource, what: string): AirferryError {
  return new AirferryError('USAGE', `${source.description} is compressed as a whole: ${what}`, {
    suggestions: ['Decompress it first (gunzip, zstd -d): then only what is missing travels.'],
  });
}
