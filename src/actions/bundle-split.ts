/** `bundle split`: cut a bundle into parts for media that are smaller than it. */
import { basename } from 'node:path';
import { Bundle } from '../bundle/open.ts';
import { splitBundle as split } from '../bundle/parts/split.ts';
import type { Digest } from '../content/digest.ts';
import type { Meter } from '../support/meter.ts';
import { assertOneFile } from '../transports/parts/open.ts';
import type { WrittenPart } from '../transports/parts/pending.ts';

export interface BundleSplitOptions {
  path: string;
  /** What the names of the parts have in common. Default: the bundle's. */
  output?: string | undefined;
  /** Bytes of a part's file at most. */
  partSize: number;
  parity: boolean;
  meter: Meter;
  signal?: AbortSignal;
}

export interface BundleSplit {
  path: string;
  name: string;
  version: string;
  digest: Digest;
  /** Bytes of the bundle. */
  size: number;
  /** In order; the parity part, if there is one, comes last. */
  parts: WrittenPart[];
}

/** Cut a bundle; it stays as it is. Throws what opening it and `splitBundle` of `bundle/parts` throw. */
export async function splitBundle({
  path,
  output = path,
  ...options
}: BundleSplitOptions): Promise<BundleSplit> {
  const bundle = Bundle.open(path);
  try {
    assertOneFile(bundle.file);
    const parts = await split(bundle, {
      output: output.endsWith('/') ? output + basename(path) : output,
      ...options,
    });
    const { name, version } = bundle.head;
    return { path, name, version, digest: bundle.digest, size: bundle.file.size, parts };
  } finally {
    bundle.close();
  }
}
