/** What the embedded registry offers a host that pulls: the images that it is to load, and nothing else of the source. */
import { randomBytes } from 'node:crypto';
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { MANIFEST_LIMIT, parseManifest } from '../content/manifest.ts';
import type { ByteRange, RegistryContent, ServedBlob, ServedManifest } from '../registry/server/content.ts';
import { checked, type ImageLoad, layerDigest } from '../transports/docker-load.ts';
import type { Bytes, SourceLayer } from '../transports/source.ts';

interface Offer {
  manifest: ServedManifest;
  blobs: ReadonlyMap<Digest, ServedBlob>;
}

/**
 * One repository whose name nobody can guess, with the images that were offered in it. Other users of the host may
 * connect to the port while it stands; `pull-gate.ts` keeps them out, and this is what they would have to know besides.
 */
export class PullContent implements RegistryContent {
  readonly description: string;
  readonly #repository = randomBytes(16).toString('hex');
  readonly #offers = new Map<Digest, Offer>();

  constructor(description: string) {
    this.description = description;
  }

  /**
   * Offer an image until the next one takes its place. Gives back how to ask for it, without the registry's address;
   * undefined for an image that cannot be pulled, since not all of it has digests. `onBytes` hears of layer bytes as
   * they leave.
   */
  offer(load: ImageLoad, onBytes: (bytes: number) => void): string | undefined {
    const { image } = load;
    const { manifest } = image;
    if (!manifest || !isPullable(load)) return undefined;
    const blobs = new Map<Digest, ServedBlob>();
    const config = image.config.bytes;
    blobs.set(image.config.descriptor.digest, { size: config.length, open: range => bytesOf(config, range) });
    for (const layer of load.layers) {
      const digest = layerDigest(image, layer);
      if (digest === undefined) return undefined;
      const open = (range?: ByteRange): Bytes =>
        counted(partOf(checked(image, layer), layer, range), onBytes);
      blobs.set(digest, { size: layer.size, open });
    }
    this.#offers.clear();
    this.#offers.set(manifest.descriptor.digest, { manifest, blobs });
    return `${this.#repository}@${manifest.descriptor.digest}`;
  }

  async repositories(): Promise<string[]> {
    return [];
  }

  async tags(): Promise<string[] | undefined> {
    return undefined;
  }

  async manifest(repository: string, reference: string): Promise<ServedManifest | undefined> {
    return repository === this.#repository ? this.#offers.get(reference as Digest)?.manifest : undefined;
  }

  async blob(repository: string, digest: Digest): Promise<ServedBlob | undefined> {
    if (repository !== this.#repository) return undefined;
    for (const { blobs } of this.#offers.values()) {
      const blob = blobs.get(digest);
      if (blob) return blob;
    }
    return undefined;
  }

  async referrers(): Promise<Descriptor[]> {
    return [];
  }
}

/** Whether all that an image's manifest names has a digest here, so that it can be asked for. */
export function isPullable({ image, layers }: ImageLoad): boolean {
  const { manifest } = image;
  if (!manifest || manifest.bytes.length > MANIFEST_LIMIT) return false;
  const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  if (parsed.kind !== 'image') return false;
  const digests = new Set(layers.map(layer => layerDigest(image, layer)));
  return parsed.layers.every(({ digest }) => digests.has(digest));
}

/** A range of a layer; where the source can only be read from its beginning, what comes before is read and dropped. */
async function* partOf(whole: Bytes, layer: SourceLayer, range: ByteRange | undefined): Bytes {
  if (!range) return yield* whole;
  const { first, last } = range;
  if (layer.slice) return yield* layer.slice(first, last - first + 1);
  let at = 0;
  for await (const chunk of whole) {
    const part = chunk.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at));
    at += chunk.length;
    if (part.length > 0) yield part;
    if (at > last) return;
  }
}

async function* bytesOf(bytes: Uint8Array, range: ByteRange | undefined): Bytes {
  yield range ? bytes.subarray(range.first, range.last + 1) : bytes;
}

async function* counted(bytes: Bytes, onBytes: (bytes: number) => void): Bytes {
  for await (const chunk of bytes) {
    yield chunk;
    onBytes(chunk.length);
  }
}
