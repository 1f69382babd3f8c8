/** Opening bundles for what is in them: where keys are trusted, one that none of them has signed stays shut. */
import type { BundleFrom } from '../../transports/oci/bundle-store.ts';
import { type OpenOptions, openImageSource } from '../../transports/open.ts';
import type { ImageSource } from '../../transports/source.ts';
import { Bundle } from '../open.ts';
import { demandSignature } from './check.ts';
import type { TrustedKey } from './trust.ts';

/** Open a bundle to take from it. Throws what `Bundle.open` and `demandSignature` throw; nothing is left open then. */
export function openTrusted(path: string, from: BundleFrom, trusted: readonly TrustedKey[]): Bundle {
  const bundle = Bundle.open(path, from);
  try {
    demandSignature(bundle, trusted);
    return bundle;
  } catch (error) {
    bundle.close();
    throw error;
  }
}

/**
 * Open what holds images to take them from it. Archives and layouts of other kinds cannot be signed, and are opened as they are.
 * Throws what `openImageSource` and `openTrusted` throw.
 */
export async function openTrustedImages(
  path: string,
  trusted: readonly TrustedKey[],
  options: OpenOptions = {},
): Promise<ImageSource> {
  const source = await openImageSource(path, options);
  try {
    if (trusted.length > 0 && source.description.startsWith('bundle:'))
      openTrusted(path, { parts: options.parts }, trusted).close();
    return source;
  } catch (error) {
    await source.close();
    throw error;
  }
}
