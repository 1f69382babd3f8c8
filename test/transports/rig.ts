/** What the tests of the transports share: every dialect in which images come, and sources read to their end. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { familiarName } from '../../src/content/reference.ts';
import { Meter } from '../../src/support/meter.ts';
import { openImageSource } from '../../src/transports/open.ts';
import type { ImageSource, Inventory, SourceLayer } from '../../src/transports/source.ts';
import { collect } from '../registry/rig.ts';
import {
  dockerArchive20,
  dockerArchive26,
  dockerArchive26Files,
  gzipped,
  layoutOf,
  ociArchive,
  podmanArchive,
  type TestImage,
  tarOf,
  writeFolder,
  writeTo,
  zstandard,
} from '../support/archives.ts';
import { scratch } from '../support/scratch.ts';

export const folder = scratch();
let files = 0;

/** Put bytes into a new file; its path. */
export function fileOf(bytes: Uint8Array | string, name = 'images.tar'): string {
  return writeTo(folder, `${files++}-${name}`, bytes);
}

/** Ways to write images down: archives, which may be compressed as a whole, by what wrote them. */
export const ARCHIVES: Record<string, (images: TestImage[]) => Promise<Buffer>> = {
  'docker save before 25': dockerArchive20,
  'docker save from 25': dockerArchive26,
  'docker save of the containerd store': images => tarOf(dockerArchive26Files(images, gzipped)),
  'podman save': podmanArchive,
  'OCI archive': images => ociArchive(images),
  'OCI archive with zstd layers': images => ociArchive(images, { compress: zstandard }),
};

/** Every dialect as a path that can be opened, the folder and the compressed archives included. */
export async function everyDialect(images: TestImage[]): Promise<[dialect: string, path: string][]> {
  const all: [string, string][] = [
    ['OCI layout', writeFolder(`${folder}/${files++}-layout`, layoutOf(images))],
  ];
  for (const [dialect, write] of Object.entries(ARCHIVES)) {
    const bytes = await write(images);
    all.push([dialect, fileOf(bytes)]);
    all.push([`${dialect}, gzip`, fileOf(gzipped(bytes), 'images.tgz')]);
    all.push([`${dialect}, zstd`, fileOf(zstandard(bytes), 'images.tar.zst')]);
  }
  return all;
}

/** A source, read to its end. */
export interface Taken {
  description: string;
  access: ImageSource['access'];
  layers: { key: string; size: number; compression: string; digest?: Digest; diffId: Digest }[];
  inventory: Inventory;
}

export async function take(path: string): Promise<Taken> {
  return withSource(path, async source => {
    const layers: Taken['layers'] = [];
    for await (const layer of source.layers()) {
      const { key, size, compression, descriptor } = layer;
      layers.push({ key, size, compression, digest: descriptor?.digest, diffId: await diffIdOf(layer) });
    }
    const { description, access } = source;
    return { description, access, layers, inventory: await source.inventory() };
  });
}

/** Open a source, work with it, close it. */
export async function withSource<T>(path: string, work: (source: ImageSource) => Promise<T>): Promise<T> {
  const source = await openImageSource(path, { meter: new Meter() });
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

async function diffIdOf(layer: SourceLayer): Promise<Digest> {
  const bytes = await collect(layer.open());
  return digestOf(plain(bytes, layer.compression));
}

export function plain(bytes: Buffer, compression: string): Buffer {
  if (compression === 'gzip') return gunzipSync(bytes);
  return compression === 'zstd' ? zstdDecompressSync(bytes) : bytes;
}

/** What an inventory says of images, in an order of its own. */
export function facts({ images }: Inventory): object[] {
  return images
    .map(({ names, platform, config, layers }) => ({
      names: names.map(familiarName).sort(),
      platform: `${platform.os}/${platform.architecture}`,
      id: config.descriptor.digest,
      diffIds: layers.map(({ diffId }) => diffId),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** What `facts` should say of these images. */
export function factsOf(images: TestImage[]): object[] {
  return images
    .map(({ names, platform, id, diffIds }) => ({
      names: names.toSorted(),
      platform: `${platform.os}/${platform.architecture}`,
      id,
      diffIds,
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}
