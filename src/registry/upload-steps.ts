/** The requests of which an upload is made: open or mount, PATCH, PUT. OCI distribution-spec, "Pushing blobs". */
import { setTimeout as sleep } from 'node:timers/promises';
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
/** How a proxy says that it waits no longer, while the registry behind it still hashes and stores what it was sent. */
const GIVEN_UP = [502, 504];
/** Milliseconds in which the blob is looked for then, at the least; and bytes for each of which it gets one more. */
const LOOKED_FOR_MS = 2_000;
const HASHED_IN_MS = 50_000;
/** Milliseconds between two looks: at first, and at the most. */
const LOOKS = { first: 250, most: 10_000 };
/** Statuses by which registries refuse a mount that they do not want to discuss. */
const MOUNT_REFUSED = [400, 401, 403, 404, 405];
const OCTETS = { 'content-type': 'application/octet-stream' };

export interface Begun {
  location: URL;
  /** Bytes that every chunk but the last must have, where the registry says so. */
  chunkMin: number | undefined;
}

/** Whether a repository has a blob, as one request. A registry without HEAD is asked for the first byte. */
export async function hasBlob(
  session: Session,
  repository: string,
  { digest, size }: Descriptor,
): Promise<boolean> {
  const to = `blobs/${digest}`;
  let answer = await session.once({ method: 'HEAD', repository, to, accept: [200, 404, 405, 501] });
  if (answer.status === 405 || answer.status === 501) {
    answer.discard();
    const headers = { range: 'bytes=0-0' };
    answer = await session.once({ method: 'GET', repository, to, headers, accept: [200, 206, 404, 416] });
    answer.discard();
    return answer.status !== 404;
  }
  const length = answer.header('content-length');
  return answer.status === 200 && (length === undefined || Number(length) === size);
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

/** One PATCH of known length, its first byte at `offset` of the blob. Gives back where the next request goes. */
export async function sendChunk(
  session: Session,
  repository: string,
  to: URL,
  { offset, length, body }: { offset: number; length: number; body: () => Bytes },
): Promise<URL> {
  const end = offset + length - 1;
  const answer = await session.once({
    method: 'PATCH',
    repository,
    to,
    headers: { ...OCTETS, 'content-range': `${offset}-${end}` },
    body,
    length,
    answerMs: FINALISE_MS,
    accept: [202, 201, 204],
  });
  answer.discard();
  const kept = keptBytes(answer);
  if (kept !== undefined && kept <= end) {
    throw new RegistryError('REGISTRY_FAILED', `${session.registry} kept ${kept} of ${end + 1} bytes`, {
      where: { url: publicUrl(to) },
      mayPass: true,
    });
  }
  return nextLocation(session, answer, to);
}

/**
 * Ask how much of an upload the registry has; undefined when it does not know the upload any more, or says nothing that
 * one could go on from. distribution before 3.0 may cancel an upload because of this question.
 */
export async function askProgress(
  session: Session,
  repository: string,
  upload: URL,
): Promise<{ location: URL; offset: number } | undefined> {
  try {
    const answer = await session.once({ method: 'GET', repository, to: upload, accept: [204, 200, 202] });
    answer.discard();
    const offset = keptBytes(answer) ?? 0;
    // 0-0 is what some say of an upload that is empty, and nobody sends one byte alone.
    return offset > 1 ? { location: nextLocation(session, answer, upload), offset } : undefined;
  } catch (error) {
    if (error instanceof RegistryError && !error.mayPass && error.status !== undefined) return undefined;
    throw error;
  }
}

/** Bytes from the start that the registry holds, by its `Range` header, whose ends are both included. */
function keptBytes(answer: HttpAnswer): number | undefined {
  const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(answer.header('range') ?? '')?.[1];
  return last === undefined ? undefined : Number(last) + 1;
}

/** Whether the registry has lost the upload, or doubts its offset: it has to begin anew. */
export function isLost(error: unknown): error is RegistryError {
  if (!(error instanceof RegistryError)) return false;
  const { status, registryCodes } = error;
  return status === 404 || status === 416 || registryCodes.some(code => code.startsWith('BLOB_UPLOAD_'));
}

/**
 * The request that names the blob and ends the upload, with all of its bytes or after them. Where a proxy gives up before
 * the registry is done, the blob is looked for.
 */
export async function finish(
  session: Session,
  repository: string,
  location: URL,
  blob: Descriptor,
  body?: () => Bytes,
): Promise<void> {
  const { digest, size } = blob;
  let sent = body === undefined;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    if (body) yield* body();
    sent = true;
  };
  try {
    const answer = await session.once({
      method: 'PUT',
      repository,
      to: withParameter(location, 'digest', digest),
      ...(body ? { headers: OCTETS, body: watched, length: size } : {}),
      answerMs: FINALISE_MS,
      accept: [201, 204],
    });
    answer.discard();
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    if (sent && GIVEN_UP.includes(error.status ?? 0) && (await turnsUp(session, repository, blob))) return;
    if (!error.registryCodes.includes('DIGEST_INVALID')) throw error;
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

/** Whether a blob comes to be within the time that a registry may take for it. */
async function turnsUp(session: Session, repository: string, blob: Descriptor): Promise<boolean> {
  const patience = Math.min(FINALISE_MS, LOOKED_FOR_MS + blob.size / HASHED_IN_MS);
  const deadline = performance.now() + patience;
  for (let pause = LOOKS.first; performance.now() < deadline; pause = Math.min(2 * pause, LOOKS.most)) {
    await sleep(pause);
    session.throwIfInterrupted();
    const there = await hasBlob(session, repository, blob).catch((error: unknown) => {
      if (error instanceof RegistryError && error.mayPass) return false;
      throw error;
    });
    if (there) return true;
  }
  return false;
}
