/** What is inside a bundle: images with their sizes, shared and their own; engine, compose, units, files, signatures. */
import { describeBase } from '../content/delta.ts';
import type { Digest } from '../content/digest.ts';
import { type InspectedImages, inspectImages } from './inspect-images.ts';
import type { Bundle } from './open.ts';
import { signatureEntries, signatureKeyId } from './sign/entries.ts';

export type {
  InspectedArtifact,
  InspectedImage,
  InspectedIndex,
  InspectedLayer,
  InspectedReferrer,
} from './inspect-images.ts';

/** A blob that is a file in itself. */
interface InspectedBlob {
  digest: Digest;
  size: number;
}

export interface BundleInspection extends InspectedImages {
  path: string;
  name: string;
  version: string;
  /** Of the format: `1.0`. */
  schemaVersion: string;
  digest: Digest;
  platforms: string[];
  /** What it leaves out, since the far side has it, and against what it was cut. */
  leftOut?: { blobs: number; bytes: number; bases: string[] };
  /** Bytes of the file. */
  size: number;
  blobs: number;
  engine?: {
    version: string;
    archives: (InspectedBlob & { platform: string; components: string[] })[];
  };
  compose?: { version: string; binaries: (InspectedBlob & { platform: string })[] };
  daemon: Record<string, unknown>;
  units: (InspectedBlob & { name: string })[];
  /** With a platform only for hosts of that one. */
  files: (InspectedBlob & { path: string; mode: string; platform?: string })[];
  /** IDs of the keys that signed it. What a signature is worth is for `bundle verify` to say. */
  signatures: string[];
}

/** Describe a bundle by its manifests alone; no layer is read. Throws DIGEST_MISMATCH for a damaged manifest. */
export async function inspectBundle(bundle: Bundle): Promise<BundleInspection> {
  const { manifest, head, leftOut } = bundle;
  const { engine, compose } = manifest;
  return {
    path: bundle.path,
    name: head.name,
    version: head.version,
    schemaVersion: head.schemaVersion,
    digest: bundle.digest,
    platforms: manifest.platforms,
    ...(manifest.delta && {
      leftOut: {
        blobs: leftOut.length,
        bytes: leftOut.reduce((sum, { size }) => sum + size, 0),
        bases: manifest.delta.bases.map(describeBase),
      },
    }),
    size: bundle.file.size,
    blobs: manifest.blobs.length + 1,
    ...(engine && {
      engine: {
        version: engine.version,
        archives: engine.archives.map(({ platform, digest, size, components }) => ({
          platform,
          digest,
          size,
          components,
        })),
      },
    }),
    ...(compose && {
      compose: {
        version: compose.version,
        binaries: compose.binaries.map(({ platform, digest, size }) => ({ platform, digest, size })),
      },
    }),
    daemon: manifest.daemon,
    units: Object.entries(manifest.units).map(([name, { digest, size }]) => ({ name, digest, size })),
    ...inspectImages(await bundle.images().inventory(), digest => bundle.carries(digest)),
    files: manifest.files.map(({ path, mode, digest, size, platform }) => ({
      path,
      mode,
      ...(platform && { platform }),
      digest,
      size,
    })),
    signatures: signatureEntries(bundle.tail).map(({ name }) => signatureKeyId(name)),
  };
}
