/** A bundle of images alone, as a target of copies: what `bundle create` would make of a recipe that has only images. */
import { basename } from 'node:path';
import { formatPlatform } from '../content/platform.ts';
import { beginArchive } from '../transports/archive/target.ts';
import type { OpenedTarget } from '../transports/target.ts';
import { BundleWriter } from './writer.ts';

export interface BundleTargetOptions {
  /** The bundle's name. Default: that of the file, without `.tar`. */
  name?: string;
  /** Default `1`. */
  version?: string;
  /** `linux/amd64` … Default: those of the images. */
  platforms?: string[];
  /** Replace a file that is there, once the new one is whole. Default: refuse. */
  overwrite?: boolean;
  /** Blobs of known size under way at once. Default 1. */
  concurrency?: number;
  signal?: AbortSignal;
}

/** Begin a bundle; nothing stands under its name before `commit`. Throws FILE_UNWRITABLE. */
export async function openBundleTarget(
  path: string,
  options: BundleTargetOptions = {},
): Promise<OpenedTarget> {
  const { overwrite = false, concurrency, signal } = options;
  const file = await beginArchive(path, overwrite);
  const writer = new BundleWriter(file, { ...(concurrency && { concurrency }), ...(signal && { signal }) });
  return {
    target: writer,
    async commit() {
      await writer.finish({
        name: options.name ?? nameOfFile(path),
        version: options.version ?? '1',
        platforms: options.platforms ?? platformsOf(writer),
        units: {},
        daemon: {},
        files: [],
      });
      await file.commit();
    },
    discard: () => file.discard(),
  };
}

function nameOfFile(path: string): string {
  return (
    basename(path)
      .replace(/\.tar$/i, '')
      .slice(0, 128) || 'images'
  );
}

/** What images of the bundle run on; `unknown/unknown` where it has nothing but artifacts. */
function platformsOf(writer: BundleWriter): string[] {
  const found = new Set(writer.imagePlatforms.map(formatPlatform));
  const real = [...found].filter(platform => platform !== 'unknown/unknown').sort();
  return real.length > 0 ? real : ['unknown/unknown'];
}
