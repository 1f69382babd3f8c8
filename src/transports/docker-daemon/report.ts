/** What loading into an engine has done, image by image, and as every copy tells it. */
import type { Digest } from '../../content/digest.ts';
import type { Platform } from '../../content/platform.ts';
import type { Reference } from '../../content/reference.ts';
import type { CopyReport } from '../copy-report.ts';

export interface EngineLoad {
  /** Names in the source, and in the engine; none for an image that is known by its ID alone. */
  from: Reference[];
  to: Reference[];
  /** By what the engine knows it. */
  id: Digest;
  /** By what the source knows it: the digest of its manifest, or its ID in another engine. Absent where it has none. */
  source?: Digest;
  platform: Platform;
  /** `tagged`: the engine had the image, and got its name. `present`: it had both. */
  how: 'loaded' | 'tagged' | 'present';
  layers: number;
  /** Layers, and their bytes as the source stores them, that were not sent since the engine has them. */
  leftOut: { layers: number; bytes: number };
  /** Bytes of the archive that was sent; of several images that came in one, with the first of them. */
  bytes: number;
}

export interface EngineLoadReport extends CopyReport {
  loads: EngineLoad[];
}

/** An image manifest has no media type here: an ID may be that of a config, a manifest or an index. */
const OF_ENGINE = 'application/octet-stream';

export function reportOf(loads: readonly EngineLoad[]): EngineLoadReport {
  const moved = { blobs: 0, bytes: 0 };
  const spared = { blobs: 0, bytes: 0 };
  for (const { how, layers, leftOut, bytes } of loads) {
    moved.bytes += bytes;
    moved.blobs += how === 'loaded' ? layers - leftOut.layers : 0;
    spared.blobs += how === 'loaded' ? leftOut.layers : layers;
    spared.bytes += leftOut.bytes;
  }
  return {
    loads: [...loads],
    images: loads.map(({ from, to, id, source, how, bytes, leftOut }) => ({
      from,
      to,
      manifest: { mediaType: OF_ENGINE, digest: id, size: 0 },
      present: how !== 'loaded',
      ...(source ? { source } : {}),
      ...(source && source !== id ? { changed: 'engine' } : {}),
      moved: bytes,
      spared: leftOut.bytes,
    })),
    referrers: [],
    moved,
    present: { blobs: 0, bytes: 0 },
    mounted: { blobs: 0, bytes: 0 },
    spared,
  };
}
