/** Resolved images as sources of copies: those of one registry and for the same platforms together. */
import type { Lock } from '../../config/lock.ts';
import type { Recipe } from '../../config/recipe.ts';
import type { Digest } from '../../content/digest.ts';
import { formatPlatform, parsePlatform, platformMatches } from '../../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import { registrySource } from '../../transports/registry-source.ts';
import type { Selection } from '../../transports/selection.ts';
import type { Inventory, RandomSource, SourceImage } from '../../transports/source.ts';
import { inRecipe } from '../in-recipe.ts';
import { orderedSource } from './ordered-source.ts';
import { withPinnedReferrers } from './pinned-referrers.ts';
import type { Registries } from './registries.ts';
import type { ResolvedImage } from './resolve-images.ts';

/** A source, and what to copy of it. */
export interface FetchedGroup {
  source: RandomSource;
  selection: Selection;
  /** Whole sentences: which image lacks which of the platforms. */
  warnings: string[];
}

export interface GroupOptions {
  recipe: Pick<Recipe, 'file' | 'referrers'>;
  registries: Registries;
  /** Which signatures, SBOMs and attestations belong to an image stands here, too: they may become more. */
  lock: Lock;
  locked: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Manifests and configs are fetched here; layers when they are copied. The caller closes the registries. Throws what the
 * registries do, and PLATFORM_MISMATCH, at its place in the recipe, for an image that has nothing for its platforms.
 */
export async function openGroups(
  images: readonly ResolvedImage[],
  options: GroupOptions,
): Promise<FetchedGroup[]> {
  const groups = new Map<string, ResolvedImage[]>();
  for (const image of images) {
    const key = `${image.endpoint.registry} ${image.platforms.join(' ')}`;
    groups.set(key, [...(groups.get(key) ?? []), image]);
  }
  const opened: FetchedGroup[] = [];
  for (const group of groups.values()) opened.push(await openGroup(group, options));
  return opened;
}

async function openGroup(
  group: readonly ResolvedImage[],
  { recipe, registries, lock, locked, signal }: GroupOptions,
): Promise<FetchedGroup> {
  const [first] = group;
  if (!first) throw new Error('a group has at least one image');
  const wanted = first.platforms.map(parsePlatform);
  const platform = (offered: Parameters<typeof platformMatches>[1]): boolean =>
    wanted.some(one => platformMatches(one, offered));
  const names = new Map<string, Reference[]>();
  for (const image of group) {
    const key = formatReference(addressOf(image));
    names.set(key, [...(names.get(key) ?? []), nameInBundle(image)]);
  }
  const referrers = recipe.referrers && group.some(({ digest }) => lock.referrersOf(digest)?.length !== 0);
  const found = await inRecipe(recipe, first.at, () =>
    registrySource(registries.client(first.endpoint.registry), {
      images: distinct(group.map(addressOf)),
      platform,
      referrers,
      ...(signal && { signal }),
    }),
  );
  const source = recipe.referrers ? await withPinnedReferrers(found, group, { lock, locked }) : found;
  const inventory = await source.inventory();
  const warnings: string[] = [];
  for (const image of group)
    await inRecipe(recipe, image.at, () => warnings.push(...lacking(image, leaves(inventory, image.digest))));
  return {
    source: await orderedSource(
      source,
      group.map(({ digest }) => digest),
    ),
    selection: {
      unnamed: false,
      referrers: recipe.referrers,
      names: from => distinct(from.flatMap(name => names.get(formatReference(name)) ?? [])),
      platform: ({ platform: offered }) => platform(offered),
    },
    warnings,
  };
}

/** The images that a digest leads to, through indexes or at once. */
function leaves({ images, indexes }: Inventory, digest: Digest): SourceImage[] {
  const index = indexes.find(one => one.index.descriptor.digest === digest);
  if (index) return index.children.flatMap(child => leaves({ images, indexes }, child));
  return images.filter(({ manifest }) => manifest?.descriptor.digest === digest);
}

/** What is told of platforms that an image does not have. Throws PLATFORM_MISMATCH where it has none of them. */
function lacking(image: ResolvedImage, found: readonly SourceImage[]): string[] {
  if (found.some(({ artifactType }) => artifactType !== undefined)) return [];
  const missing = image.platforms.filter(
    wanted => !found.some(({ platform }) => platformMatches(parsePlatform(wanted), platform)),
  );
  const name = familiarName(image.name);
  if (missing.length < image.platforms.length)
    return missing.length === 0 ? [] : [`${name} has no image for ${missing.join(', ')}.`];
  const offered = [...new Set(found.map(({ platform }) => formatPlatform(platform)))];
  throw new AirferryError('PLATFORM_MISMATCH', `${name} has no image for ${missing.join(', ')}`, {
    suggestions: [
      ...(offered.length > 0 ? [`It has one for ${offered.join(', ')}.`] : []),
      'Change `platforms` in the recipe, or choose another image.',
    ],
  });
}

/** What it is asked for: where it lies, by its digest. */
function addressOf({ name, digest, endpoint }: ResolvedImage): Reference {
  const { registry, repository } = endpoint;
  return { registry, repository, ...(name.tag === undefined ? {} : { tag: name.tag }), digest };
}

/** As the recipe has it; a digest beside a tag may be that of an index of which a part stays behind. */
function nameInBundle({ name, as, digest: _ }: ResolvedImage): Reference {
  const { digest, ...tagged } = as ?? name;
  return tagged.tag === undefined && digest !== undefined ? { ...tagged, digest } : tagged;
}

function distinct(names: readonly Reference[]): Reference[] {
  return [...new Map(names.map(name => [formatReference(name), name])).values()];
}
