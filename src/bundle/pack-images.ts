/** Packing a recipe's images and files. */
import type { ImageSpec } from '../config/images.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Compression } from '../content/media-types.ts';
import { type Platform, parsePlatform, platformMatches } from '../content/platform.ts';
import { familiarName, parseReference, type Reference } from '../content/reference.ts';
import { AirferryError, isAirferryError } from '../errors.ts';
import { closest } from '../support/suggest.ts';
import { type CopyReport, prepareCopy } from '../transports/copy.ts';
import type { ImageSource } from '../transports/source.ts';
import type { ImageTarget } from '../transports/target.ts';
import { BLOBS_AT_ONCE } from './fetch/registries.ts';
import type { FetchedGroup } from './fetch/registry-images.ts';
import { wantedOther } from './fetch/wanted-files.ts';
import { inRecipe } from './in-recipe.ts';
import type { InputContext } from './inputs.ts';
import { fileInput } from './local-file.ts';
import { FILE_TYPE } from './manifest.ts';
import { openTrustedImages } from './sign/trusted.ts';
import type { BundleContent, BundleWriter } from './writer.ts';

/** A recipe's image sources, opened and looked through; `run` copies them in their order. */
export interface PreparedImages {
  run(): Promise<CopyReport[]>;
  close(): Promise<void>;
}

/**
 * Open every image source of a recipe, and put those that were fetched after them. Throws what opening throws, at the place
 * in the recipe.
 */
export async function prepareImages(
  writer: BundleWriter,
  recipe: Recipe,
  compression: Compression,
  fetched: readonly FetchedGroup[],
  context: InputContext,
): Promise<PreparedImages> {
  const platforms = recipe.platforms.map(parsePlatform);
  const sources: ImageSource[] = [];
  const copies: (() => Promise<CopyReport>)[] = [];
  const close = async (): Promise<void> => {
    for (const source of sources) await source.close();
  };
  try {
    for (const spec of recipe.images.filter(isLocal)) {
      await inRecipe(recipe, spec.at, async () => {
        const source = await openSpec(spec, context);
        sources.push(source);
        const wanted = new Wanted(spec, platforms);
        const { referrers } = recipe;
        const selection = { ...wanted.selection(), referrers };
        const copy = await sayingWhere(() =>
          prepareCopy(source, writer, { ...selection, compression, ...context }),
        );
        const check = (): void => wanted.assertFound(source.description, recipe.platforms);
        if (source.access === 'random' || source.complete) check();
        copies.push(() =>
          inRecipe(recipe, spec.at, async () => {
            const report = await copy.run();
            check();
            return report;
          }),
        );
      });
    }
    for (const { source, selection } of fetched) {
      sources.push(source);
      const copy = await prepareCopy(source, sideBySide(writer), { ...selection, compression, ...context });
      copies.push(() => copy.run());
    }
  } catch (error) {
    await close();
    throw error;
  }
  const run = async (): Promise<CopyReport[]> => {
    const reports: CopyReport[] = [];
    for (const copy of copies) reports.push(await copy());
    return reports;
  };
  return { run, close };
}

type LocalSpec = Extract<ImageSpec, { kind: 'archive' | 'oci' }>;

function isLocal(spec: ImageSpec): spec is LocalSpec {
  return spec.kind === 'archive' || spec.kind === 'oci';
}

/** The bundle as a target that takes several blobs at once. */
function sideBySide(writer: BundleWriter): ImageTarget {
  const { description, scope } = writer;
  return {
    description,
    scope,
    concurrency: BLOBS_AT_ONCE,
    holds: () => writer.holds(),
    putBlob: blob => writer.putBlob(blob),
    putManifest: (document, name) => writer.putManifest(document, name),
  };
}

/** The operator's files, with destination and mode. */
export async function packFiles(
  writer: BundleWriter,
  recipe: Recipe,
  context: InputContext,
): Promise<BundleContent['files']> {
  const files: BundleContent['files'] = [];
  for (const file of recipe.files) {
    const { from, to, mode, at } = file;
    const fetched = wantedOther(file);
    const open = (): AsyncIterable<Uint8Array> =>
      fetched ? context.files.open(fetched) : fileInput(from ?? '', context.meter).open();
    const put = await inRecipe(recipe, at, () => writer.putBlob({ mediaType: FILE_TYPE, open }));
    const { digest, size } = put.descriptor;
    files.push({ path: to, mode: `0${mode.toString(8).padStart(3, '0')}`, digest, size });
  }
  return files;
}

/** Here `--base` would leave more out, and not bring what is missing. */
async function sayingWhere<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isAirferryError(error, 'BUNDLE_BASE_MISSING')) throw error;
    const { code, message, where, suggestions } = error;
    const others = suggestions.filter(line => !line.includes('--base'));
    const advice = 'Name a bundle or a layout that has them in the recipe, beside the archive: base: [FILE].';
    throw new AirferryError(code, message, { where, suggestions: [advice, ...others] });
  }
}

function openSpec(spec: LocalSpec, { meter, trust }: InputContext): Promise<ImageSource> {
  switch (spec.kind) {
    case 'archive':
      return openTrustedImages(spec.path, trust, { meter, bases: spec.bases, parts: spec.parts });
    case 'oci':
      return openTrustedImages(spec.path, trust, {
        meter,
        fallbackName: spec.ref ? parseReference(spec.ref) : undefined,
      });
  }
}

/** Which images of a source a recipe wants, and whether they turned up. */
class Wanted {
  readonly #names: string[] | undefined;
  readonly #platforms: Platform[];
  readonly #found = new Set<string>();
  readonly #seen = new Set<string>();
  #anyPlatform = false;

  constructor(spec: LocalSpec, platforms: Platform[]) {
    const only = spec.kind === 'archive' ? spec.only : spec.ref === undefined ? undefined : [spec.ref];
    this.#names = only?.map(name => familiarName(parseReference(name)));
    this.#platforms = platforms;
  }

  selection(): Pick<Parameters<typeof prepareCopy>[2], 'names' | 'platform' | 'unnamed'> {
    return {
      unnamed: this.#names === undefined,
      names: from => from.filter(name => this.#wants(name)),
      platform: ({ platform }) => {
        const matches = this.#platforms.some(wanted => platformMatches(wanted, platform));
        this.#anyPlatform ||= matches;
        return matches;
      },
    };
  }

  /** Throws IMAGE_NOT_FOUND or PLATFORM_MISMATCH when the source had nothing for the recipe. */
  assertFound(source: string, platforms: string[]): void {
    const missing = this.#names?.find(name => !this.#found.has(name));
    if (missing !== undefined) {
      const near = closest(missing, this.#seen);
      throw new AirferryError('IMAGE_NOT_FOUND', `${source} has no image ${missing}`, {
        suggestions: [
          ...(near ? [`Did you mean ${near}?`] : []),
          `It has ${[...this.#seen].slice(0, 10).join(', ') || 'no named image'}.`,
        ],
      });
    }
    if (!this.#anyPlatform) {
      throw new AirferryError('PLATFORM_MISMATCH', `${source} has no image for ${platforms.join(', ')}`, {
        suggestions: [
          'Save the image on a machine of that architecture, or change `platforms` in the recipe.',
        ],
      });
    }
  }

  #wants(name: Reference): boolean {
    const familiar = familiarName(name);
    this.#seen.add(familiar);
    if (this.#names && !this.#names.includes(familiar)) return false;
    this.#found.add(familiar);
    return true;
  }
}
