/** What a manifest says of other content: what it needs, what it is an index of, what it is about. Pure. */
import type { Descriptor } from '../../../content/descriptor.ts';
import type { Digest } from '../../../content/digest.ts';
import { parseManifest } from '../../../content/manifest.ts';
import { isForeignLayer } from '../../../content/media-types.ts';
import type { Referrer, ServedManifest } from '../content.ts';
import { referrerOf } from '../referrer.ts';

export interface Contents {
  /** Config and layers, but those that lie elsewhere by licence. */
  blobs: Descriptor[];
  /** Of an index. */
  children: Descriptor[];
  about: { subject: Digest; referrer: Referrer } | undefined;
}

/** Throws MANIFEST_INVALID. */
export function contentsOf(manifest: ServedManifest): Contents {
  const parsed = parseManifest(manifest.bytes, manifest.descriptor.mediaType);
  const about = referrerOf(manifest);
  if (parsed.kind === 'index') return { blobs: [], children: parsed.manifests, about };
  const layers = parsed.layers.filter(({ mediaType }) => !isForeignLayer(mediaType));
  return { blobs: [parsed.config, ...layers], children: [], about };
}
