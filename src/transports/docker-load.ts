/**
 * Images into an engine: what each one still needs there, and the archive that brings just that.
 *
 * Docker's classic store knows a layer by its chain ID. A docker-archive may leave out the file of any layer that the
 * engine has, as long as its manifest still lists them all. Elsewhere every blob has to be there. For containerd the
 * archive is an OCI layout, so that the image keeps the digest of its manifest; containers/storage (podman) takes a
 * docker-archive, and gives the image a manifest of its own. Who pulls fetches what is missing, in any store.
 */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, digestOf, hexOf } from '../content/digest.ts';
import { buildImageManifest, buildIndex, chainIds } from '../content/manifest.ts';
import { OCI_LAYER, OCI_MANIFEST } from '../content/media-types.ts';
import { type Platform, platformMatches } from '../content/platform.ts';
import { familiarName, formatReference, parseReference, type Reference } from '../content/reference.ts';
import { verified } from '../content/verified.ts';
import { AirferryError } from '../errors.ts';
import { END_OF_ARCHIVE, fileHeader, padding } from '../tar/write.ts';
import { blobPath } from './oci/file-store.ts';
import { planCopy } from './plan.ts';
import type { Bytes, RandomSource, SourceImage, SourceLayer } from './source.ts';
import { readsZstd, unpackedZstd } from './zstd-layers.ts';

/** What has to be known of an engine before images are loaded into it. */
export interface EngineStore {
  /** Docker's own store, containerd's (under Docker or by itself), or containers/storage (podman, CRI-O). */
  kind: 'classic' | 'containerd' | 'storage';
  /** Major version of Docker: from 23 on layers may be zstd. Infinite for others, which always could. */
  major: number;
  /** Chain IDs of the layers that it has. */
  chains: ReadonlySet<Digest>;
  /** Digests of the content that it has, where that is what it looks for when it pulls. */
  blobs?: ReadonlySet<Digest>;
  /** By familiar name: the ID of the image that it has under that name. */
  names: ReadonlyMap<string, string>;
}

export interface Selection {
  /** The engine's platform: of an index only that image goes. */
  platform: Platform;
  /** Familiar names of the images wanted; all when absent. */
  only?: readonly string[];
}

/** One image that an engine lacks, and how it gets there. */
export interface ImageLoad {
  image: SourceImage;
  /** As Docker writes them: `nginx:1.25`. */
  names: string[];
  /** What the engine will know it by; undefined where only the engine can tell. */
  id: Digest | undefined;
  /** All layers, each once. */
  layers: SourceLayer[];
  /** Those that an engine which pulls is expected to fetch, by what it said it has. */
  missing: SourceLayer[];
  /** Those that an archive has to bring, and how many it leaves out. */
  send: SourceLayer[];
  leftOut: number;
  /** Bytes of the layers that an archive brings, as they lie in it. */
  bytes: number;
  archive: 'docker-archive' | 'oci';
  /** The names as the archive has them: in full, where the engine would not complete them as Docker does. */
  archiveNames: string[];
}

/**
 * Which images an engine lacks, in the order of the source; what one brings, the next may leave out.
 * Throws IMAGE_NOT_FOUND for a name in `only` that the source does not have, and what reading a layer throws that has to be
 * unpacked for the engine.
 */
export async function planLoads(
  source: RandomSource,
  store: EngineStore,
  selection: Selection,
): Promise<ImageLoad[]> {
  const layers = new Map<string, SourceLayer>();
  for await (const layer of source.layers()) layers.set(layer.key, layer);
  const chains = new Set(store.chains);
  const blobs = store.blobs && new Set(store.blobs);
  const loads: ImageLoad[] = [];
  for (const { image: found, names } of await imagesFor(source, selection)) {
    const image = withManifest(found, layers);
    const id = idOf(image, store.kind);
    if (names.every(name => id !== undefined && store.names.get(name) === id)) continue;
    const load = planLoad(image, names, id, layers, { ...store, chains, ...(blobs ? { blobs } : {}) });
    for (const chain of chainsOf(image) ?? []) chains.add(chain);
    for (const layer of load.layers) blobs?.add(layerDigest(image, layer) ?? image.config.descriptor.digest);
    loads.push(readsZstd(store) ? load : await withoutZstd(source, load));
  }
  return loads;
}

/** The images of a source for one platform with their familiar names, those that have one. Throws IMAGE_NOT_FOUND. */
export async function imagesFor(
  source: RandomSource,
  { platform, only }: Selection,
): Promise<{ image: SourceImage; names: string[] }[]> {
  const inventory = await source.inventory();
  const { images } = planCopy(inventory, {
    names: from => from,
    platform: image => platformMatches(platform, image.platform),
    unnamed: false,
    single: true,
  });
  const runnable = images.filter(({ image }) => image.artifactType === undefined);
  const named = runnable.map(({ image, to }) => ({ image, names: [...new Set(to.flatMap(tagged))] }));
  const wanted = named
    .map(({ image, names }) => ({ image, names: only ? names.filter(name => only.includes(name)) : names }))
    .filter(({ names }) => names.length > 0);
  const missing = (only ?? []).filter(name => !wanted.some(({ names }) => names.includes(name)));
  if (missing.length === 0) return wanted;
  throw new AirferryError('IMAGE_NOT_FOUND', `${source.description} has no image ${missing.join(', ')}`, {
    suggestions: ['`airferry image list SOURCE` shows what it has.'],
  });
}

/** The name by which an image of the source is known to an engine once it is loaded there. */
export function idOf(image: SourceImage, kind: EngineStore['kind']): Digest | undefined {
  return kind === 'containerd' ? image.manifest?.descriptor.digest : image.config.descriptor.digest;
}

/**
 * An image of an older `docker save` has no manifest. Over plain layers, whose digests are their diffIDs, one can be
 * written that is always the same, so that the image has a name in the containerd store by which to find it again.
 */
function withManifest(image: SourceImage, layers: ReadonlyMap<string, SourceLayer>): SourceImage {
  if (image.manifest) return image;
  const descriptors = image.layers.flatMap(({ key, diffId }): Descriptor[] => {
    const layer = layers.get(key);
    if (layer?.compression !== 'none' || !diffId) return [];
    return [{ mediaType: OCI_LAYER, digest: diffId, size: layer.size }];
  });
  if (descriptors.length < image.layers.length) return image;
  const bytes = buildImageManifest(image.config.descriptor, descriptors);
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length };
  return { ...image, manifest: { descriptor, bytes } };
}

function planLoad(
  image: SourceImage,
  names: string[],
  id: Digest | undefined,
  layers: ReadonlyMap<string, SourceLayer>,
  store: EngineStore,
): ImageLoad {
  const chains = chainsOf(image);
  const absent = image.layers.filter((_, i) => {
    const chain = chains?.[i];
    return chain === undefined || !store.chains.has(chain);
  });
  const each = (wanted: SourceImage['layers']): SourceLayer[] => [
    ...new Set(wanted.map(({ key }) => layerOf(layers, key, names))),
  ];
  const all = each(image.layers);
  const missing = (store.blobs ? all : each(absent)).filter(
    layer => !store.blobs?.has(layerDigest(image, layer) ?? image.config.descriptor.digest),
  );
  const needed = store.kind === 'classic' ? absent : image.layers;
  const send = each(needed);
  return {
    image,
    names,
    id,
    layers: all,
    missing,
    send,
    leftOut: image.layers.length - needed.length,
    bytes: sizeOf(send),
    archive: store.kind === 'containerd' && image.manifest ? 'oci' : 'docker-archive',
    archiveNames: store.kind === 'storage' ? names.map(name => formatReference(parseReference(name))) : names,
  };
}

function layerOf(
  layers: ReadonlyMap<string, SourceLayer>,
  key: string,
  names: readonly string[],
): SourceLayer {
  const layer = layers.get(key);
  if (layer) return layer;
  throw new AirferryError('ARCHIVE_INVALID', `${names[0]} cannot be loaded: its layer ${key} is not there`, {
    suggestions: ['Save or pack the image again; layers that are fetched from elsewhere have to come along.'],
  });
}

/** The digest of a layer's bytes as they are stored; undefined where nobody has named them. */
export function layerDigest(image: SourceImage, layer: SourceLayer): Digest | undefined {
  if (layer.descriptor) return layer.descriptor.digest;
  return layer.compression === 'none' ? image.layers.find(({ key }) => key === layer.key)?.diffId : undefined;
}

/** The archive for `docker load`. Its bytes are hashed as they pass: DIGEST_MISMATCH ends it before the archive is whole. */
export async function* loadArchive(load: ImageLoad): AsyncGenerator<Uint8Array> {
  const documents = load.archive === 'oci' ? layoutDocuments(load) : archiveDocuments(load);
  for (const [name, bytes] of documents) {
    yield await fileHeader(name, bytes.length);
    yield bytes;
    yield padding(bytes.length);
  }
  for (const layer of load.send) {
    yield await fileHeader(layerPath(load, layer), layer.size);
    yield* checked(load.image, layer);
    yield padding(layer.size);
  }
  yield END_OF_ARCHIVE;
}

function* archiveDocuments({ image, archiveNames }: ImageLoad): Generator<[string, Uint8Array]> {
  const config = blobPath(image.config.descriptor.digest);
  const layers = image.layers.map(({ key }) => archivePath(image, key));
  yield ['manifest.json', json([{ Config: config, RepoTags: archiveNames, Layers: layers }])];
  yield [config, image.config.bytes];
}

function* layoutDocuments({ image, names }: ImageLoad): Generator<[string, Uint8Array]> {
  const manifest = image.manifest;
  if (!manifest) return;
  const entries = names.map(name => ({ ...manifest.descriptor, annotations: annotationsOf(name) }));
  yield ['oci-layout', json({ imageLayoutVersion: '1.0.0' })];
  yield ['index.json', buildIndex(entries)];
  yield [blobPath(manifest.descriptor.digest), manifest.bytes];
  yield [blobPath(image.config.descriptor.digest), image.config.bytes];
}

function annotationsOf(name: string): Record<string, string> {
  const reference = parseReference(name);
  return {
    'io.containerd.image.name': formatReference(reference),
    'org.opencontainers.image.ref.name': reference.tag ?? '',
  };
}

function layerPath({ image, archive }: ImageLoad, layer: SourceLayer): string {
  if (archive === 'docker-archive') return archivePath(image, layer.key);
  const digest = layer.descriptor?.digest ?? image.layers.find(({ key }) => key === layer.key)?.diffId;
  return blobPath(digest ?? digestOf(layer.key));
}

/** Sources that are no content stores have paths as keys; within our archive a layer is called by a digest. */
function archivePath(image: SourceImage, key: string): string {
  const diffId = image.layers.find(layer => layer.key === key)?.diffId;
  return `layers/${hexOf(diffId ?? digestOf(key))}.tar`;
}

/** A plain layer without a descriptor is its own diffID; what is compressed without one, the engine checks itself. */
export function checked(image: SourceImage, layer: SourceLayer): Bytes {
  const digest = layerDigest(image, layer);
  if (layer.descriptor || !digest) return layer.open();
  const expected: Descriptor = { mediaType: OCI_LAYER, digest, size: layer.size };
  return verified(layer.open(), expected);
}

function chainsOf(image: SourceImage): Digest[] | undefined {
  const diffIds = image.layers.flatMap(({ diffId }) => diffId ?? []);
  return diffIds.length === image.layers.length ? chainIds(diffIds) : undefined;
}

function tagged(reference: Reference): string[] {
  return reference.tag === undefined ? [] : [familiarName({ ...reference, digest: undefined })];
}

async function withoutZstd(source: RandomSource, load: ImageLoad): Promise<ImageLoad> {
  const absent = load.send.some(layer => layer.absent);
  if (absent || load.send.every(({ compression }) => compression !== 'zstd')) return load;
  const send: SourceLayer[] = [];
  for (const layer of load.send) send.push(await unpackedZstd(source, layer));
  return { ...load, send, bytes: sizeOf(send) };
}

function sizeOf(layers: readonly SourceLayer[]): number {
  return layers.reduce((sum, { size }) => sum + size, 0);
}

function json(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
