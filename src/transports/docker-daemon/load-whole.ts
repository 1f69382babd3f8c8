/** An archive that is compressed as a whole into an engine, as it is; what its images are called is put right afterwards. */
import type { Digest } from '../../content/digest.ts';
import { sniffCompression } from '../../content/media-types.ts';
import { familiarName, formatReference, type Reference } from '../../content/reference.ts';
import { decompress } from '../../support/compress.ts';
import { peek } from '../../support/peek.ts';
import { allNames } from '../selection.ts';
import type { Bytes, SequentialSource } from '../source.ts';
import { readsZstd } from '../zstd-layers.ts';
import { type EngineLoadOptions, failed, type Loading, loadBytes, nameImage, standing } from './loader.ts';
import type { EngineLoad } from './report.ts';

/** Throws what `loadIntoEngine` throws. */
export async function loadWhole(
  loading: Loading,
  source: SequentialSource,
  options: EngineLoadOptions,
): Promise<EngineLoad[]> {
  const { api, store } = loading;
  const { meter } = options;
  const before = new Map(store.names);
  meter.expect(source.bytes);
  let bytes = 0;
  async function* counted(whole: Bytes): AsyncGenerator<Uint8Array> {
    for await (const chunk of whole) {
      yield chunk;
      bytes += chunk.length;
      meter.advance(chunk.length);
    }
  }
  const { head, whole } = await peek(counted(source.whole()), 4);
  const unread = sniffCompression(head) === 'zstd' && !readsZstd(store);
  const archive = unread ? decompress(whole, 'zstd', source.description) : whole;
  const { names, ids } = await loadBytes(loading, archive, [source.description]);
  if (names.length + ids.length === 0)
    throw failed(api, [source.description], 'the engine does not say that it loaded anything', '');
  const done: EngineLoad[] = [];
  const record = async (id: Digest, from: Reference[], to: Reference[]): Promise<void> => {
    const { platform, layers } = await standing(api, id);
    const first = done.length === 0;
    const leftOut = { layers: 0, bytes: 0 };
    done.push({
      from,
      to,
      id,
      platform,
      how: 'loaded',
      layers: layers.length,
      leftOut,
      bytes: first ? bytes : 0,
    });
  };
  const found: { name: Reference; id: Digest }[] = [];
  for (const name of names) {
    const { id } = await standing(api, name);
    found.push({ name, id });
    store.names.set(familiarName(name), id);
  }
  const wanted = new Set(found.flatMap(({ name }) => allNames(options, [name]).map(formatReference)));
  for (const { name, id } of found) {
    const to = allNames(options, [name]);
    await nameImage(loading, id, to);
    if (to.length > 0) await record(id, [name], to);
  }
  for (const { name } of found)
    if (!wanted.has(formatReference(name))) await restore(loading, name, before.get(familiarName(name)));
  for (const id of ids) if (options.unnamed) await record(id, [], allNames(options, []));
  return done;
}

/** Take a name back that only the archive wanted: it stands for what it stood for before, or for nothing. */
async function restore({ api, store }: Loading, name: Reference, before: Digest | undefined): Promise<void> {
  const familiar = familiarName(name);
  if (before === undefined) {
    await api.removeName(name);
    store.names.delete(familiar);
  } else if (before !== store.names.get(familiar)) {
    await api.tag(before, name);
    store.names.set(familiar, before);
  }
}
