/** Random images in a layout: everything that real ones may be, and a few things that they rarely are. Same seed, same bytes. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { Descriptor } from '../../src/content/descriptor.ts';
import { type Digest, digestOf } from '../../src/content/digest.ts';
import { OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST } from '../../src/content/media-types.ts';
import { EMPTY_LAYER, type Files, layerOf, noise } from '../support/archives.ts';

/** Numbers from 0 up to, not including, 1; mulberry32. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const PLATFORMS = [
  { os: 'linux', architecture: 'amd64' },
  { os: 'linux', architecture: 'arm64' },
  { os: 'linux', architecture: 'arm', variant: 'v7' },
  { os: 'linux', architecture: 's390x' },
];
/** That of this machine, as images call it. */
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch;
const FILE_NAMES = [
  'etc/hosts',
  'opt/Größe/naïve.txt',
  'srv/日本語/ファイル',
  `deep/${'long/'.repeat(40)}file`,
  'a b',
];

interface Layer {
  descriptor: Descriptor;
  diffId: Digest;
}

/** What has to be able to hold the images. */
type For = 'layouts' | 'tagged' | 'engines';

/**
 * The files of a layout with a few images and indexes. `tagged`: such that a registry can hold, which knows images by
 * name, and what is stored under a tag by its sha256. `runnable`: such that an engine can hold, which wants layers that
 * are tars, of images for its own processor alone.
 */
export async function randomLayout(seed: number, { tagged = false, runnable = false } = {}): Promise<Files> {
  return new Maker(random(seed), runnable ? 'engines' : tagged ? 'tagged' : 'layouts').layout();
}

class Maker {
  readonly #next: () => number;
  readonly #files: Files = new Map();
  readonly #layers: Layer[] = [];
  readonly #for: For;
  #names = 0;

  constructor(next: () => number, holder: For) {
    this.#next = next;
    this.#for = holder;
  }

  async layout(): Promise<Files> {
    for (let i = 1 + this.#upTo(5); i > 0; i--) this.#layers.push(await this.#layer());
    const tops: Descriptor[] = [];
    for (let i = 1 + this.#upTo(3); i > 0; i--) {
      const content = this.#chance(0.4) && !this.#runnable ? this.#index() : this.#image(this.#platform());
      tops.push(...this.#named(content));
    }
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: tops };
    this.#files.set('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
    this.#files.set('index.json', JSON.stringify(index));
    return this.#files;
  }

  async #layer(): Promise<Layer> {
    const kind = this.#upTo(10);
    const size = this.#upTo(30_000);
    const plain =
      kind === 0 ? EMPTY_LAYER : await layerOf(this.#pick(FILE_NAMES), noise(size, this.#upTo(1e9)));
    const diffId = digestOf(plain);
    const compression = this.#pick(['gzip', 'zstd', 'none'] as const);
    // A blob without a byte; no tar, but a legal one.
    if (kind === 1 && !this.#runnable) {
      const empty = new Uint8Array();
      return { descriptor: this.#put(`${OCI_LAYER}`, empty), diffId: digestOf(empty) };
    }
    if (compression === 'gzip')
      return { descriptor: this.#put(`${OCI_LAYER}+gzip`, gzipSync(plain)), diffId };
    if (compression === 'zstd')
      return { descriptor: this.#put(`${OCI_LAYER}+zstd`, zstdCompressSync(plain)), diffId };
    return { descriptor: this.#put(OCI_LAYER, plain), diffId };
  }

  #image(platform: (typeof PLATFORMS)[number]): Descriptor {
    const least = this.#runnable ? 1 : 0;
    const layers = Array.from({ length: least + this.#upTo(6 - least) }, () => this.#pick(this.#layers));
    const config = this.#json(OCI_CONFIG, {
      created: '2026-01-01T00:00:00Z',
      ...platform,
      config: { Env: [`RANDOM=${this.#next()}`], Labels: { 'de.größe': 'ß' } },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    });
    const manifest = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config,
      layers: layers.map(({ descriptor }) => descriptor),
      annotations: { written: 'verbatim' },
    };
    return { ...this.#json(OCI_MANIFEST, manifest), platform };
  }

  #index(depth = 0): Descriptor {
    const images = PLATFORMS.slice(0, 1 + this.#upTo(PLATFORMS.length)).map(platform =>
      this.#image(platform),
    );
    const attestations = this.#chance(0.5) ? images.map(image => this.#attestation(image)) : [];
    const nested = depth < 2 && this.#chance(0.4) ? [this.#index(depth + 1)] : [];
    const manifests = [...images, ...attestations, ...nested];
    return this.#json(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  }

  /** As BuildKit writes it: for no platform, over a statement that is JSON. */
  #attestation(image: Descriptor): Descriptor {
    const platform = { os: 'unknown', architecture: 'unknown' };
    const statement = Buffer.from(
      JSON.stringify({ _type: 'https://in-toto.io/Statement/v0.1', of: image.digest }),
    );
    const layer = this.#put('application/vnd.in-toto+json', statement);
    const rootfs = { type: 'layers', diff_ids: [digestOf(statement)] };
    const config = this.#json(OCI_CONFIG, { ...platform, config: {}, rootfs });
    const manifest = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] };
    const annotations = {
      'vnd.docker.reference.digest': image.digest,
      'vnd.docker.reference.type': 'attestation-manifest',
    };
    return { ...this.#json(OCI_MANIFEST, manifest), annotations, platform };
  }

  /** An entry for each name; sometimes none has one. */
  #named(content: Descriptor): Descriptor[] {
    const { annotations: _, ...rest } = content;
    const length = Math.max(this.#for === 'layouts' ? 0 : 1, this.#upTo(4));
    const names = Array.from({ length }, () => `hub.company.com/site/app-${this.#names++}:1`);
    if (names.length === 0) return [rest];
    return names.map(name => ({
      ...rest,
      annotations: { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name },
    }));
  }

  #json(mediaType: string, content: object): Descriptor {
    return this.#put(mediaType, Buffer.from(JSON.stringify(content)));
  }

  /** Most digests are sha256; a few are sha512, as the spec allows. */
  #put(mediaType: string, bytes: Uint8Array): Descriptor {
    const named = this.#for !== 'layouts' && /manifest|index/.test(mediaType);
    const unusual = this.#chance(0.1) && !named && !this.#runnable;
    const digest = digestOf(bytes, unusual ? 'sha512:' : undefined);
    this.#files.set(`blobs/${digest.replace(':', '/')}`, bytes);
    return { mediaType, digest, size: bytes.length };
  }

  get #runnable(): boolean {
    return this.#for === 'engines';
  }

  #platform(): (typeof PLATFORMS)[number] {
    return this.#runnable ? { os: 'linux', architecture: ARCHITECTURE } : this.#pick(PLATFORMS);
  }

  #upTo(limit: number): number {
    return Math.floor(this.#next() * limit);
  }

  #chance(probability: number): boolean {
    return this.#next() < probability;
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#upTo(from.length)] as T;
  }
}
