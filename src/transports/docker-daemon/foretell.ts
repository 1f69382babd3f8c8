/** Telling of a layer in what an engine saves, by its path alone, which layer it is and whose. */
import type { Digest } from '../../content/digest.ts';
import { chainIds } from '../../content/manifest.ts';
import type { ForetoldLayer } from '../source.ts';
import { LegacyIds } from './legacy-ids.ts';
import type { SelectedImage } from './select.ts';

/** Kinds of image stores that Docker's engines have. */
export type StoreKind = 'classic' | 'containerd';

const BLOB = /^blobs\/sha256\/([0-9a-f]{64})$/;
const LEGACY = /^([0-9a-f]{64})\/layer\.tar$/;

/**
 * A function that tells of the layers of an archive, which the engine makes of these images. `documentAt` gives the small
 * files that came before. Undefined for a layer that cannot be told.
 */
export function foretelling(
  store: StoreKind,
  images: readonly SelectedImage[],
  documentAt: (path: string) => Uint8Array | undefined,
): (path: string) => ForetoldLayer | undefined {
  const legacy = new LegacyIds(images.map(({ layers }) => layers));
  const diffIds = new Map(
    images.flatMap(({ layers }) => chainIds([...layers]).map((chain, i) => [chain, layers[i] as Digest])),
  );
  const holders = new Map<Digest, SelectedImage[]>();
  for (const image of images)
    for (const diffId of new Set(image.layers)) holders.set(diffId, [...(holders.get(diffId) ?? []), image]);
  return path => {
    const blob: Digest = `sha256:${BLOB.exec(path)?.[1]}`;
    const plain = holders.get(blob);
    if (plain) return { diffId: blob, images: plain };
    // A compressed layer does not show whose it is, unless only one image was asked for.
    if (store === 'containerd') return { images };
    const folder = LEGACY.exec(path)?.[1];
    const json = folder === undefined ? undefined : documentAt(`${folder}/json`);
    const chain = folder !== undefined && json ? legacy.chainOf(folder, json) : undefined;
    const diffId = chain && diffIds.get(chain);
    return diffId && { diffId, images: holders.get(diffId) ?? [] };
  };
}
