/** One archive into an engine, watched: what it says, what it is called there, and whether it is what was sent. */
import type { Digest } from '../../content/digest.ts';
import { isDigest } from '../../content/digest.ts';
import { familiarName, parseReference, type Reference } from '../../content/reference.ts';
import type { EngineApi } from '../../engine/api/client.ts';
import type { InspectedImage } from '../../engine/api/images.ts';
import type { AirferryError } from '../../errors.ts';
import type { Meter } from '../../support/meter.ts';
import { loadFailure } from '../loaded.ts';
import type { Selection } from '../selection.ts';
import type { Bytes } from '../source.ts';
import type { AskedStore } from './store.ts';

export interface EngineLoadOptions extends Selection {
  meter: Meter;
  signal?: AbortSignal;
  /** Told what is no failure, and that the operator should know. */
  onNote?: (text: string) => void;
}

/** An engine that is loaded into, and what is known of it by now. */
export interface Loading {
  api: EngineApi;
  store: AskedStore;
  /** Told what the operator should know, and what is no failure. */
  onNote?: (text: string) => void;
}

/** What an engine says that it loaded. */
export interface Loaded {
  names: Reference[];
  /** Of images that came without a name. */
  ids: Digest[];
}

/**
 * Send an archive. `title` stands for it in messages. Throws LOAD_FAILED with what the engine said, HOST_DISK_FULL, and
 * what the archive's bytes throw.
 */
export async function loadBytes({ api, onNote }: Loading, archive: Bytes, title: string[]): Promise<Loaded> {
  const { lines, error } = await api.load(archive);
  if (error !== undefined) throw failed(api, title, 'the engine refuses it', error);
  const loaded: Loaded = { names: [], ids: [] };
  for (const line of lines) {
    const [, name] = /^Loaded image: (\S+)$/.exec(line) ?? [];
    const [, id] = /^Loaded image ID: (\S+)$/.exec(line) ?? [];
    if (isDigest(id)) loaded.ids.push(id);
    else if (name !== undefined) loaded.names.push(parseReference(name));
    else onNote?.(`${api.description}: ${line}`);
  }
  return loaded;
}

/** Give an image its names. The names that it has already are left alone. */
export async function nameImage(
  { api, store }: Loading,
  id: Digest,
  names: readonly Reference[],
): Promise<void> {
  for (const name of names) {
    const familiar = familiarName(name);
    if (store.names.get(familiar) === id) continue;
    await api.tag(id, name);
    store.names.set(familiar, id);
  }
}

/** What stands under a name, or an ID. Throws LOAD_FAILED when nothing does. */
export async function standing(api: EngineApi, image: Reference | Digest): Promise<InspectedImage> {
  const found = await api.inspect(image);
  if (found) return found;
  throw failed(api, [shown(image)], 'it is not there afterwards', '');
}

/** LOAD_FAILED, or HOST_DISK_FULL when that is why. */
export function failed(api: EngineApi, names: readonly string[], how: string, said: string): AirferryError {
  return loadFailure({
    names,
    place: `the engine at ${api.description}`,
    where: { url: api.description },
    how,
    said,
    room: [
      'Make room at the data root (docker system df; docker image prune), then run the same command again.',
      'An archive needs room beside that for the image while it is loaded.',
    ],
    advice: [
      'Check the source: `airferry image list SOURCE`, `airferry bundle verify BUNDLE`.',
      'Look into the engine (journalctl -u docker); then run the same command again.',
    ],
  });
}

export function shown(image: Reference | Digest): string {
  return typeof image === 'string' ? image : familiarName(image);
}
