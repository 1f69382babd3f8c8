/** New names for images in an engine: nothing but names moves. */
import type { Digest } from '../../content/digest.ts';
import { formatReference, type Reference } from '../../content/reference.ts';
import type { EngineApi } from '../../engine/api/client.ts';
import { AirferryError } from '../../errors.ts';
import { shown } from './loader.ts';

export interface EngineRenaming {
  from: Reference | Digest;
  to: readonly Reference[];
  /** Whether the old name stays, too. Default true. */
  keep?: boolean;
}

export interface EngineRenamed {
  from: Reference | Digest;
  to: Reference[];
  id: Digest;
}

/**
 * Rename images. All are looked up before the first name changes, so that two may change places; old names are taken away
 * last, so that no image is ever without one. Throws IMAGE_NOT_FOUND before anything changes, and what asking throws.
 */
export async function retagInEngine(
  api: EngineApi,
  renamings: readonly EngineRenaming[],
): Promise<EngineRenamed[]> {
  const found: EngineRenamed[] = [];
  for (const { from, to } of renamings) {
    const image = await api.inspect(from);
    if (!image) {
      throw new AirferryError(
        'IMAGE_NOT_FOUND',
        `the engine at ${api.description} has no image ${shown(from)}`,
        {
          where: { url: api.description },
          suggestions: ['`docker image ls` there shows what it has.'],
        },
      );
    }
    found.push({ from, to: [...to], id: image.id });
  }
  for (const { id, to } of found) for (const name of to) await api.tag(id, name);
  const given = new Set(found.flatMap(({ to }) => to.map(formatReference)));
  for (const { from, keep = true } of renamings)
    if (!keep && typeof from === 'object' && !given.has(formatReference(from))) await api.removeName(from);
  return found;
}
