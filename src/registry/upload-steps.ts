/** The requests of which an upload is made: open or mount, PATCH, PUT. OCI distribution-spec, "Pushing blobs". */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, shortDigest } from '../content/digest.ts';
import { AirferryError } from '../errors.ts';
import { protocolError, RegistryError } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { publicUrl, resolveLocation, withParameter } from './location.ts';
import type { Session } from './session.ts';
import type { Bytes } from './streams.ts';

/** Milliseconds in which a registry may hash and store a large blob after its last byte. */
const FINALISE_MS = 20 * 60_000;
/** Statuses by which registries refuse a mount that they do not want to discuss. */
const MOUNT_REFUSED = [400, 401, 403, 404, 405];
const OCTETS = { 'content-type': 'application/octet-stream' };

export interface Begun {
  location: URL;
  /** Bytes that every chunk but the last must have, where the registry says so. */
  chunkMin: number | undefined;
}

/** Open an upload, or have the blob mounted. A mount that is refused or not done becomes an ordinary upload. */
export async function begin(
  session: Session,
  repository: string,
  blob?: { digest: Digest; mountFrom: string | undefined },
): Promise<Begun | 'mounted'> {
  const path = 'blobs/uploads/';
  if (blob?.mountFrom !== undefined && blob.mountFrom !== repository) {
    const { mountFrom: from, digest } = blob;
    const to = session.url(repository, path, { mount: digest, from });
    try {
      const answer = await session.once({ method: 'POST', repository, from, to, accept: [201, 202] });
      answer.discard();
      return answer.status === 201 ? 'mounted' : begun(session, answer);
    } catch (error) {
      const refused = error instanceof RegistryError && MOUNT_REFUSED.includes(error.status ?? 0);
      if (!refused) throw error;
    }
  }
  const answer = await session.once({ method: 'POST', repository, to: path, accept: [202] });
  answer.discard();
  return begun(session, answer);
}

function begun(session: Session, answer: HttpAnswer): Begun {
  const minimum = Number(answer.header('oci-chunk-min-length'));
  return {
    location: nextLocation(session, answer),
    chunkMin: Number.isSafeInteger(minimum) && minimum > 0 ? minimum : undefined,
  };
}

function nextLocation(session: Session, answer: HttpAnswer, fallback?: URL): URL {
  const header = answer.header('location');
  const location = header === undefined ? fallback : resolveLocation(header, answer.url);
  if (!location)
    throw protocolError(session.registry, 'does not say where the upload goes', publicUrl(answer.url));
  if (answer.url.protocol === 'https:' && location.protocol === 'http:') {
    throw protocolError(
      session.registry,
      `sends the upload from HTTPS down to plain HTTP at ${location.host}`,
    );
  }
  return location;
}

/** The whole blob in one PATCH of no announced length, as engines send it. */
export async function sendStream(
  session: Session,
  repository: string,
  location: URL,
  body: () => Bytes,
): Promise<URL> {
  const answer = await session.once({
    method: 'PATCH',
    repository,
    to: location,
    headers: OCTETS,
    body,
    answerMs: FINALISE_MS,
    accept: [202, 201, 204],
  });
  answer.discard();
  return nextLocation(session, answer, location);
}

/** PATCHes of known length, each where the one before has ended. */
export async function sendChunks(
  session: Session,
  repository: string,
  first: URL,
  source: AsyncIterable<{ chunks: Uint8Array[]; length: number }>,
): Promise<URL> {
  let location = first;
  let offset = 0;
  for await (const { chunks, length } of source) {
    const end = offset + length - 1;
    const answer = await session.once({
      method: 'PATCH',
      repository,
      to: location,
      headers: { ...OCTETS, 'content-range': `${offset}-${end}` },
      body: async function* () {
        yield* chunks;
      },
      length,
      accept: [202, 201, 204],
    });
    answer.discard();
    const taken = /^(?:bytes=)?0-(\d+)$/.exec(answer.header('range') ?? '')?.[1];
    if (taken !== undefined && Number(taken) < end) {
      throw new RegistryError(
        'REGISTRY_FAILED',
        `${session.registry} kept ${Number(taken) + 1} of ${end + 1} bytes`,
        {
          where: { url: publicUrl(location) },
          mayPass: true,
        },
      );
    }
    location = nextLocation(session, answer, location);
    offset += length;
  }
  return location;
}

/** The request that names the blob and ends the upload, with all of its bytes or after them. */
export async function finish(
  session: Session,
  repository: string,
  location: URL,
  { digest, size }: Descriptor,
  body?: () => Bytes,
): Promise<void> {
  try {
    const answer = await session.once({
      method: 'PUT',
      repository,
      to: withParameter(location, 'digest', digest),
      ...(body ? { headers: OCTETS, body, length: size } : {}),
      answerMs: FINALISE_MS,
      accept: [201, 204],
    });
    answer.discard();
  } catch (error) {
    if (!(error instanceof RegistryError) || !error.registryCodes.includes('DIGEST_INVALID')) throw error;
    throw new AirferryError(
      'DIGEST_MISMATCH',
      `${session.registry} received other bytes than ${shortDigest(digest)}`,
      {
        where: { blob: digest, ...error.where },
        suggestions: [
          'The source is damaged, or something between here and the registry changes what passes.',
        ],
        cause: error,
      },
    );
  }
}
