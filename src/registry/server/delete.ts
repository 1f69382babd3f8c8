/** What is taken away. OCI distribution-spec, "Content Management". */
import { isDigest } from '../../content/digest.ts';
import { isTag } from '../../content/reference.ts';
import type { WritableContent } from './content.ts';
import type { Exchange } from './exchange.ts';
import { Refusal } from './refusal.ts';

/** By digest the manifest with all of its tags, by tag only that tag. Throws MANIFEST_UNKNOWN. */
export async function deleteManifest(
  content: WritableContent,
  exchange: Exchange,
  { repository, reference }: { repository: string; reference: string },
): Promise<void> {
  const done = isDigest(reference)
    ? await content.deleteManifest(repository, reference)
    : isTag(reference) && (await content.deleteTag(repository, reference));
  if (!done) throw new Refusal('MANIFEST_UNKNOWN', 'the repository has no such manifest');
  exchange.answer(202);
}

/** Throws BLOB_UNKNOWN, DIGEST_INVALID, and UNSUPPORTED for a blob that a manifest needs. */
export async function deleteBlob(
  content: WritableContent,
  exchange: Exchange,
  { repository, digest }: { repository: string; digest: string },
): Promise<void> {
  if (!isDigest(digest)) throw new Refusal('DIGEST_INVALID', 'this is no digest of sha256 or sha512');
  const done = await content.deleteBlob(repository, digest);
  if (!done) throw new Refusal('BLOB_UNKNOWN', 'the repository has no such blob', { detail: { digest } });
  exchange.answer(202);
}
