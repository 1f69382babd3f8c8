/** What an engine has, asked by its API: what has to be known of it before images are loaded into it. */
import type { Digest } from '../../content/digest.ts';
import { chainIds } from '../../content/manifest.ts';
import type { Platform } from '../../content/platform.ts';
import { familiarName } from '../../content/reference.ts';
import type { EngineApi } from '../../engine/api/client.ts';
import { mapLimit } from '../../support/limit.ts';
import type { EngineStore } from '../docker-load.ts';
import type { StoreKind } from './foretell.ts';
import { QUESTIONS } from './select.ts';

export interface AskedStore extends EngineStore {
  kind: StoreKind;
  platform: Platform;
  /** IDs of all its images, those without a name, too. */
  ids: Set<Digest>;
  names: Map<string, Digest>;
  chains: Set<Digest>;
}

/** Ask an engine for its store: three questions, and one more for each image of the engine's own store. */
export async function askEngine(api: EngineApi): Promise<AskedStore> {
  const [info, platform, images] = await Promise.all([api.info(), api.platform(), api.images()]);
  const kind = info.containerdStore ? 'containerd' : 'classic';
  const ids = new Set(images.map(({ id }) => id));
  // With containerd's store archives are whole: its chains are of no use.
  const inspected = kind === 'classic' ? await mapLimit(ids, QUESTIONS, id => api.inspect(id)) : [];
  return {
    kind,
    major: Number(/^\d+/.exec(info.version)?.[0] ?? 0),
    platform,
    ids,
    names: new Map(images.flatMap(({ id, names }) => names.map(name => [familiarName(name), id]))),
    chains: new Set(inspected.flatMap(image => chainIds(image?.layers ?? []))),
  };
}
