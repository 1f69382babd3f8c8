/**
 * From one engine into another, while the first saves and the second loads. Images that the second has are not asked for;
 * layers that it has are taken out of the stream. Images are asked for by ID and get their names afterwards, so that a
 * new name needs no tag of the old one in either engine.
 */
import type { Digest } from '../../content/digest.ts';
import { chainIds } from '../../content/manifest.ts';
import { sniffCompression } from '../../content/media-types.ts';
import { familiarName } from '../../content/reference.ts';
import { layerDifferences, platformDifference } from '../loaded.ts';
import { allNames } from '../selection.ts';
import type { Bytes } from '../source.ts';
import { readsZstd, zstdRefused } from '../zstd-layers.ts';
import { foretelling } from './foretell.ts';
import {
  type EngineLoadOptions,
  failed,
  type Loading,
  loadBytes,
  nameImage,
  shown,
  standing,
} from './loader.ts';
import type { EngineLoad } from './report.ts';
import type { SelectedImage } from './select.ts';
import type { EngineSource } from './source.ts';
import { thinned } from './thin.ts';

interface Wanted {
  image: SelectedImage;
  to: EngineLoad['to'];
}

/** Throws what `loadIntoEngine` throws. */
export async function loadSaved(
  loading: Loading,
  source: EngineSource,
  options: EngineLoadOptions,
): Promise<EngineLoad[]> {
  const { store } = loading;
  const wanted = source.engine.images
    .map(image => ({ image, to: allNames(options, image.names) }))
    .filter(({ image, to }) => to.length > 0 || (options.unnamed && image.names.length === 0));
  const alike = source.engine.store === store.kind;
  const done: EngineLoad[] = [];
  const rest: Wanted[] = [];
  for (const one of wanted) {
    if (alike && store.ids.has(one.image.id)) done.push(await present(loading, one));
    else rest.push(one);
  }
  // An ID of the other kind of store tells nothing here: one archive for each image tells which is which.
  const batches = alike && store.kind === 'classic' && rest.length > 0 ? [rest] : rest.map(one => [one]);
  options.meter.expect(rest.reduce((sum, { image }) => sum + image.size, 0));
  for (const batch of batches) {
    options.signal?.throwIfAborted();
    done.push(...(await loadBatch(loading, source, batch, options)));
  }
  return done;
}

async function present(loading: Loading, { image, to }: Wanted): Promise<EngineLoad> {
  const named = to.every(name => loading.store.names.get(familiarName(name)) === image.id);
  await nameImage(loading, image.id, to);
  const leftOut = { layers: image.layers.length, bytes: image.size };
  return { ...common(image, to), id: image.id, how: named ? 'present' : 'tagged', leftOut, bytes: 0 };
}

async function loadBatch(
  loading: Loading,
  source: EngineSource,
  batch: readonly Wanted[],
  { meter }: EngineLoadOptions,
): Promise<EngineLoad[]> {
  const { api, store } = loading;
  const { api: from, store: kind } = source.engine;
  const images = batch.map(({ image }) => image);
  const expected = images.reduce((sum, { size }) => sum + size, 0);
  const sent = { bytes: 0, came: 0, leftOut: 0, layers: new Set<Digest>() };
  async function* came(bytes: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      sent.came += chunk.length;
      meter.advance(
        Math.max(0, Math.min(expected, sent.came) - Math.min(expected, sent.came - chunk.length)),
      );
      yield chunk;
    }
    meter.spare(Math.max(0, expected - sent.came));
  }
  async function* goes(bytes: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of bytes) {
      yield chunk;
      sent.bytes += chunk.length;
    }
  }
  const saved = came(from.save(images.map(({ id }) => id)));
  const titles = images.map(({ names, id }) => shown(names[0] ?? id));
  const thin = kind === 'classic' && store.kind === 'classic';
  const archive = thin
    ? without(saved, source, images, loading, sent)
    : readsZstd(store)
      ? saved
      : refusingZstd(saved, source, titles, loading);
  const loaded = await loadBytes(loading, goes(archive), titles);
  const done: EngineLoad[] = [];
  for (const [i, { image, to }] of batch.entries()) {
    const id = kind === store.kind ? image.id : loaded.ids[0];
    if (id === undefined) throw failed(api, [titles[i] ?? ''], 'the engine does not say what it loaded', '');
    const found = await standing(api, id);
    const wrong = layerDifferences(image.layers, found.layers);
    const platform = platformDifference(image.platform, found.platform);
    if (platform) wrong.push(platform);
    if (wrong.length > 0)
      throw failed(api, [titles[i] ?? ''], `it is not what was sent: ${wrong.join('; ')}`, '');
    store.ids.add(id);
    for (const chain of chainIds(found.layers)) store.chains.add(chain);
    await nameImage(loading, id, to);
    const first = i === 0;
    const out = image.layers.filter(layer => sent.layers.has(layer)).length;
    done.push({
      ...common(image, to),
      id,
      how: 'loaded',
      leftOut: { layers: out, bytes: first ? sent.leftOut : 0 },
      bytes: first ? sent.bytes : 0,
    });
  }
  return done;
}

/**
 * A layer stays out when the other engine has it on top of the same layers, for every image here that counts it: the
 * archive has one file for all of them.
 */
function without(
  saved: Bytes,
  source: EngineSource,
  images: readonly SelectedImage[],
  { store }: Loading,
  sent: { leftOut: number; layers: Set<Digest> },
): Bytes {
  const lacking = new Set(
    images.flatMap(({ layers }) =>
      chainIds([...layers]).flatMap((chain, i) => (store.chains.has(chain) ? [] : (layers[i] as Digest))),
    ),
  );
  let tell: ReturnType<typeof foretelling> | undefined;
  return thinned(saved, {
    path: source.description,
    leaveOut: (path, documentAt) => {
      tell ??= foretelling('classic', images, documentAt);
      const diffId = tell(path)?.diffId;
      if (diffId === undefined || lacking.has(diffId)) return false;
      sent.layers.add(diffId);
      return true;
    },
    onLeftOut: bytes => {
      sent.leftOut += bytes;
    },
  });
}

/** The containerd store keeps layers as they were pulled; how large one is unpacked, a stream does not tell beforehand. */
function refusingZstd(
  saved: Bytes,
  source: EngineSource,
  [name = '']: readonly string[],
  { api, store }: Loading,
): Bytes {
  return thinned(saved, {
    path: source.description,
    leaveOut: () => false,
    look: (_, head) => {
      if (sniffCompression(head) !== 'zstd') return;
      throw zstdRefused(`${name} of ${source.description}`, store, {}, [
        `Take it by way of an archive, which is read twice: airferry image copy ${source.description}:${name} oci-archive:image.tar, then airferry image copy oci-archive:image.tar docker-daemon:${api.description}`,
      ]);
    },
  });
}

function common(
  { id, names, platform, layers }: SelectedImage,
  to: EngineLoad['to'],
): Pick<EngineLoad, 'from' | 'to' | 'source' | 'platform' | 'layers'> {
  return { from: names, to, source: id, platform, layers: layers.length };
}
