/** `bundle update`: find anew what a recipe leaves to others, and move the lock there. */
import { Fetching, type FetchOptions } from '../bundle/fetch/fetching.ts';
import { lockName } from '../bundle/fetch/resolve-images.ts';
import { type WantedFile, wantedFiles } from '../bundle/fetch/wanted-files.ts';
import { type WantedImage, wantedImages } from '../bundle/fetch/wanted-images.ts';
import type { Lock, LockChange } from '../config/lock.ts';
import type { Recipe } from '../config/recipe.ts';
import { familiarName } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import type { Meter } from '../support/meter.ts';
import { closest } from '../support/suggest.ts';

export interface BundleUpdateOptions {
  recipe: Recipe;
  /** Images (`nginx:1.25`, or `nginx` for all of its tags), components (`engine`, `crictl`) or files; all images when empty. */
  names?: readonly string[];
  /** Ask, but fetch no files and write nothing. */
  dryRun?: boolean;
  fetch?: FetchOptions;
  meter: Meter;
  signal?: AbortSignal;
}

export interface BundleUpdated {
  /** The lock's path. */
  lock: string;
  changes: LockChange[];
  /** Entries of the lock that stay what they were. */
  unchanged: number;
  /** Addresses that are pinned only once they are fetched, which a dry run does not do. */
  unpinned: string[];
  dryRun: boolean;
  warnings: string[];
}

/**
 * Resolve names anew; files of publishers are versions, and stay pinned unless they are named. What the recipe does not
 * name any more leaves the lock. Throws USAGE for a name that the recipe does not have, and what fetching throws.
 */
export async function updateBundle(options: BundleUpdateOptions): Promise<BundleUpdated> {
  const { recipe, names = [], dryRun = false, meter, signal } = options;
  const { images } = await wantedImages(recipe);
  const files = await wantedFiles(recipe);
  const chosen = names.length === 0 ? { images, files: [] } : choose(names, images, files);
  const fetching = await Fetching.begin(recipe, { ...options.fetch, locked: false, meter, signal });
  const { lock } = fetching;
  try {
    release(lock, chosen);
    const resolved = await fetching.resolve();
    await fetching.openImages();
    if (names.length === 0) {
      lock.keepOnly(new Set(images.map(({ name }) => lockName(name))), 'images');
      lock.keepOnly(new Set(files.map(({ url }) => url)), 'downloads');
      lock.keepOnly(new Set(recipe.referrers ? resolved.map(({ digest }) => digest) : []), 'referrers');
    }
    if (!dryRun) {
      await fetching.fetchFiles();
      await lock.save();
    }
    const changes = lock.changes();
    const kept = new Set(changes.map(({ kind, name }) => `${kind} ${name}`));
    const entries = (['downloads', 'images', 'referrers'] as const).flatMap(kind =>
      lock.names(kind).map(name => `${kind} ${name}`),
    );
    return {
      lock: lock.file,
      changes,
      unchanged: entries.filter(entry => !kept.has(entry)).length,
      unpinned: files
        .filter(({ url, digest }) => !digest && !lock.digestOf(url))
        .map(({ url }) => url)
        .sort(),
      dryRun,
      warnings: fetching.warnings,
    };
  } finally {
    await fetching.close();
  }
}

interface Chosen {
  images: readonly WantedImage[];
  files: readonly WantedFile[];
}

function release(lock: Lock, { images, files }: Chosen): void {
  for (const { name } of images) {
    const key = lockName(name);
    const digest = name.digest ?? lock.digestOf(key, 'images');
    if (digest) lock.release(digest, 'referrers');
    lock.release(key, 'images');
  }
  for (const { url } of files) lock.release(url, 'downloads');
}

/** What names mean. Throws USAGE for one that means nothing. */
function choose(
  names: readonly string[],
  images: readonly WantedImage[],
  files: readonly WantedFile[],
): Chosen {
  const chosen = { images: new Set<WantedImage>(), files: new Set<WantedFile>() };
  for (const name of names) {
    const ofImages = images.filter(image => wordsFor(image).includes(name));
    const ofFiles = files.filter(({ component, fileName, url }) => [component, fileName, url].includes(name));
    for (const image of ofImages) chosen.images.add(image);
    for (const file of ofFiles) chosen.files.add(file);
    if (ofImages.length === 0 && ofFiles.length === 0) throw unknown(name, images, files);
  }
  return { images: [...chosen.images], files: [...chosen.files] };
}

/** An image with its tag and without, as Docker's users write it and in full. */
function wordsFor({ name }: WantedImage): string[] {
  const bare = { registry: name.registry, repository: name.repository };
  return [familiarName({ ...name, digest: undefined }), familiarName(bare), lockName(name), lockName(bare)];
}

function unknown(name: string, images: readonly WantedImage[], files: readonly WantedFile[]): AirferryError {
  const known = [
    ...images.map(image => familiarName({ ...image.name, digest: undefined })),
    ...files.map(({ component }) => component),
  ];
  const near = closest(name, known);
  return new AirferryError('USAGE', `the recipe fetches nothing called ${name}`, {
    suggestions: [
      ...(near === undefined ? [] : [`Did you mean ${near}?`]),
      known.length === 0
        ? 'It fetches nothing.'
        : `It fetches ${[...new Set(known)].slice(0, 10).join(', ')}.`,
    ],
  });
}
