/** A manifest as the referrers API tells of it. OCI distribution-spec, "Listing Referrers". Pure. */
import type { Digest } from '../../content/digest.ts';
import { parseManifest } from '../../content/manifest.ts';
import type { Referrer, ServedManifest } from './content.ts';

/**
 * What a manifest is about, and what the list of its subject's referrers says of it; undefined for one without a
 * subject. Its type is what it says itself, else that of its config. Throws MANIFEST_INVALID.
 */
export function referrerOf(manifest: ServedManifest): { subject: Digest; referrer: Referrer } | undefined {
  const { mediaType, digest, size } = manifest.descriptor;
  const parsed = parseManifest(manifest.bytes, mediaType);
  if (!parsed.subject) return undefined;
  const artifactType = parsed.artifactType ?? (parsed.kind === 'image' ? parsed.config.mediaType : undefined);
  const { annotations } = JSON.parse(Buffer.from(manifest.bytes).toString('utf8'));
  const referrer = {
    mediaType,
    digest,
    size,
    ...(artifactType && { artifactType }),
    ...(annotations && { annotations }),
  };
  return { subject: parsed.subject.digest, referrer };
}
