/** What is inside a bundle: images with their sizes, shared and their own; engine, compose, units, files. */
import type { Digest } from '../content/digest.ts';
import { parseManifest } from '../content/manifest.ts';
import { familiarName, parseReference } from '../content/reference.ts';
import type { Bundle } from './open.ts';

export interface InspectedImage {
  /** As Docker's user writes them. */
  names: string[];
  digest: Digest;
  /** The config's digest, which engines call the image ID. */
  id: Digest;
  platform: string;
  layers: number;
  /** Bytes of all its layers as stored, and of those that no other image of the bundle has. */
  size: number;
  unique: number;
}

export interface BundleInspection {
  path: string;
  name: string;
  version: string;
  digest: Digest;
  platforms: string[];
  /** Bytes of the file. */
  size: number;
  blobs: number;
  engine?: { version: string; archives: { platform: string; size: number; components: string[] }[] };
  compose?: { version: string; binaries: { platform: string; size: number }[] };
  daemon: Record<string, unknown>;
  units: string[];
  images: InspectedImage[];
  /** Bytes of layers that two or more images have, each counted once. */
  shared: number;
  files: { path: string; mode: string; size: number }[];
}

/** Describe a bundle by its manifests alone; no layer is read. Throws DIGEST_MISMATCH for a damaged manifest. */
export async function inspectBundle(bundle: Bundle): Promise<BundleInspection> {
  const { manifest, head } = bundle;
  const { images, indexes } = await bundle.images().inventory();
  const layersOf = images.map(image => {
    const parsed = image.manifest && parseManifest(image.manifest.bytes);
    return new Map(parsed?.kind === 'image' ? parsed.layers.map(({ digest, size }) => [digest, size]) : []);
  });
  const users = new Map<Digest, number>();
  for (const digest of layersOf.flatMap(layers => [...layers.keys()]))
    users.set(digest, (users.get(digest) ?? 0) + 1);
  const named = manifest.images.flatMap(({ name, digest }) =>
    name ? [{ digest, name: familiarName(parseReference(name)) }] : [],
  );
  // An image of several platforms bears the name of its index.
  const namesOf = (digest: Digest): string[] => [
    ...named.filter(entry => entry.digest === digest).map(entry => entry.name),
    ...indexes
      .filter(({ children }) => children.includes(digest))
      .flatMap(({ index }) => namesOf(index.descriptor.digest)),
  ];
  const sizes = new Map(layersOf.flatMap(layers => [...layers]));
  return {
    path: bundle.path,
    name: head.name,
    version: head.version,
    digest: bundle.digest,
    platforms: manifest.platforms,
    size: bundle.file.size,
    blobs: manifest.blobs.length + 1,
    engine: manifest.engine && {
      version: manifest.engine.version,
      archives: manifest.engine.archives.map(({ platform, size, components }) => ({
        platform,
        size,
        components,
      })),
    },
    compose: manifest.compose && {
      version: manifest.compose.version,
      binaries: manifest.compose.binaries.map(({ platform, size }) => ({ platform, size })),
    },
    daemon: manifest.daemon,
    units: Object.keys(manifest.units),
    images: images.map((image, i) => {
      const layers = [...(layersOf[i] ?? [])];
      const digest = image.manifest?.descriptor.digest as Digest;
      const { os, architecture, variant } = image.platform;
      return {
        names: [...new Set(namesOf(digest))],
        digest,
        id: image.config.descriptor.digest,
        platform: [os, architecture, variant].filter(Boolean).join('/'),
        layers: image.layers.length,
        size: sum(layers.map(([, size]) => size)),
        unique: sum(layers.filter(([layer]) => users.get(layer) === 1).map(([, size]) => size)),
      };
    }),
    shared: sum([...sizes].filter(([layer]) => (users.get(layer) ?? 0) > 1).map(([, size]) => size)),
    files: manifest.files.map(({ path, mode, size }) => ({ path, mode, size })),
  };
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
