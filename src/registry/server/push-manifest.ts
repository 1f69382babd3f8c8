/** A manifest on its way in. OCI distribution-spec, "Pushing Manifests". */
import { digestOf, isDigest } from '../../content/digest.ts';
import { MANIFEST_LIMIT, parseManifest } from '../../content/manifest.ts';
import { isIndexType, isManifestType } from '../../content/media-types.ts';
import { isTag } from '../../content/reference.ts';
import { AirferryError } from '../../errors.ts';
import type { WritableContent } from './content.ts';
import type { Exchange } from './exchange.ts';
import { Refusal } from './refusal.ts';

/** Take a manifest, byte for byte. Throws MANIFEST_INVALID, DIGEST_INVALID, TAG_INVALID, SIZE_INVALID (413). */
export async function putManifest(
  content: WritableContent,
  exchange: Exchange,
  { repository, reference }: { repository: string; reference: string },
): Promise<void> {
  if (!isDigest(reference) && !isTag(reference)) {
    const code = reference.includes(':') ? 'DIGEST_INVALID' : 'TAG_INVALID';
    throw new Refusal(code, 'a manifest is pushed by a tag or by a digest');
  }
  const bytes = await exchange.bodyUpTo(
    MANIFEST_LIMIT,
    () => new Refusal('SIZE_INVALID', `a manifest has at most ${MANIFEST_LIMIT} bytes`, { status: 413 }),
  );
  const digest = digestOf(bytes, isDigest(reference) ? reference : undefined);
  if (isDigest(reference) && reference !== digest) {
    const detail = { digest: reference };
    throw new Refusal('DIGEST_INVALID', `the bytes are those of ${digest}`, { detail });
  }
  const declared = exchange.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  const { mediaType, subject } = parsed(bytes, declared);
  const manifest = { descriptor: { mediaType, digest, size: bytes.length }, bytes };
  await content.putManifest(repository, manifest, isDigest(reference) ? undefined : reference);
  exchange.answer(201, {
    location: `/v2/${repository}/manifests/${digest}`,
    'docker-content-digest': digest,
    ...(subject && { 'oci-subject': subject.digest }),
  });
}

function parsed(bytes: Uint8Array, declared: string | undefined): ReturnType<typeof parseManifest> {
  try {
    const manifest = parseManifest(bytes, declared);
    const says = declared !== undefined && (isIndexType(declared) || isManifestType(declared));
    if (!says || declared === manifest.mediaType) return manifest;
    throw new Refusal(
      'MANIFEST_INVALID',
      `sent as ${declared}, the manifest says that it is ${manifest.mediaType}`,
    );
  } catch (error) {
    if (error instanceof AirferryError) throw new Refusal('MANIFEST_INVALID', error.message);
    throw error;
  }
}
