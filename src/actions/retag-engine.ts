/** New names for images of an engine: nothing but names changes. */
import { NO_PLATFORM } from '../content/artifact.ts';
import { formatReference } from '../content/reference.ts';
import type { ListedImage } from '../engine/api/images.ts';
import { type EngineRenaming, retagInEngine } from '../transports/docker-daemon/retag.ts';
import type { EngineLocation } from '../transports/location.ts';
import { changesNames, type NameChange, type NameRequest, planNames } from '../transports/names.ts';
import type { Retagged, RetagOptions } from '../transports/retag-in-place.ts';
import type { Inventory } from '../transports/source.ts';
import { connectedEngine, type EngineLogin } from './image-engines.ts';

/** Retag in an engine. Throws what `planNames` and engines throw. */
export async function retagInEngineAt(
  { engine }: EngineLocation,
  request: NameRequest,
  { dryRun, ...access }: RetagOptions & { login?: EngineLogin },
): Promise<Retagged> {
  const api = await connectedEngine(engine, access);
  try {
    const source = `docker-daemon:${api.description}`;
    const changes = planNames(inventoryOf(await api.images()), request, source);
    const changed = changesNames(changes) && !dryRun;
    if (changed) await retagInEngine(api, changes.flatMap(renamingOf));
    return { source, changes, changed };
  } finally {
    await api[Symbol.asyncDispose]();
  }
}

/** Names and IDs are all that an engine tells without being asked for each image, and all that renaming needs. */
function inventoryOf(images: readonly ListedImage[]): Inventory {
  return {
    indexes: [],
    images: images.map(({ id, names }) => ({
      names: [...names],
      platform: NO_PLATFORM,
      config: { descriptor: { mediaType: '', digest: id, size: 0 }, bytes: new Uint8Array() },
      layers: [],
    })),
  };
}

function renamingOf({ from, to, content }: NameChange): EngineRenaming[] {
  if (!from) return to.length > 0 ? [{ from: content, to }] : [];
  const before = formatReference(from);
  const added = to.filter(name => formatReference(name) !== before);
  const keep = added.length < to.length;
  return keep && added.length === 0 ? [] : [{ from, to: added, keep }];
}
