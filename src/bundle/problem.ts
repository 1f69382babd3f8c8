/** What can be wrong with a bundle. */
import type { Digest } from '../content/digest.ts';

/** What is wrong, and where. */
export interface BundleProblem {
  kind: 'damaged' | 'missing' | 'foreign' | 'dangling' | 'structure' | 'part';
  /** In the operator's words, naming what is affected. */
  message: string;
  blob?: Digest;
  /** Bytes from the start of the bundle to the content. */
  offset?: number;
  /** Bytes that it is about, from there on. */
  size?: number;
  /** The file of the part that alone has to be carried again. */
  part?: string;
  /** What needs the blob: `layer 2 of site/app:1.0`, `engine 20.10.24 for linux/amd64`. */
  usedBy: string[];
}
