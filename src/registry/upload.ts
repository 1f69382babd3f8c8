/** Blobs that go into a registry in one request, or as a stream of unknown length; begun again where that can help. */
import type { Descriptor } from '../content/descriptor.ts';
import { Digester } from '../content/digest.ts';
import { protocolError, RegistryError } from './errors.ts';
import type { Session } from './session.ts';
import { type Bytes, heldBack, pieces } from './streams.ts';
import { begin, finish, hasBlob, isLost, sendChunk, sendStream } from './upload-steps.ts';

/** A blob whose digest is known. Its source verifies itself: the last step throws DIGEST_MISMATCH. */
export interface KnownSource {
  descriptor: Descriptor;
  open(): Bytes;
}

/** A blob whose digest shows when it has passed. */
export interface UnknownSource {
  mediaType: string;
  open(): Bytes;
}

export interface UploadOptions {
  /** A repository of the same registry that has the blob. */
  mountFrom?: string;
  /** Send the bytes even where the registry says that it has them. */
  force?: boolean;
}

export interface UploadResult {
  descriptor: Descriptor;
  /** `moved`: the bytes travelled. `present`: the registry had them. `mounted`: it took them from `mountFrom`. */
  how: 'moved' | 'present' | 'mounted';
}

/** Bytes of a chunk where the registry wants chunks of known length. */
const CHUNK = 8 * 1024 * 1024;
/** A registry that wants larger chunks than this gets the blob as one stream: its last chunk may have any length. */
const CHUNK_LIMIT = 64 * 1024 * 1024;

/** Bring a blob of known digest into a repository: asked for, mounted, or sent in one request of announced length. */
export async function uploadKnown(
  session: Session,
  repository: string,
  { descriptor, open }: KnownSource,
  { mountFrom, force = false }: UploadOptions = {},
): Promise<UploadResult> {
  let how: UploadResult['how'] = 'present';
  return session.retry(async () => {
    if (!force && (await hasBlob(session, repository, descriptor))) return { descriptor, how };
    const begun = await begin(
      session,
      repository,
      force ? undefined : { digest: descriptor.digest, mountFrom },
    );
    if (begun === 'mounted') return { descriptor, how: 'mounted' };
    how = 'moved';
    return guarded(session, repository, begun.location, async () => {
      const body = (): Bytes => heldBack(open(), descriptor);
      const empty = descriptor.size === 0;
      if (empty) for await (const _ of body());
      await finish(session, repository, begun.location, descriptor, empty ? undefined : body);
      return { descriptor, how };
    });
  });
}

/** Bring a blob of unknown digest into a repository: sent as it flows, and named at the end. */
export async function uploadUnknown(
  session: Session,
  repository: string,
  { mediaType, open }: UnknownSource,
): Promise<UploadResult> {
  let chunked = false;
  let sent: Descriptor | undefined;
  return session.retry(async () => {
    // The answer to the last request may have been lost after the registry had stored the blob.
    if (sent && (await hasBlob(session, repository, sent))) return { descriptor: sent, how: 'moved' };
    const begun = await begin(session, repository);
    if (begun === 'mounted') throw protocolError(session.registry, 'mounted a blob that nobody named');
    const { location, chunkMin } = begun;
    return guarded(session, repository, location, async () => {
      const digester = { current: new Digester() };
      const size = Math.max(CHUNK, chunkMin ?? 0);
      const asChunks = chunked || (chunkMin !== undefined && size <= CHUNK_LIMIT);
      const hashed = (): Bytes => hashing(open(), digester);
      let last: URL;
      try {
        last = await (asChunks
          ? sendPieces(session, repository, location, pieces(hashed(), size))
          : sendStream(session, repository, location, hashed));
      } catch (error) {
        if (!(error instanceof RegistryError) || error.status !== 411 || chunked) throw error;
        // A proxy that wants to know the length of every request.
        chunked = true;
        throw error.passing();
      }
      const descriptor: Descriptor = {
        mediaType,
        digest: digester.current.digest(),
        size: digester.current.size,
      };
      sent = descriptor;
      await finish(session, repository, last, descriptor);
      return { descriptor, how: 'moved' };
    });
  });
}

/**
 * Run the upload at `location`; when it fails, tell the registry so. An upload that the registry has lost, or whose
 * offset it doubts, fails in a way that may pass: the next one is new.
 */
async function guarded<T>(
  session: Session,
  repository: string,
  location: URL,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await session.cancel(repository, location);
    throw isLost(error) ? error.passing() : error;
  }
}

/** PATCHes of known length, each where the one before has ended. */
async function sendPieces(
  session: Session,
  repository: string,
  first: URL,
  source: AsyncIterable<{ chunks: Uint8Array[]; length: number }>,
): Promise<URL> {
  let location = first;
  let offset = 0;
  for await (const { chunks, length } of source) {
    const body = async function* () {
      yield* chunks;
    };
    location = await sendChunk(session, repository, location, { offset, length, body });
    offset += length;
  }
  return location;
}

async function* hashing(source: Bytes, digester: { current: Digester }): AsyncGenerator<Uint8Array> {
  digester.current = new Digester();
  for await (const chunk of source) {
    digester.current.update(chunk);
    yield chunk;
  }
}
