/** Manifests on their way into a registry. OCI distribution-spec, "Pushing Manifests". */
import { type Digest, digestOf, isDigest, shortDigest } from '../content/digest.ts';
import { AirferryError } from '../errors.ts';
import { protocolError } from './errors.ts';
import { publicUrl } from './location.ts';
import type { Session } from './session.ts';

/** A manifest or index to store, byte for byte. */
export interface ManifestUpload {
  /** A tag, or the digest of the bytes. */
  reference: string;
  mediaType: string;
  bytes: Uint8Array;
}

export interface StoredManifest {
  digest: Digest;
  /** The registry says that it lists the manifest among the referrers of its subject. */
  subjectTaken: boolean;
}

/**
 * Store a manifest. Throws DIGEST_MISMATCH for a reference that is another digest than that of the bytes, and
 * registry errors; `isMissingContent` recognises that something which it names is not there.
 */
export async function storeManifest(
  session: Session,
  repository: string,
  { reference, mediaType, bytes }: ManifestUpload,
): Promise<StoredManifest> {
  const wanted = isDigest(reference) ? reference : undefined;
  if (wanted !== undefined && digestOf(bytes, wanted) !== wanted) {
    throw new AirferryError('DIGEST_MISMATCH', `a manifest is not what its digest says`, {
      where: { blob: wanted },
      suggestions: [`The source of ${shortDigest(wanted)} is damaged: verify it, or make it again.`],
    });
  }
  const answer = await session.call({
    method: 'PUT',
    repository,
    to: `manifests/${reference}`,
    headers: { 'content-type': mediaType },
    body: bytes,
    accept: [201, 200, 202, 204],
  });
  answer.discard();
  const said = answer.header('docker-content-digest');
  const like = wanted ?? (isDigest(said) ? said : undefined);
  const digest = digestOf(bytes, like);
  // Where both are digests of different algorithms, they cannot be compared: ours is known to be right.
  if (isDigest(said) && digestOf(bytes, said) !== said) {
    throw protocolError(
      session.registry,
      `stored a manifest as ${said} that is ${digest}`,
      publicUrl(answer.url),
    );
  }
  return { digest, subjectTaken: answer.header('oci-subject') !== undefined };
}
