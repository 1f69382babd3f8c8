/** Blobs on their way into a registry: asked for, mounted or sent, and begun again where that can help. */
import type { Descriptor } from '../content/descriptor.ts';
import { Digester } from '../content/digest.ts';
import { protocolError, RegistryError } from './errors.ts';
import type { Session } from './session.ts';
import { type Bytes, heldBack, pieces } from './streams.ts';
import { begin, finish, sendChunks, sendStream } from './upload-steps.ts';

/** A blob to upload. A source that knows its digest verifies itself: its last step throws DIGEST_MISMATCH. */
export type UploadSource = { descriptor: Descriptor; open(): Bytes } | { mediaType: string; open(): Bytes };

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

/**
 * Bring a blob into a repository. A blob of known digest is asked for, mounted, or sent in one request; one whose
 * digest is yet to be is sent as it flows and named at the end. After a failure that may pass, everything begins
 * again with a new `open()`. Throws DIGEST_MISMATCH, what the source throws, and registry errors; an upload that
 * failed is cancelled.
 */
export function uploadBlob(
  session: Session,
  repository: string,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<UploadResult> {
  if ('descriptor' in source) return uploadKnown(session, repository, source, options);
  return uploadUnknown(session, repository, source);
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

async function uploadKnown(
  session: Session,
  repository: string,
  { descriptor, open }: { descriptor: Descriptor; open(): Bytes },
  { mountFrom, force = false }: UploadOptions,
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

async function uploadUnknown(
  session: Session,
  repository: string,
  { mediaType, open }: { mediaType: string; open(): Bytes },
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
          ? sendChunks(session, repository, location, pieces(hashed(), size))
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
    if (!(error instanceof RegistryError)) throw error;
    const { status, registryCodes } = error;
    const lost =
      status === 404 || status === 416 || registryCodes.some(code => code.startsWith('BLOB_UPLOAD_'));
    throw lost ? error.passing() : error;
  }
}

async function* hashing(source: Bytes, digester: { current: Digester }): AsyncGenerator<Uint8Array> {
  digester.current = new Digester();
  for await (const chunk of source) {
    digester.current.update(chunk);
    yield chunk;
  }
}
