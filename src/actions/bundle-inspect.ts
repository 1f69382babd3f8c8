/** `bundle inspect`: say what is inside, without reading it all. */
import { type BundleInspection, inspectBundle as inspect } from '../bundle/inspect.ts';
import { Bundle } from '../bundle/open.ts';

/** Describe the bundle at a path. Throws what opening it throws. */
export async function inspectBundle({ path }: { path: string }): Promise<BundleInspection> {
  const bundle = Bundle.open(path);
  try {
    return await inspect(bundle);
  } finally {
    bundle.close();
  }
}

/** The bytes of a bundle's manifest. Throws what opening it throws. */
export function bundleManifest(path: string): Uint8Array {
  const bundle = Bundle.open(path);
  try {
    return bundle.manifestBytes;
  } finally {
    bundle.close();
  }
}
