/** Opening bundles for what is in them: where keys are trusted, one that none of them has signed stays shut. */
import type { BundleFrom } from '../../transports/oci/bundle-store.ts';
import { type OpenOptions, openImageSource } from '../../transports/open.ts';
import type { ImageSource } from '../../transports/source.ts';
import { Bundle } from '../open.ts';
import { demandSignature, type SignatureState, unsignedWord } from './check.ts';
import type { Trust } from './trust.ts';

/** A bundle that may be used, and what its signatures are worth here. */
export interface TrustedBundle {
  bundle: Bundle;
  signature: SignatureState;
}

/** Open a bundle to take from it. Throws what `Bundle.open` and `demandSignature` throw; nothing is left open then. */
export function openTrusted(path: string, from: BundleFrom, { keys, onUnsigned }: Trust): TrustedBundle {
  const bundle = Bundle.open(path, from);
  try {
    const report = demandSignature(bundle, keys);
    const word = unsignedWord(path, report);
    if (word) onUnsigned?.(word);
    return { bundle, signature: report.state };
  } catch (error) {
    bundle.close();
    throw error;
  }
}

/** Open a bundle for its images; it is closed with them. Throws what `openTrusted` throws, and BUNDLE_INVALID for what is none. */
export function openBundleImages(path: string, from: BundleFrom, trust: Trust): ImageSource {
  const { bundle } = openTrusted(path, from, trust);
  return { ...bundle.images(), close: async () => bundle.close() };
}

/**
 * Open what holds images to take them from it. Archives and layouts of other kinds cannot be signed, and are opened as they are.
 * Throws what `openImageSource` and `openTrusted` throw.
 */
export function openTrustedImages(
  path: string,
  trust: Trust,
  options: Omit<OpenOptions, 'openBundle'> = {},
): Promise<ImageSource> {
  return openImageSource(path, {
    ...options,
    openBundle: bundle => openBundleImages(bundle, options, trust),
  });
}
