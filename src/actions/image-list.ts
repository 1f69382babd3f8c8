/** `image list`: the images of any place. */
import type { Digest } from '../content/digest.ts';
import { formatPlatform } from '../content/platform.ts';
import { familiarName } from '../content/reference.ts';
import {
  type DescribedReferrer,
  describeReferrer,
  describeType,
  type ReferrerKind,
} from '../content/referrer.ts';
import type { Meter } from '../support/meter.ts';
import type { Location } from '../transports/location.ts';
import type { Document, ImageSource, Inventory, SourceImage } from '../transports/source.ts';
import { type Access, openSource } from './image-places.ts';

export interface ImageListOptions extends Access {
  source: Location;
  /** Counts bytes of an archive that is compressed as a whole: it has to be read to its end. */
  meter: Meter;
  signal?: AbortSignal;
}

export interface ListedImage {
  /** As Docker's user writes them; empty for an image that only its digest names. */
  names: string[];
  /** The config's digest, which engines call the image ID. */
  id: Digest;
  /** Of the manifest, where the source has one; an older `docker save` does not. */
  digest?: Digest;
  platform: string;
  /** The media type that says what it is, if it is no image. */
  artifactType?: string;
  /** The same for eyes: `cosign signature`, `SPDX SBOM`. */
  title?: string;
  kind?: ReferrerKind;
  /** The name of what it is about, if that has one. */
  about?: string;
  /** The manifest that it is about: signatures and SBOMs name one. */
  subject?: Digest;
  layers: number;
  /** Bytes of its layers as stored in the source. */
  size: number;
}

export interface ImageList {
  /** `docker-archive:saved/mysql.tar` */
  source: string;
  images: ListedImage[];
}

/** List images. Throws what opening the source throws. */
export async function listImages({ source: location, ...options }: ImageListOptions): Promise<ImageList> {
  const { source, close } = await openSource(location, options);
  try {
    const { inventory, sizes } = await stockOf(source, options);
    return { source: source.description, images: listed(inventory, sizes) };
  } finally {
    await close();
  }
}

/** What a source holds, with the size of each layer as stored; a stream is read to its end for that. */
export async function stockOf(
  source: ImageSource,
  { meter, signal }: { meter: Meter; signal?: AbortSignal },
): Promise<{ inventory: Inventory; sizes: ReadonlyMap<string, number> }> {
  if (source.access === 'sequential') meter.expect(source.bytes);
  const sizes = new Map<string, number>();
  for await (const layer of source.layers()) {
    signal?.throwIfAborted();
    sizes.set(layer.key, layer.size);
  }
  return { inventory: await source.inventory(), sizes };
}

/** One entry for each image. Those of an index bear its names. */
export function listed({ images, indexes }: Inventory, sizes: ReadonlyMap<string, number>): ListedImage[] {
  const viaIndex = new Map<string, string[]>();
  // Children come before their index: from the last to the first, names are handed down through nested ones.
  for (const { names, index, children } of indexes.toReversed()) {
    const all = [...names.map(familiarName), ...(viaIndex.get(index.descriptor.digest) ?? [])];
    for (const child of children) viaIndex.set(child, [...(viaIndex.get(child) ?? []), ...all]);
  }
  const nameOf = new Map([
    ...indexes.map(({ index, names }) => [index.descriptor.digest, names[0]] as const),
    ...images.map(({ manifest, names }) => [manifest?.descriptor.digest, names[0]] as const),
  ]);
  const aboutWhat = ({ subject, manifest }: SourceImage): string | undefined => {
    const name = subject && nameOf.get(subject);
    if (name) return familiarName(name);
    // BuildKit puts an attestation beside its image, in the same index.
    return subject === undefined && manifest ? viaIndex.get(manifest.descriptor.digest)?.[0] : undefined;
  };
  return images.map(image => {
    const { names, config, manifest, platform, layers, artifactType, subject } = image;
    const about = artifactType === undefined ? undefined : aboutWhat(image);
    const digest = manifest?.descriptor.digest;
    return {
      names: [...new Set([...names.map(familiarName), ...(digest ? (viaIndex.get(digest) ?? []) : [])])],
      id: config.descriptor.digest,
      digest,
      platform: formatPlatform(platform),
      ...(artifactType ? { artifactType, ...describe(artifactType, manifest) } : {}),
      ...(subject ? { subject } : {}),
      ...(about === undefined ? {} : { about }),
      layers: layers.length,
      size: layers.reduce((total, { key }) => total + (sizes.get(key) ?? 0), 0),
    };
  });
}

function describe(artifactType: string, manifest: Document | undefined): DescribedReferrer {
  return manifest
    ? describeReferrer(manifest.bytes, manifest.descriptor.mediaType)
    : describeType(artifactType);
}
