/** `image list`: the images of a bundle, an archive or a layout. */
import type { Digest } from '../content/digest.ts';
import { formatPlatform } from '../content/platform.ts';
import { familiarName } from '../content/reference.ts';
import type { Meter } from '../support/meter.ts';
import { openImageSource } from '../transports/open.ts';

export interface ImageListOptions {
  /** Path of a bundle, docker-archive, OCI archive or OCI layout folder. */
  source: string;
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
export async function listImages({ source: path, meter, signal }: ImageListOptions): Promise<ImageList> {
  const source = await openImageSource(path, { meter });
  try {
    if (source.access === 'sequential') meter.expect(source.bytes);
    const sizes = new Map<string, number>();
    for await (const layer of source.layers()) {
      signal?.throwIfAborted();
      sizes.set(layer.key, layer.size);
    }
    const { images, indexes } = await source.inventory();
    const viaIndex = new Map<string, string[]>();
    for (const { names, children } of indexes) {
      for (const child of children)
        viaIndex.set(child, [...(viaIndex.get(child) ?? []), ...names.map(familiarName)]);
    }
    return {
      source: source.description,
      images: images.map(({ names, config, manifest, platform, layers }) => {
        const digest = manifest?.descriptor.digest;
        return {
          names: [...new Set([...names.map(familiarName), ...(digest ? (viaIndex.get(digest) ?? []) : [])])],
          id: config.descriptor.digest,
          digest,
          platform: formatPlatform(platform),
          layers: layers.length,
          size: layers.reduce((total, { key }) => total + (sizes.get(key) ?? 0), 0),
        };
      }),
    };
  } finally {
    await source.close();
  }
}
