/** From names to digests: what the lock pins, and what the registries say of the rest. */
import { type Lock, notLocked } from '../../config/lock.ts';
import type { Digest } from '../../content/digest.ts';
import { familiarName, formatReference, type Reference } from '../../content/reference.ts';
import { AirferryError, isAirferryError } from '../../errors.ts';
import { mapLimit } from '../../support/limit.ts';
import { inRecipe } from '../in-recipe.ts';
import type { Endpoint, Registries } from './registries.ts';
import type { WantedImage } from './wanted-images.ts';

/** An image whose content is known by its digest, and who has it. */
export interface ResolvedImage extends WantedImage {
  digest: Digest;
  endpoint: Endpoint;
}

export interface ResolveOptions {
  recipe: { file: string };
  lock: Lock;
  registries: Registries;
  /** Nothing new may be resolved. */
  locked: boolean;
  signal?: AbortSignal;
}

/** Questions to registries at once. */
const AT_ONCE = 8;

/** What stands in the lock for a name: with the tag, without a digest. */
export function lockName(name: Reference): string {
  return formatReference({ ...name, digest: undefined });
}

/**
 * Find the digest of each image, and pin what was not pinned before. Throws LOCK_INCOMPLETE where the lock may not grow;
 * IMAGE_NOT_FOUND and what the registries throw, at the place in the recipe.
 */
export async function resolveImages(
  wanted: readonly WantedImage[],
  options: ResolveOptions,
): Promise<{ images: ResolvedImage[]; warnings: string[] }> {
  const { lock, locked, recipe } = options;
  const missing = wanted.filter(({ name }) => !pinnedDigest(name, lock));
  if (locked && missing.length > 0)
    throw notLocked(
      lock,
      missing.map(({ name }) => `the image ${familiarName(name)}`),
    );
  const warnings = new Set<string>();
  const images = await mapLimit(wanted, AT_ONCE, image =>
    inRecipe(recipe, image.at, async () => {
      options.signal?.throwIfAborted();
      const { name } = image;
      const pinned = pinnedDigest(name, lock);
      const found = await find(name, pinned, options.registries, warnings);
      if (!found) throw notFound(name, pinned);
      if (!pinned) lock.pin(lockName(name), found.digest, 'images');
      return { ...image, ...found };
    }),
  );
  return { images, warnings: [...warnings].sort() };
}

/** What a name is known to be: its own digest goes before the lock. */
function pinnedDigest(name: Reference, lock: Lock): Digest | undefined {
  return name.digest ?? lock.digestOf(lockName(name), 'images');
}

/** Ask the mirrors, and last the registry. A mirror that fails is passed over with a warning. */
async function find(
  name: Reference,
  pinned: Digest | undefined,
  registries: Registries,
  warnings: Set<string>,
): Promise<{ digest: Digest; endpoint: Endpoint } | undefined> {
  for (const endpoint of registries.endpoints(name)) {
    const { registry, repository, mirror } = endpoint;
    try {
      const reference = pinned ?? name.tag ?? 'latest';
      const head = await registries.client(registry).headManifest(repository, reference);
      if (head) return { digest: pinned ?? head.digest, endpoint };
    } catch (error) {
      if (!mirror || !isAirferryError(error) || error.code === 'INTERRUPTED') throw error;
      if (!error.code.startsWith('REGISTRY_')) throw error;
      if (error.code !== 'REGISTRY_NOT_FOUND')
        warnings.add(`The mirror ${registry} was passed over: ${error.message}.`);
    }
  }
  return undefined;
}

function notFound(name: Reference, pinned: Digest | undefined): AirferryError {
  const { registry } = name;
  const familiar = familiarName(name);
  if (pinned && !name.digest)
    return new AirferryError(
      'IMAGE_NOT_FOUND',
      `the lock pins ${familiar} to ${pinned}, which ${registry} has no more`,
      { suggestions: [`Take what the tag stands for now: airferry bundle update ${familiar}.`] },
    );
  return new AirferryError('IMAGE_NOT_FOUND', `${registry} has no image ${familiar}`, {
    suggestions: [
      `See what there is with \`airferry registry list ${registry}\`; a private image needs \`airferry registry login ${registry}\`.`,
    ],
  });
}
