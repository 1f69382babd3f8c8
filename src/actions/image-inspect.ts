/** `image inspect`: all that is known of images: digests, platform, layers, how they run, and what is about them. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { type DescribedConfig, describeConfig } from '../content/image-config.ts';
import { parseManifest } from '../content/manifest.ts';
import type { Compression } from '../content/media-types.ts';
import { formatPlatform } from '../content/platform.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import type { ReferrerKind } from '../content/referrer.ts';
import type { SourceImage, SourceLayer } from '../transports/source.ts';
import { type ImageListOptions, type ListedImage, listed } from './image-list.ts';
import { openSource } from './image-places.ts';
import { expectAll } from './renaming.ts';

export interface ImageInspectOptions extends ImageListOptions {
  /** Only images with these names, as in Docker. Default all. */
  only?: readonly string[];
}

export interface InspectedLayer {
  /** Of the layer as stored; absent where the source names its content otherwise. */
  digest?: Digest;
  /** Of the uncompressed tar, where the config says it. */
  diffId?: Digest;
  /** Bytes as stored; absent for layers that lie elsewhere. */
  size?: number;
  compression?: Compression;
  mediaType?: string;
}

export interface InspectedImage extends Omit<ListedImage, 'layers'>, DescribedConfig {
  mediaType?: string;
  annotations?: Record<string, string>;
  layers: InspectedLayer[];
  /** Signatures, SBOMs and attestations in the same source that are about this image. */
  referrers: { digest?: Digest; artifactType: string; kind: ReferrerKind; title: string }[];
}

export interface ImageInspected {
  source: string;
  images: InspectedImage[];
}

/** Inspect images. Throws IMAGE_NOT_FOUND for a name in `only`, and what opening the source throws. */
export async function inspectImages({
  source: location,
  only,
  ...options
}: ImageInspectOptions): Promise<ImageInspected> {
  const { source, close } = await openSource(location, options);
  try {
    if (source.access === 'sequential') options.meter.expect(source.bytes);
    const layers = new Map<string, SourceLayer>();
    for await (const layer of source.layers()) {
      options.signal?.throwIfAborted();
      layers.set(layer.key, layer);
    }
    const inventory = await source.inventory();
    const rows = listed(inventory, new Map([...layers].map(([key, { size }]) => [key, size])));
    const asked = only?.map(name => ({ name: parseReference(name) }));
    if (asked)
      expectAll(
        asked,
        rows.flatMap(row => row.names.map(parseReference)),
        source.description,
      );
    const names = asked?.map(({ name }) => familiarName(name));
    const all = inventory.images.map((image, i) => inspect(image, rows[i], layers, rows));
    const wanted = (image: InspectedImage): boolean =>
      names ? image.names.some(name => names.includes(name)) : image.subject === undefined;
    return { source: source.description, images: all.filter(wanted) };
  } finally {
    await close();
  }
}

function inspect(
  image: SourceImage,
  row: ListedImage | undefined,
  layers: ReadonlyMap<string, SourceLayer>,
  rows: readonly ListedImage[],
): InspectedImage {
  const { manifest, config } = image;
  const parsed = manifest && parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  const stored: Descriptor[] = parsed?.kind === 'image' ? parsed.layers : [];
  const about = rows.filter(
    ({ subject }) => subject !== undefined && subject === manifest?.descriptor.digest,
  );
  return {
    names: row?.names ?? [],
    id: config.descriptor.digest,
    digest: manifest?.descriptor.digest,
    platform: formatPlatform(image.platform),
    size: row?.size ?? 0,
    ...(image.artifactType ? { artifactType: image.artifactType, kind: row?.kind, title: row?.title } : {}),
    ...(image.subject ? { subject: image.subject } : {}),
    ...(manifest ? { mediaType: manifest.descriptor.mediaType } : {}),
    ...annotationsOf(manifest?.bytes),
    ...describeConfig(config.bytes),
    layers: image.layers.map(({ key, diffId }, i) => {
      const layer = layers.get(key);
      const descriptor = stored[i] ?? layer?.descriptor;
      return {
        ...(descriptor ? { digest: descriptor.digest, mediaType: descriptor.mediaType } : {}),
        ...(diffId ? { diffId } : {}),
        ...(layer ? { size: layer.size, compression: layer.compression } : {}),
      };
    }),
    referrers: about.map(({ digest, artifactType = '', kind = 'artifact', title = artifactType }) => ({
      ...(digest ? { digest } : {}),
      artifactType,
      kind,
      title,
    })),
  };
}

function annotationsOf(bytes: Uint8Array | undefined): { annotations?: Record<string, string> } {
  if (!bytes) return {};
  const { annotations } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
    annotations?: Record<string, string>;
  };
  return annotations && Object.keys(annotations).length > 0 ? { annotations } : {};
}
