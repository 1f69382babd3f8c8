/**
 * Images and archives for tests, in every dialect in which they come: small, deterministic, and true to what the real
 * tools write.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Descriptor } from '../../src/content/descriptor.ts';
import { type Digest, digestOf, hexOf } from '../../src/content/digest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from '../../src/content/media-types.ts';

/** Files of an archive or folder by path; a string with `-> ` in front is a symbolic link. */
export type Files = Map<string, Uint8Array | string>;

export interface TestImage {
  names: string[];
  platform: { os: string; architecture: string; variant?: string };
  /** Uncompressed tars. */
  layers: Uint8Array[];
  config: Uint8Array;
  id: Digest;
  diffIds: Digest[];
}

/** The layer of an instruction that changed nothing, as Docker writes it. */
export const EMPTY_LAYER: Uint8Array = new Uint8Array(1024);

/** Bytes that do not compress, the same for the same seed. */
export function noise(length: number, seed = 1): Buffer {
  const blocks: Buffer[] = [];
  for (let i = 0; i * 64 < length; i++) blocks.push(createHash('sha512').update(`${seed}:${i}`).digest());
  return Buffer.concat(blocks).subarray(0, length);
}

/** A tar of files, in their order, without a clock or an owner. */
export async function tarOf(files: Files | Record<string, Uint8Array | string>): Promise<Buffer> {
  const archive = pack();
  const fixed = { mtime: new Date(0), uid: 0, gid: 0 };
  for (const [name, content] of files instanceof Map ? files : Object.entries(files)) {
    if (name.endsWith('/')) archive.entry({ name, type: 'directory', ...fixed });
    else if (typeof content === 'string' && content.startsWith('-> '))
      archive.entry({ name, type: 'symlink', linkname: content.slice(3), ...fixed });
    else archive.entry({ name, ...fixed }, Buffer.from(content));
  }
  archive.finalize();
  return Buffer.concat((await Array.fromAsync(archive)) as Buffer[]);
}

/** A layer of one file. */
export function layerOf(path: string, content: Uint8Array | string): Promise<Buffer> {
  return tarOf({ [path]: content });
}

/** An image over layers; `env` makes a config that differs. */
export function imageOf(
  names: string[],
  layers: Uint8Array[],
  { platform = 'linux/amd64', env = [] as string[] } = {},
): TestImage {
  const [os = '', architecture = '', variant] = platform.split('/');
  const diffIds = layers.map(layer => digestOf(layer));
  const config = Buffer.from(
    JSON.stringify({
      created: '2026-01-01T00:00:00Z',
      architecture,
      os,
      ...(variant && { variant }),
      config: { Env: env },
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const made = { os, architecture, ...(variant && { variant }) };
  return { names, platform: made, layers, config, id: digestOf(config), diffIds };
}

/** Two images that share a layer, one of them with an empty layer and the same layer twice; 130 kB in all. */
export async function siteImages(): Promise<[TestImage, TestImage]> {
  const base = await layerOf('etc/base', Buffer.concat([noise(40_000), Buffer.alloc(60_000, 'base ')]));
  const app = await layerOf('app/main', noise(20_000, 2));
  const tool = await layerOf('tool/main', noise(9_000, 3));
  return [
    imageOf(['site/app:1.0', 'site/app:latest'], [base, EMPTY_LAYER, app, EMPTY_LAYER], { env: ['A=1'] }),
    imageOf(['tool:2'], [base, tool], { env: ['B=2'] }),
  ];
}

/** What `docker save` writes before 25: a folder per layer, VERSION and json in each, repeated layers as links. */
export async function dockerArchive20(images: TestImage[]): Promise<Buffer> {
  return tarOf(dockerArchive20Files(images));
}

export function dockerArchive20Files(images: TestImage[]): Files {
  const files: Files = new Map();
  const homes = new Map<Digest, string>();
  const manifest = images.map(image => ({
    Config: `${hexOf(image.id)}.json`,
    RepoTags: image.names.length > 0 ? image.names : null,
    Layers: image.layers.map((layer, i) => {
      const chain = hexOf(digestOf(image.diffIds.slice(0, i + 1).join(' ')));
      const path = `${chain}/layer.tar`;
      const diffId = image.diffIds[i] as Digest;
      const home = homes.get(diffId);
      if (files.has(path)) return path;
      files.set(`${chain}/`, '');
      files.set(`${chain}/VERSION`, '1.0');
      files.set(`${chain}/json`, JSON.stringify({ id: chain }));
      files.set(path, home ? `-> ../${home}` : layer);
      if (!home) homes.set(diffId, path);
      return path;
    }),
  }));
  for (const image of images) files.set(`${hexOf(image.id)}.json`, image.config);
  files.set('manifest.json', JSON.stringify(manifest));
  files.set('repositories', JSON.stringify({ legacy: { latest: 'x' } }));
  return files;
}

/** What `docker save` writes from 25 on: an OCI layout over plain layers, and manifest.json with LayerSources. */
export async function dockerArchive26(images: TestImage[]): Promise<Buffer> {
  return tarOf(dockerArchive26Files(images));
}

export function dockerArchive26Files(
  images: TestImage[],
  compress?: (layer: Uint8Array) => Uint8Array,
): Files {
  const layout = layoutFiles(images, { compress });
  const manifest = images.map(image => {
    const layers = image.layers.map(layer => layerDescriptor(layer, compress));
    return {
      Config: blob(image.id),
      RepoTags: image.names.length > 0 ? image.names : null,
      Layers: layers.map(({ digest }) => blob(digest)),
      LayerSources: Object.fromEntries(image.diffIds.map((diffId, i) => [diffId, layers[i]])),
    };
  });
  layout.set('manifest.json', JSON.stringify(manifest));
  layout.set('repositories', '{}');
  return layout;
}

/** What podman writes: layers gzip-compressed under their digest, no folders. */
export async function podmanArchive(images: TestImage[]): Promise<Buffer> {
  const files: Files = new Map();
  const manifest = images.map(image => ({
    Config: `${hexOf(image.id)}.json`,
    RepoTags: image.names,
    Layers: image.layers.map((layer, i) => {
      const path = `${hexOf(image.diffIds[i] as Digest)}.tar`;
      files.set(path, gzipSync(layer));
      return path;
    }),
  }));
  for (const image of images) files.set(`${hexOf(image.id)}.json`, image.config);
  files.set('manifest.json', JSON.stringify(manifest));
  return tarOf(files);
}

export interface LayoutOptions {
  /** Of the layers; gzip when left out for `layoutOf`, none for `docker save`. */
  compress?: (layer: Uint8Array) => Uint8Array;
  /** Put the images under one index of that name. */
  indexName?: string;
  /** And that index into another one, as deep as this. */
  nested?: number;
  /** Platforms that the index names, but the layout does not hold. */
  absent?: string[];
  /** Give every image of the index an attestation of platform unknown/unknown, as BuildKit does. */
  attest?: boolean;
}

/** An OCI layout with gzip layers. */
export function layoutOf(images: TestImage[], options: LayoutOptions = {}): Files {
  return layoutFiles(images, { compress: layer => gzipSync(layer), ...options });
}

/** An OCI archive. */
export function ociArchive(images: TestImage[], options: LayoutOptions = {}): Promise<Buffer> {
  return tarOf(layoutOf(images, options));
}

function layoutFiles(images: TestImage[], options: LayoutOptions): Files {
  const files: Files = new Map();
  const put = (bytes: Uint8Array): Digest => {
    files.set(blob(digestOf(bytes)), bytes);
    return digestOf(bytes);
  };
  const entries = images.flatMap((image): object[] => {
    for (const layer of image.layers) put(options.compress?.(layer) ?? layer);
    put(image.config);
    const manifest = manifestOf(image, options.compress ?? (layer => layer));
    const descriptor = { mediaType: OCI_MANIFEST, digest: put(manifest), size: manifest.length };
    if (options.indexName !== undefined) return [{ ...descriptor, platform: image.platform }];
    const names: (string | undefined)[] = image.names.length > 0 ? image.names : [undefined];
    return names.map(name => ({ ...descriptor, ...named(name) }));
  });
  let top: object[] = entries;
  if (options.indexName !== undefined) {
    const absent = (options.absent ?? []).map((text, i) => {
      const [os, architecture] = text.split('/');
      return {
        mediaType: OCI_MANIFEST,
        digest: digestOf(`absent ${i}`),
        size: 7,
        platform: { os, architecture },
      };
    });
    const attestations = options.attest ? images.map(image => attestationOf(image, put)) : [];
    top = [...entries, ...attestations, ...absent];
    for (let depth = options.nested ?? 0; depth >= 0; depth--) {
      const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: top }));
      const name = depth === 0 ? named(options.indexName) : {};
      top = [{ mediaType: OCI_INDEX, digest: put(index), size: index.length, ...name }];
    }
  }
  files.set('index.json', JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: top }));
  files.set('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
  return files;
}

/** An attestation of an image, as BuildKit writes it: a manifest over a statement, for no platform. */
function attestationOf(image: TestImage, put: (bytes: Uint8Array) => Digest): object {
  const statement = Buffer.from(JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', of: image.id }));
  const unknown = { architecture: 'unknown', os: 'unknown' };
  const config = Buffer.from(
    JSON.stringify({ ...unknown, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(statement)] } }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: put(config), size: config.length },
      layers: [{ mediaType: 'application/vnd.in-toto+json', digest: put(statement), size: statement.length }],
    }),
  );
  return {
    mediaType: OCI_MANIFEST,
    digest: put(manifest),
    size: manifest.length,
    annotations: {
      'vnd.docker.reference.digest': digestOf(manifestOf(image)),
      'vnd.docker.reference.type': 'attestation-manifest',
    },
    platform: unknown,
  };
}

/** The manifest that `layoutOf` writes for an image. */
export function manifestOf(
  image: TestImage,
  compress: LayoutOptions['compress'] = layer => gzipSync(layer),
): Buffer {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: { mediaType: OCI_CONFIG, digest: image.id, size: image.config.length },
      layers: image.layers.map(layer => layerDescriptor(layer, compress)),
      annotations: { written: 'verbatim' },
    }),
  );
}

function layerDescriptor(layer: Uint8Array, compress?: LayoutOptions['compress']): Descriptor {
  const bytes = compress?.(layer) ?? layer;
  const suffix = bytes[0] === 0x1f && bytes[1] === 0x8b ? '+gzip' : bytes[0] === 0x28 ? '+zstd' : '';
  return { mediaType: `${OCI_LAYER}${suffix}`, digest: digestOf(bytes), size: bytes.length };
}

function named(name: string | undefined): { annotations?: Record<string, string> } {
  if (name === undefined) return {};
  const whole = name.includes('/') ? `docker.io/${name}` : `docker.io/library/${name}`;
  return { annotations: { 'io.containerd.image.name': whole, 'org.opencontainers.image.ref.name': name } };
}

function blob(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** Put files into a folder. */
export function writeFolder(folder: string, files: Files): string {
  for (const [path, content] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(join(folder, path), content);
  }
  return folder;
}

/** Put bytes into a file of a folder; the file's path. */
export function writeTo(folder: string, name: string, bytes: Uint8Array | string): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

export const gzipped = (bytes: Uint8Array): Buffer => gzipSync(bytes);
/** With a checksum, as the `zstd` command writes. */
export const zstandard = (bytes: Uint8Array): Buffer =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
