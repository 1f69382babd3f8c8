/** Manifests and blobs on their way out. OCI distribution-spec, "Pull". */
import { type Digest, isDigest } from '../../content/digest.ts';
import { parseManifest } from '../../content/manifest.ts';
import { isIndexType } from '../../content/media-types.ts';
import { isTag } from '../../content/reference.ts';
import { accepts } from './accept.ts';
import type { RegistryContent, ServedManifest } from './content.ts';
import type { Exchange, Headers } from './exchange.ts';
import { rangeOf } from './range.ts';
import { Refusal } from './refusal.ts';
import type { Sending } from './sending.ts';

/** What a digest names never changes. Seconds. */
const FOR_EVER = 'max-age=31536000';

/** GET and HEAD of a manifest. Throws MANIFEST_UNKNOWN. */
export async function sendManifest(
  content: RegistryContent,
  exchange: Exchange,
  repository: string,
  reference: string,
): Promise<void> {
  const known = isDigest(reference) || isTag(reference);
  const found = known ? await content.manifest(repository, reference) : undefined;
  if (!found) throw unknown(repository, reference);
  const { descriptor, bytes } = isDigest(reference)
    ? found
    : await accepted(content, repository, found, exchange.header('accept'));
  const headers: Headers = {
    'content-type': descriptor.mediaType,
    ...namesOf(descriptor.digest),
    ...(isDigest(reference) && { 'cache-control': FOR_EVER }),
    vary: 'accept',
  };
  if (isKnown(exchange, descriptor.digest)) exchange.answer(304, namesOf(descriptor.digest));
  else exchange.answer(200, headers, bytes);
}

/**
 * What a tag stands for, for a client that takes only some kinds of manifest. Of an index, old clients are given the
 * image for linux/amd64, as distribution does. Throws MANIFEST_UNKNOWN when there is nothing that it would take.
 */
async function accepted(
  content: RegistryContent,
  repository: string,
  found: ServedManifest,
  accept: string | undefined,
): Promise<ServedManifest> {
  const { mediaType } = found.descriptor;
  if (accepts(accept, mediaType)) return found;
  if (isIndexType(mediaType)) {
    const index = parseManifest(found.bytes, mediaType);
    const child = index.kind === 'index' ? index.manifests.find(isCommon) : undefined;
    const image = child && (await content.manifest(repository, child.digest));
    if (image && accepts(accept, image.descriptor.mediaType)) return image;
  }
  throw new Refusal(
    'MANIFEST_UNKNOWN',
    `the manifest is of a kind that the client does not take: ${mediaType}`,
  );
}

function isCommon({ platform }: { platform?: { os: string; architecture: string } }): boolean {
  return platform?.os === 'linux' && platform.architecture === 'amd64';
}

/** GET and HEAD of a blob, or of a part of it. Throws BLOB_UNKNOWN, DIGEST_INVALID, RANGE_INVALID. */
export async function sendBlob(
  content: RegistryContent,
  sending: Sending,
  exchange: Exchange,
  repository: string,
  digest: string,
): Promise<void> {
  if (!isDigest(digest)) throw new Refusal('DIGEST_INVALID', 'this is no digest of sha256 or sha512');
  const blob = await content.blob(repository, digest);
  if (!blob) throw new Refusal('BLOB_UNKNOWN', 'the repository has no such blob', { detail: { digest } });
  const names: Headers = { ...namesOf(digest), 'cache-control': FOR_EVER };
  if (isKnown(exchange, digest)) return exchange.answer(304, names);
  const range = isUnchanged(exchange, digest) ? rangeOf(exchange.header('range'), blob.size) : undefined;
  if (range === 'unsatisfiable') {
    const headers = { 'content-range': `bytes */${blob.size}` };
    throw new Refusal('RANGE_INVALID', `the blob has ${blob.size} bytes`, { headers });
  }
  const headers: Headers = { ...names, 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes' };
  if (range) headers['content-range'] = `bytes ${range.first}-${range.last}/${blob.size}`;
  await sending.send(exchange, { status: range ? 206 : 200, headers }, { digest, blob, range });
}

function namesOf(digest: Digest): Headers {
  return { 'docker-content-digest': digest, etag: `"${digest}"` };
}

/** Whether the client has it already, and asks only whether that has changed. */
function isKnown(exchange: Exchange, digest: Digest): boolean {
  const tags = exchange.header('if-none-match');
  return tags?.split(',').some(tag => tag.trim().replace(/^W\//, '') === `"${digest}"`) ?? false;
}

/** Whether the rest of what the client has a part of is still the rest of the same. */
function isUnchanged(exchange: Exchange, digest: Digest): boolean {
  const tag = exchange.header('if-range');
  return tag === undefined || tag === `"${digest}"`;
}

function unknown(repository: string, reference: string): Refusal {
  return new Refusal('MANIFEST_UNKNOWN', 'the repository has no such manifest', {
    detail: { name: repository, reference },
  });
}
