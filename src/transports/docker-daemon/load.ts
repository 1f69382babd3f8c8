/**
 * Images into an engine through its API, each with only what the engine lacks, and a look at what stands there
 * afterwards. An archive that can be read in place is taken apart; another engine's images are sent on while they come,
 * without the layers that are there; what is compressed as a whole goes as it is, and its names are put right after.
 */

import { formatPlatform } from '../../content/platform.ts';
import { familiarName, type Reference } from '../../content/reference.ts';
import type { EngineApi } from '../../engine/api/client.ts';
import { AirferryError } from '../../errors.ts';
import type { Meter } from '../../support/meter.ts';
import { refuseAbsent, usesOfLayers } from '../absent.ts';
import { type ImageLoad, imagesFor, loadArchive, planLoads } from '../docker-load.ts';
import { differences } from '../loaded.ts';
import { lotsOf } from '../selection.ts';
import type { Bytes, ImageSource, RandomSource } from '../source.ts';
import { loadSaved } from './load-saved.ts';
import { loadWhole } from './load-whole.ts';
import { type EngineLoadOptions, failed, type Loading, loadBytes, nameImage, standing } from './loader.ts';
import { type EngineLoad, type EngineLoadReport, reportOf } from './report.ts';
import { isEngineSource } from './source.ts';
import { askEngine } from './store.ts';

/**
 * Load what `options` select: of an index the image for the engine's platform. Throws LOAD_FAILED with what the engine
 * said, HOST_DISK_FULL, PLATFORM_MISMATCH for a name that the source has for other platforms only, DIGEST_MISMATCH for a
 * damaged source, and what asking an engine throws. Images that were loaded before a failure stay.
 */
export async function loadIntoEngine(
  api: EngineApi,
  source: ImageSource,
  options: EngineLoadOptions,
): Promise<EngineLoadReport> {
  const { onNote } = options;
  const loading: Loading = { api, store: await askEngine(api), ...(onNote ? { onNote } : {}) };
  if (source.access === 'random') {
    const loads: EngineLoad[] = [];
    const { meter, signal } = options;
    for (const [i, lot] of lotsOf(options).entries()) {
      // Layers that an earlier lot brought are there now.
      if (i > 0) loading.store = await askEngine(api);
      loads.push(...(await loadRandom(loading, source, { ...lot, meter, ...(signal && { signal }) })));
    }
    return reportOf(loads);
  }
  if (isEngineSource(source)) return reportOf(await loadSaved(loading, source, options));
  return reportOf(await loadWhole(loading, source, options));
}

async function loadRandom(
  loading: Loading,
  original: RandomSource,
  options: EngineLoadOptions,
): Promise<EngineLoad[]> {
  const { api, store } = loading;
  const { meter, signal } = options;
  const { source, origins } = await renamed(original, options);
  const { platform } = store;
  const wanted = await imagesFor(source, { platform });
  refuseOthers(
    [...origins.keys()],
    wanted.flatMap(({ names }) => names),
    loading,
    source,
  );
  const loads = await planLoads(source, store, { platform });
  const sent = loads.filter(({ id }) => id === undefined || !store.ids.has(id)).flatMap(({ send }) => send);
  refuseAbsent(source.description, sent, `the engine at ${api.description} lacks them`, usesOfLayers(loads));
  const done: EngineLoad[] = [];
  for (const { bytes } of loads) meter.expect(bytes);
  for (const { image, names } of wanted) {
    signal?.throwIfAborted();
    const load = loads.find(load => load.names[0] === names[0]);
    const to = names.flatMap(name => origins.get(name)?.to ?? []);
    const from = names.flatMap(name => origins.get(name)?.from ?? []);
    const known = image.manifest && { source: image.manifest.descriptor.digest };
    const common = { from, to, ...known, platform: image.platform, layers: image.layers.length };
    const sizes = {
      layers: image.layers.length,
      bytes: load?.layers.reduce((sum, { size }) => sum + size, 0) ?? 0,
    };
    const there = load?.id ?? (load ? undefined : store.names.get(names[0] ?? ''));
    if (there !== undefined && (!load || store.ids.has(there))) {
      await nameImage(loading, there, to);
      if (load) meter.spare(load.bytes);
      done.push({ ...common, id: there, how: load ? 'tagged' : 'present', leftOut: sizes, bytes: 0 });
      continue;
    }
    if (!load) continue;
    const sent = { bytes: 0 };
    await loadBytes(loading, counted(loadArchive(load), load, meter, sent), names);
    const id = await checked(api, load, to);
    store.ids.add(id);
    for (const name of names) store.names.set(name, id);
    const leftOut = { layers: load.leftOut, bytes: sizes.bytes - load.bytes };
    done.push({ ...common, id, how: 'loaded', leftOut, bytes: sent.bytes });
  }
  return done;
}

/** Look under each name. Throws LOAD_FAILED for what is not there, or is another image. */
async function checked(
  api: EngineApi,
  load: ImageLoad,
  names: readonly Reference[],
): Promise<EngineLoad['id']> {
  let id = load.id;
  for (const name of names) {
    const found = await standing(api, name);
    const wrong = differences(load, { ...found, diffIds: found.layers });
    if (wrong.length > 0)
      throw failed(api, [familiarName(name)], `it is not what was sent: ${wrong.join('; ')}`, '');
    id = found.id;
  }
  return id ?? load.image.config.descriptor.digest;
}

interface Origin {
  from: Reference[];
  to: Reference;
}

/** The source under the names that its images get, and for each familiar name where it comes from. */
async function renamed(
  source: RandomSource,
  { names, platform }: EngineLoadOptions,
): Promise<{ source: RandomSource; origins: Map<string, Origin> }> {
  const { images, indexes } = await source.inventory();
  const origins = new Map<string, Origin>();
  const rename = <T extends { names: Reference[] }>(item: T): T => {
    const to = names(item.names);
    for (const name of to) origins.set(familiarName(name), { from: item.names, to: name });
    return { ...item, names: to };
  };
  const inventory = {
    images: images.filter(image => platform?.(image) ?? true).map(rename),
    indexes: indexes.map(rename),
  };
  return { source: { ...source, inventory: async () => inventory }, origins };
}

function refuseOthers(
  wanted: readonly string[],
  there: readonly string[],
  { api, store }: Loading,
  source: RandomSource,
): void {
  const others = wanted.filter(name => !there.includes(name));
  if (others.length === 0) return;
  throw new AirferryError(
    'PLATFORM_MISMATCH',
    `${source.description} has ${others.join(', ')}, but not for ${formatPlatform(store.platform)}, which the engine at ${api.description} runs on`,
    {
      where: { url: api.description },
      suggestions: ['`airferry image list SOURCE` shows the platforms of each image.'],
    },
  );
}

/** The meter knows of layers only; headers and documents of the archive are beyond it. */
async function* counted(
  archive: Bytes,
  { bytes }: ImageLoad,
  meter: Meter,
  sent: { bytes: number },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of archive) {
    yield chunk;
    meter.advance(Math.max(0, Math.min(bytes, sent.bytes + chunk.length) - sent.bytes));
    sent.bytes += chunk.length;
  }
}

export type { EngineLoadOptions } from './loader.ts';
export type { EngineLoad, EngineLoadReport } from './report.ts';
