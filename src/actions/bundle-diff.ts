/** `bundle diff`: what is new in a bundle, and what a delta of it would carry. */
import { type BundleDiff, diffBundles as diff } from '../bundle/delta/diff.ts';
import { Bundle } from '../bundle/open.ts';
import type { BundleFrom } from '../transports/oci/bundle-store.ts';

/** Compare two bundles; `from` has folders of more parts of either. Throws what opening them throws. */
export function diffBundles(first: string, second: string, from: BundleFrom = {}): BundleDiff {
  const a = Bundle.open(first, from);
  try {
    const b = Bundle.open(second, from);
    try {
      return diff(a, b);
    } finally {
      b.close();
    }
  } finally {
    a.close();
  }
}
