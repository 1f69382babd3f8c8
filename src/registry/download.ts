/** Manifests and blobs on their way out of a registry. OCI distribution-spec, "Pull". */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, Digester, isDigest, shortDigest } from '../content/digest.ts';
import { MANIFEST_LIMIT, parseManifest } from '../content/manifest.ts';
import {
  DOCKER_INDEX,
  DOCKER_MANIFEST,
  DOCKER_SCHEMA1,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../content/media-types.ts';
import { AirferryError } from '../errors.ts';
import { RegistryError } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import type { Session } from './session.ts';
import type { Bytes } from './streams.ts';

/** What a registry says of a manifest without sending it. */
export interface ManifestHead {
  digest: Digest;
  /** Without parameters; absent where the registry does not say. */
  mediaType?: string;
}

/** A manifest or index, byte for byte. */
export interface ManifestDocument {
  descriptor: Descriptor;
  bytes: Uint8Array;
}

/** Times that a blob's stream may break off without a single byte more. */
const STALLS_LIMIT = 3;
const ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_INDEX, DOCKER_MANIFEST, ...DOCKER_SCHEMA1].join(', ');

/**
 * The digest that a tag stands for, or undefined where there is none: one HEAD, and a GET where the registry knows
 * no HEAD, names no digest in it, or refuses it (an answer to HEAD cannot say why).
 */
export async function headManifest(
  session: Session,
  repository: string,
  reference: string,
): Promise<ManifestHead | undefined> {
  const head = await session.retry(() => askHead(session, repository, reference));
  if (head !== 'ask differently') return head;
  try {
    const { descriptor } = await getManifest(session, repository, reference);
    return { digest: descriptor.digest, mediaType: descriptor.mediaType };
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'REGISTRY_NOT_FOUND') return undefined;
    throw error;
  }
}

async function askHead(
  session: Session,
  repository: string,
  reference: string,
): Promise<ManifestHead | undefined | 'ask differently'> {
  try {
    const headers = { accept: ACCEPT };
    const to = `manifests/${reference}`;
    const answer = await session.once({ method: 'HEAD', repository, to, headers, accept: [200, 404] });
    if (answer.status === 404) return undefined;
    const digest = answer.header('docker-content-digest');
    const mediaType = mediaTypeOf(answer);
    return isDigest(digest) ? { digest, ...(mediaType ? { mediaType } : {}) } : 'ask differently';
  } catch (error) {
    const unsaid = error instanceof RegistryError && error.status !== undefined && !error.mayPass;
    if (unsaid && error.status !== 401) return 'ask differently';
    throw error;
  }
}

/**
 * Fetch a manifest or index by tag or digest. Throws DIGEST_MISMATCH when it is not what its digest says,
 * MANIFEST_INVALID, and registry errors.
 */
export function getManifest(
  session: Session,
  repository: string,
  reference: string,
): Promise<ManifestDocument> {
  return session.retry(async () => {
    const headers = { accept: ACCEPT };
    const to = `manifests/${reference}`;
    const answer = await session.once({ method: 'GET', repository, to, headers, accept: [200] });
    const bytes = await answer.bytes(MANIFEST_LIMIT + 1);
    const { mediaType } = parseManifest(bytes, mediaTypeOf(answer));
    const said = answer.header('docker-content-digest');
    const wanted = isDigest(reference) ? reference : isDigest(said) ? said : undefined;
    const digester = new Digester(wanted);
    digester.update(bytes);
    const digest = digester.digest();
    if (wanted !== undefined && digest !== wanted) {
      throw mismatch(session, wanted, `the manifest ${shortDigest(wanted)}`, digest);
    }
    return { descriptor: { mediaType, digest, size: bytes.length }, bytes };
  });
}

/**
 * The bytes of a blob, verified: the last step throws DIGEST_MISMATCH when they are not what the digest says. A
 * stream that breaks off goes on where it stopped. `begun`: its first bytes, where they are at hand; they come first, and
 * the registry is asked for the rest.
 */
export async function* getBlob(
  session: Session,
  repository: string,
  blob: Descriptor,
  begun?: Bytes,
): AsyncGenerator<Uint8Array> {
  const { digest, size } = blob;
  const digester = new Digester(digest);
  for await (const chunk of begun ?? []) {
    digester.update(chunk);
    yield chunk;
  }
  for (let stalls = 0; digester.size < size || (size === 0 && stalls === 0); ) {
    const start = digester.size;
    try {
      for await (const chunk of rest(session, repository, blob, start)) {
        if (digester.size + chunk.length > size) break;
        digester.update(chunk);
        yield chunk;
      }
      if (size === 0) break;
    } catch (error) {
      if (!(error instanceof RegistryError) || !error.mayPass || stalls === STALLS_LIMIT) throw error;
    }
    stalls = digester.size > start ? 1 : stalls + 1;
    if (stalls > STALLS_LIMIT) break;
  }
  const found = digester.digest();
  if (digester.size !== size || found !== digest)
    throw mismatch(session, digest, `the blob ${shortDigest(digest)}`, found);
}

/** The blob from `start` on, from a registry that may or may not know ranges. */
async function* rest(
  session: Session,
  repository: string,
  { digest }: Descriptor,
  start: number,
): Bytes & AsyncGenerator<Uint8Array> {
  const headers: Record<string, string> = start > 0 ? { range: `bytes=${start}-` } : {};
  const answer = await session.call({
    method: 'GET',
    repository,
    to: `blobs/${digest}`,
    headers,
    accept: [200, 206],
  });
  const begins = Number(/^bytes (\d+)-/.exec(answer.header('content-range') ?? '')?.[1] ?? 0);
  let skip = answer.status === 206 ? start - begins : start;
  for await (const chunk of answer.body()) {
    if (skip < chunk.length) yield skip > 0 ? chunk.subarray(skip) : chunk;
    skip = Math.max(0, skip - chunk.length);
  }
}

function mediaTypeOf(answer: HttpAnswer): string | undefined {
  return answer.header('content-type')?.split(';')[0]?.trim() || undefined;
}

function mismatch(session: Session, wanted: Digest, what: string, found: Digest): AirferryError {
  return new AirferryError(
    'DIGEST_MISMATCH',
    `${what} from ${session.registry} is ${shortDigest(found)} instead`,
    {
      where: { blob: wanted },
      suggestions: [
        "The registry's storage is damaged, or something on the way changes what passes: push it again.",
      ],
    },
  );
}
