/**
 * Writing a bundle: an archive of images with everything else of the recipe beside them, its manifest, and last of all
 * the head, for which room was left at the start.
 */
import { type Digest, digestOf } from '../content/digest.ts';
import { formatPlatform, type Platform } from '../content/platform.ts';
import { familiarName, formatReference, type Reference } from '../content/reference.ts';
import { AirferryError } from '../errors.ts';
import type { PendingOutput } from '../support/write-file.ts';
import { BLOCK } from '../tar/header.ts';
import { fileHeader } from '../tar/write.ts';
import type { TopEntry } from '../transports/archive/documents.ts';
import { ArchiveWriter } from '../transports/archive/writer.ts';
import { HEAD_NAME } from '../transports/oci/bundle-store.ts';
import { blobPath } from '../transports/oci/file-store.ts';
import type { FarSide } from './delta/far-side.ts';
import {
  type BundleManifest,
  FORMAT,
  formatBundleManifest,
  formatHead,
  HEAD_SIZE,
  MANIFEST_TYPE,
} from './manifest.ts';

/** What the recipe says of a bundle; the writer adds what it has stored. */
export type BundleContent = Omit<
  BundleManifest,
  'schemaVersion' | 'needs' | 'mediaType' | 'images' | 'blobs' | 'documents' | 'delta'
>;

export interface BundleWriterOptions {
  /** Blobs of known size under way at once. Default 1: compression keeps all cores busy as it is. */
  concurrency?: number;
  /** What the far side has: it is named, and left out. */
  farSide?: FarSide;
  /** Stops a blob midway. */
  signal?: AbortSignal;
}

export class BundleWriter extends ArchiveWriter {
  readonly #farSide: FarSide | undefined;

  /** Write into a file that was just begun; whoever began it commits or discards it. */
  constructor(file: PendingOutput, options: BundleWriterOptions = {}) {
    const { farSide } = options;
    super(file, {
      ...options,
      ...(farSide && { leaveOut: (blob, chains) => farSide.leaveOut(blob, chains) }),
      description: `bundle:${file.path}`,
      reserve: BLOCK + HEAD_SIZE,
    });
    this.#farSide = farSide;
  }

  /** Platforms of the images that are in the bundle so far. */
  get imagePlatforms(): Platform[] {
    return this.platforms;
  }

  /** Write the documents by which other tools read the bundle, the manifest, and last the head. */
  async finish(
    content: BundleContent,
  ): Promise<{ digest: Digest; size: number; blobs: number; manifest: Uint8Array }> {
    const documents = { ...(await this.writeLayout()), 'manifest.json': await this.writeManifestJson() };
    const blobs = this.blobs;
    const delta = this.#farSide?.delta;
    const manifest = formatBundleManifest({
      ...FORMAT,
      mediaType: MANIFEST_TYPE,
      ...content,
      ...(delta && { delta }),
      images: this.top.map(describeImage),
      blobs: blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
      documents,
    });
    const descriptor = {
      mediaType: MANIFEST_TYPE,
      digest: digestOf(manifest),
      size: manifest.length,
    } as const;
    await this.entry(blobPath(descriptor.digest), manifest);
    await this.end();
    const { name, version } = content;
    const head = formatHead({ ...FORMAT, name, version, manifest: descriptor });
    await this.file.writeAt(await fileHeader(HEAD_NAME, HEAD_SIZE), 0);
    await this.file.writeAt(head, BLOCK);
    return { digest: descriptor.digest, size: this.file.position, blobs: blobs.length + 1, manifest };
  }

  protected override collision(name: Reference, one: Digest, other: Digest): AirferryError {
    return new AirferryError(
      'RECIPE_INVALID',
      `two different images are named ${familiarName(name)}: ${one} and ${other}`,
      { suggestions: ['Leave one of them out of the recipe, or tag it anew before saving it.'] },
    );
  }
}

function describeImage({ document, name, platform }: TopEntry): BundleManifest['images'][number] {
  const { mediaType, digest, size } = document.descriptor;
  return {
    ...(name && { name: formatReference(name) }),
    mediaType,
    digest,
    size,
    ...(platform && { platform: formatPlatform(platform) }),
  };
}
