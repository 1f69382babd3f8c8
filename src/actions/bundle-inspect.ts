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
