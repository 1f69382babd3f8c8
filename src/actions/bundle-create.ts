/** `bundle create`: pack what a recipe names into one file that can be read in place. */

import { FarSide } from '../bundle/delta/far-side.ts';
import { Fetching, type FetchOptions } from '../bundle/fetch/fetching.ts';
import { componentsOf } from '../bundle/fetch/wanted-files.ts';
import { inRecipe } from '../bundle/in-recipe.ts';
import type { InputContext } from '../bundle/inputs.ts';
import { fileSize } from '../bundle/local-file.ts';
import { packCompose, packDaemonJson, packEngine, packUnits } from '../bundle/pack-engine.ts';
import { packFiles, prepareImages } from '../bundle/pack-images.ts';
import { packTools } from '../bundle/pack-tools.ts';
import type { SecretKey } from '../bundle/sign/secret-key.ts';
import { type Signed, signPending } from '../bundle/sign/sign.ts';
import { type TrustOptions, trustOf } from '../bundle/sign/trust.ts';
import { BundleWriter } from '../bundle/writer.ts';
import type { LockChange } from '../config/lock.ts';
import type { Recipe } from '../config/recipe.ts';
import type { Digest } from '../content/digest.ts';
import type { Compression } from '../content/media-types.ts';
import { familiarName } from '../content/reference.ts';
import type { Meter } from '../support/meter.ts';
import { PendingFile } from '../support/write-file.ts';
import { type PartsOptions, PendingParts, type WrittenPart } from '../transports/parts/pending.ts';

export interface BundleCreateOptions extends Pick<TrustOptions, 'trustedKeys'> {
  recipe: Recipe;
  /** The bundle's path; an existing file is replaced once the new one is whole. */
  output: string;
  /** For layers that come uncompressed. Default: what the recipe says, else gzip, which every engine reads. */
  compression?: Compression;
  /** The key that signs it, and what it says in place of when and of what. */
  sign?: { key: SecretKey; comment?: string };
  /** What the far side has: bundles, archives and layouts, and receipts. It is named, and left out. */
  bases?: readonly string[];
  receipts?: readonly string[];
  /** Write it as parts, whose names begin with `output`. */
  parts?: PartsOptions;
  /** Cache, mirrors, and whether the lock may grow. */
  fetch?: FetchOptions;
  meter: Meter;
  signal?: AbortSignal;
}

export interface BundleCreated {
  path: string;
  name: string;
  version: string;
  /** Of the manifest; it stands for the whole bundle. */
  digest: Digest;
  /** Bytes of the file. */
  size: number;
  blobs: number;
  /** What was left out, since the far side has it. */
  leftOut?: { blobs: number; bytes: number; bases: string[] };
  /** Where it is in parts: in order, the parity part last. */
  parts?: WrittenPart[];
  signed?: Signed;
  images: string[];
  /** Bytes that were read of the inputs. */
  inputBytes: number;
  /** What was resolved for the first time, and stands in the lock from now on. */
  pinned: LockChange[];
  warnings: string[];
}

/**
 * Create a bundle. Nothing stands under the output's name before it is complete. Throws what the inputs deserve, with
 * the place in the recipe; DISK_FULL and FILE_UNWRITABLE for the output; INTERRUPTED when the signal says so.
 */
export async function createBundle(options: BundleCreateOptions): Promise<BundleCreated> {
  const { recipe, output, meter, signal } = options;
  const { daemon, warnings } = await packDaemonJson(recipe);
  await expectFiles(recipe, meter);
  const fetching = await Fetching.begin(recipe, { ...options.fetch, meter, signal });
  const unsigned: string[] = [];
  const trust = await trustOf({ ...options, onUnsigned: word => unsigned.push(word) });
  const context: InputContext = { meter, signal, files: fetching.files, trust };
  const farSide = await FarSide.of(options.bases ?? [], options.receipts ?? []);
  const file = await (options.parts
    ? PendingParts.create(output, options.parts)
    : PendingFile.create(output));
  try {
    // Of what is left out nothing is fetched at all.
    const fetched = await fetching.fetch({ ahead: farSide === undefined });
    const writer = new BundleWriter(file, { ...(farSide && { farSide }), ...(signal && { signal }) });
    const images = await prepareImages(
      writer,
      recipe,
      options.compression ?? recipe.compression ?? 'gzip',
      fetched,
      context,
    );
    try {
      const { engine, warnings: archiveWarnings } = await packEngine(writer, recipe, context);
      const compose = await packCompose(writer, recipe, context);
      const units = await packUnits(writer, recipe, context);
      const reports = await images.run();
      const files = [
        ...(await packFiles(writer, recipe, context)),
        ...(await packTools(writer, recipe, context)),
      ];
      const { name, version, platforms } = recipe;
      const content = { name, version, platforms, engine, compose, units, daemon, files };
      const { digest, blobs, manifest } = await writer.finish(content);
      const { sign } = options;
      const signed =
        sign && (await signPending(file, { name, version, digest, manifest }, sign.key, sign.comment));
      if (file instanceof PendingParts) file.identify({ name, version, digest });
      const pinned = fetching.lock.changes();
      await file.commit();
      await fetching.lock.save();
      const names = reports.flatMap(report => report.images.flatMap(image => image.to.map(familiarName)));
      return {
        path: output,
        name,
        version,
        digest,
        size: file.position,
        blobs,
        ...(farSide && { leftOut: farSide.summary }),
        ...(file instanceof PendingParts && { parts: file.written }),
        ...(signed && { signed }),
        images: names,
        inputBytes: meter.progress.done,
        pinned,
        warnings: [...warnings, ...unsigned, ...fetching.warnings, ...archiveWarnings],
      };
    } finally {
      await images.close();
    }
  } catch (error) {
    await file.discard();
    throw error;
  } finally {
    await fetching.close();
  }
}

/** Tell the meter of every file that is to be read, and find out early when one is missing. */
async function expectFiles(recipe: Recipe, meter: Meter): Promise<void> {
  const sources = componentsOf(recipe)
    .flatMap(component => component.sources)
    .filter(source => source.kind === 'file');
  const files = recipe.files.flatMap(({ from, at }) => (from === undefined ? [] : [{ path: from, at }]));
  for (const { path, at } of [...sources, ...recipe.units, ...files]) {
    await inRecipe(recipe, at, () => meter.expect(fileSize(path)));
  }
}
