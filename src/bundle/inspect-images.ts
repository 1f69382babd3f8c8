/** The images of a bundle and what is about them: layers with who shares them, referrers below their subjects. */
import { ATTESTED, isReferrerTag } from '../content/artifact.ts';
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import { describeConfig } from '../content/image-config.ts';
import { parseManifest } from '../content/manifest.ts';
import { formatPlatform } from '../content/platform.ts';
import { familiarName, type Reference } from '../content/reference.ts';
import { describeReferrer, type ReferrerKind } from '../content/referrer.ts';
import type { Document, Inventory, SourceImage } from '../transports/source.ts';

export interface InspectedLayer {
  digest: Digest;
  /** Bytes as stored. */
  size: number;
  mediaType: string;
  /** How many images of the bundle have it. */
  images: number;
  /** It is not in the bundle: it lies in a base, or elsewhere by licence. */
  absent?: true;
}

/** A signature, an SBOM, an attestation, or another artifact. */
export interface InspectedReferrer {
  digest: Digest;
  kind: ReferrerKind;
  /** For eyes: `cosign signature`. */
  title: string;
  artifactType?: string;
  /** Bytes of its content, without the manifest. */
  size: number;
  /** What is about it in turn, as the signature of an SBOM. */
  referrers: InspectedReferrer[];
}

/** An artifact that is about nothing in the bundle, as a chart. */
export interface InspectedArtifact extends InspectedReferrer {
  names: string[];
}

export interface InspectedImage {
  /** As Docker's user writes them. */
  names: string[];
  digest: Digest;
  /** The config's digest, which engines call the image ID. */
  id: Digest;
  platform: string;
  /** When it was built, as its config says; RFC 3339. */
  created?: string;
  /** From the lowest up. */
  layers: InspectedLayer[];
  /** Bytes of all its layers as stored, and of those that no other image of the bundle has. */
  size: number;
  unique: number;
  referrers: InspectedReferrer[];
}

/** What is of several platforms. */
export interface InspectedIndex {
  names: string[];
  digest: Digest;
  /** Digests of the images that it leads to. */
  images: Digest[];
  referrers: InspectedReferrer[];
}

export interface InspectedImages {
  images: InspectedImage[];
  indexes: InspectedIndex[];
  artifacts: InspectedArtifact[];
  /** Bytes of layers that two or more images have, each counted once. */
  shared: number;
}

/** An image or artifact that has its manifest; those of a bundle all do. */
type Held = SourceImage & { manifest: Document };

/** Describe an inventory; `held` tells whether a blob is in the archive. Pure. */
export function inspectImages(inventory: Inventory, held: (digest: Digest) => boolean): InspectedImages {
  const all = inventory.images.filter((image): image is Held => image.manifest !== undefined);
  const about = referrersBySubject(all, inventory);
  const known = new Set<Digest>([
    ...all.map(digestOf),
    ...inventory.indexes.map(({ index }) => index.descriptor.digest),
  ]);
  const images = all.filter(({ artifactType }) => artifactType === undefined);
  const layersOf = new Map(images.map(image => [image, storedLayers(image)]));
  const users = new Map<Digest, number>();
  const sizes = new Map<Digest, number>();
  for (const layers of layersOf.values()) {
    for (const [digest, { size }] of layers) {
      users.set(digest, (users.get(digest) ?? 0) + 1);
      sizes.set(digest, size);
    }
  }
  const usersOf = (digest: Digest): number => users.get(digest) ?? 0;
  const referrersOf = (digest: Digest): InspectedReferrer[] => referrers(digest, about, new Set([digest]));
  const inherited = namesByIndex(inventory);
  const imageDigests = new Set(images.map(digestOf));
  const subjects = new Set([...about].flatMap(([subject, list]) => (known.has(subject) ? list : [])));
  return {
    images: images.map(image => {
      const digest = digestOf(image);
      const distinct = [...(layersOf.get(image) ?? [])];
      const { created } = describeConfig(image.config.bytes);
      return {
        names: [...new Set([...familiar(image.names), ...(inherited.get(digest) ?? [])])],
        digest,
        id: image.config.descriptor.digest,
        platform: formatPlatform(image.platform),
        ...(created ? { created } : {}),
        layers: storedOf(image).map(({ digest: layer, size, mediaType }) => ({
          digest: layer,
          size,
          mediaType,
          images: usersOf(layer),
          ...(held(layer) ? {} : { absent: true as const }),
        })),
        size: sum(distinct.map(([, { size }]) => size)),
        unique: sum(distinct.filter(([layer]) => usersOf(layer) === 1).map(([, { size }]) => size)),
        referrers: referrersOf(digest),
      };
    }),
    indexes: inventory.indexes.map(({ index, names }) => ({
      names: familiar(names),
      digest: index.descriptor.digest,
      images: imagesBelow(index.descriptor.digest, inventory, imageDigests),
      referrers: referrersOf(index.descriptor.digest),
    })),
    artifacts: all
      .filter(image => image.artifactType !== undefined && !subjects.has(image))
      .map(image => ({
        names: familiar(image.names),
        ...described(image, about, new Set([digestOf(image)])),
      })),
    shared: sum([...sizes].filter(([layer]) => usersOf(layer) > 1).map(([, size]) => size)),
  };
}

/** By `subject`, by cosign's tag, or, as BuildKit does it, by an annotation in the index that has both. */
function referrersBySubject(all: readonly Held[], { indexes }: Inventory): Map<Digest, Held[]> {
  const byDigest = new Map(all.map(image => [digestOf(image), image]));
  const about = new Map<Digest, Held[]>();
  const add = (subject: Digest | undefined, image: Held | undefined): void => {
    if (!subject || !image || digestOf(image) === subject) return;
    const list = about.get(subject) ?? [];
    if (!list.includes(image)) about.set(subject, [...list, image]);
  };
  for (const image of all) if (image.artifactType !== undefined) add(image.subject, image);
  for (const { index } of indexes) {
    const parsed = parseManifest(index.bytes, index.descriptor.mediaType);
    for (const { digest, annotations } of parsed.kind === 'index' ? parsed.manifests : [])
      add(annotations?.[ATTESTED] as Digest | undefined, byDigest.get(digest));
  }
  return about;
}

/** `seen` keeps hostile circles out, and everything to one line for each subject at the top. */
function referrers(
  subject: Digest,
  about: ReadonlyMap<Digest, Held[]>,
  seen: Set<Digest>,
): InspectedReferrer[] {
  const fresh = (about.get(subject) ?? []).filter(image => !seen.has(digestOf(image)));
  for (const image of fresh) seen.add(digestOf(image));
  return fresh.map(image => described(image, about, seen));
}

function described(image: Held, about: ReadonlyMap<Digest, Held[]>, seen: Set<Digest>): InspectedReferrer {
  const { bytes, descriptor } = image.manifest;
  return {
    digest: descriptor.digest,
    ...describeReferrer(bytes, descriptor.mediaType),
    ...(image.artifactType ? { artifactType: image.artifactType } : {}),
    size: sum(storedOf(image).map(({ size }) => size)),
    referrers: referrers(descriptor.digest, about, seen),
  };
}

/** What an index names bears its names. Children come before their index: from the last to the first they are handed down. */
function namesByIndex({ indexes }: Inventory): Map<Digest, Set<string>> {
  const inherited = new Map<Digest, Set<string>>();
  for (const { index, names, children } of indexes.toReversed()) {
    const all = [...familiar(names), ...(inherited.get(index.descriptor.digest) ?? [])];
    for (const child of new Set(children))
      inherited.set(child, new Set([...(inherited.get(child) ?? []), ...all]));
  }
  return inherited;
}

function imagesBelow(root: Digest, { indexes }: Inventory, images: ReadonlySet<Digest>): Digest[] {
  const found = new Set([root]);
  // A set that grows while it is walked: each index is looked into once, however often it is named.
  for (const digest of found) {
    const index = indexes.find(one => one.index.descriptor.digest === digest);
    for (const child of index?.children ?? []) found.add(child);
  }
  return [...found].filter(digest => images.has(digest));
}

function familiar(names: readonly Reference[]): string[] {
  return names.filter(({ tag }) => !isReferrerTag(tag ?? '')).map(familiarName);
}

/** Without those that an image has twice, as the empty layer. */
function storedLayers(image: Held): Map<Digest, Descriptor> {
  return new Map(storedOf(image).map(layer => [layer.digest, layer]));
}

function storedOf({ layers }: Held): Descriptor[] {
  return layers.flatMap(({ descriptor }) => descriptor ?? []);
}

function digestOf({ manifest }: Held): Digest {
  return manifest.descriptor.digest;
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
