/** The manifests of a source with all that they name; written where the source has none, over layers as they lie. */
import type { Descriptor } from '../../content/descriptor.ts';
import { type Digest, Digester, digestOf } from '../../content/digest.ts';
import { buildImageManifest, parseManifest } from '../../content/manifest.ts';
import { layerMediaType, OCI_MANIFEST } from '../../content/media-types.ts';
import type { Reference } from '../../content/reference.ts';
import type { ServedBlob, ServedManifest } from '../../registry/server/content.ts';
import type { RandomSource, SourceImage, SourceLayer } from '../source.ts';
import { blobOfBytes, blobOfLayer } from './blobs.ts';

/** A manifest or index, and what it takes to serve it. */
export interface HeldManifest {
  manifest: ServedManifest;
  names: Reference[];
  children: Digest[];
  subject: Digest | undefined;
  blobs: Map<Digest, ServedBlob>;
}

/**
 * The manifests of a source by their digest. Layers of which nobody told the digest are read once to learn it, unless they
 * are plain: their diffID is their digest. Throws what reading the source throws.
 */
export async function heldManifests(source: RandomSource): Promise<Map<Digest, HeldManifest>> {
  const layers = new Map<string, SourceLayer>();
  for await (const layer of source.layers()) layers.set(layer.key, layer);
  const { images, indexes } = await source.inventory();
  const learnt = new Map<string, Descriptor>();
  const held = new Map<Digest, HeldManifest>();
  for (const image of images) {
    const one = image.manifest ? asStored(image, layers) : await asWritten(image, layers, learnt);
    const digest = one.manifest.descriptor.digest;
    const known = held.get(digest);
    if (known) known.names.push(...one.names);
    else held.set(digest, one);
  }
  for (const { index, names, children, subject } of indexes) {
    const one = { manifest: index, names, children, subject, blobs: new Map<Digest, ServedBlob>() };
    held.set(index.descriptor.digest, one);
  }
  return held;
}

function asStored(image: SourceImage, layers: ReadonlyMap<string, SourceLayer>): HeldManifest {
  const manifest = image.manifest as ServedManifest;
  const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  const named = parsed.kind === 'image' ? parsed.layers : [];
  const parts = named.flatMap((descriptor, i) => {
    const layer = layers.get(image.layers[i]?.key ?? '');
    return layer ? [{ layer, descriptor }] : [];
  });
  return held(image, manifest, parts);
}

async function asWritten(
  image: SourceImage,
  layers: ReadonlyMap<string, SourceLayer>,
  learnt: Map<string, Descriptor>,
): Promise<HeldManifest> {
  const parts: { layer: SourceLayer; descriptor: Descriptor }[] = [];
  for (const { key, diffId } of image.layers) {
    const layer = layers.get(key);
    if (!layer) continue;
    const descriptor = learnt.get(key) ?? (await describe(layer, diffId));
    learnt.set(key, descriptor);
    parts.push({ layer, descriptor });
  }
  const bytes = buildImageManifest(
    image.config.descriptor,
    parts.map(({ descriptor }) => descriptor),
  );
  const descriptor = { mediaType: OCI_MANIFEST, digest: digestOf(bytes), size: bytes.length };
  return held(image, { descriptor, bytes }, parts);
}

function held(
  image: SourceImage,
  manifest: ServedManifest,
  parts: { layer: SourceLayer; descriptor: Descriptor }[],
): HeldManifest {
  const blobs = new Map<Digest, ServedBlob>();
  blobs.set(image.config.descriptor.digest, blobOfBytes(image.config.bytes));
  for (const { layer, descriptor } of parts) blobs.set(descriptor.digest, blobOfLayer(layer, descriptor));
  return { manifest, names: [...image.names], children: [], subject: image.subject, blobs };
}

async function describe(layer: SourceLayer, diffId: Digest | undefined): Promise<Descriptor> {
  if (layer.descriptor) return layer.descriptor;
  const mediaType = layerMediaType(layer.compression);
  const plain = layer.compression === 'none' ? diffId : undefined;
  return { mediaType, digest: plain ?? (await learn(layer)), size: layer.size };
}

async function learn(layer: SourceLayer): Promise<Digest> {
  const digester = new Digester();
  for await (const chunk of layer.open()) digester.update(chunk);
  return digester.digest();
}
