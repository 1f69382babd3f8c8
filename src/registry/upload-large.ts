/**
 * A large blob in several requests, so that what has arrived is not sent again: after a cut connection within this run,
 * and after an interruption in the next one. Distribution goes on in mid-chunk from 3.0 on; before that, it gives up an
 * upload that broke off, and the blob begins anew. OCI distribution-spec, "Pushing a blob in chunks", "Resuming".
 */
import type { Descriptor } from '../content/descriptor.ts';
import { isAirferryError } from '../errors.ts';
import { RegistryError } from './errors.ts';
import type { Session } from './session.ts';
import { heldBack, Portions } from './streams.ts';
import type { KnownSource, UploadOptions, UploadResult } from './upload.ts';
import type { UploadJournal, UploadPlace } from './upload-journal.ts';
import { askProgress, begin, finish, hasBlob, isLost, sendChunk } from './upload-steps.ts';

/** When a blob goes in chunks, and how long they are; bytes. */
export interface ChunkSizes {
  /** From which size on. */
  from: number;
  /** Of a chunk. Each costs a round trip, and a registry's wait for its disk. */
  chunk: number;
}

export const CHUNK_SIZES: ChunkSizes = { from: 64 * 1024 * 1024, chunk: 256 * 1024 * 1024 };
/** What chunks are reduced to, at the least, where they break off or are too large. */
const LEAST_PART = 1 / 32;
/** Failures in a row without a byte more at the registry, after which it gets the blob in one request. */
const STALLS_LIMIT = 3;
/** Refusals that are about the manner of sending. */
const MANNER_REFUSED = [400, 405, 411, 501];

/** The registry does not take a blob in several requests. For the caller, never for the operator. */
export class ChunksRefused extends Error {}

interface Place {
  location: URL;
  /** Bytes that the registry has. */
  offset: number;
}

export class LargeUpload {
  readonly #session: Session;
  readonly #repository: string;
  readonly #source: KnownSource;
  readonly #blob: Descriptor;
  readonly #options: UploadOptions;
  readonly #journal: UploadJournal | undefined;
  #how: UploadResult['how'] = 'present';
  /** An upload that the registry may still know. */
  #location: URL | undefined;
  /** The most bytes that the registry was seen to have. */
  #reached = 0;
  #stalls = 0;
  #chunk: number;
  readonly #smallChunk: number;
  /** The least that the registry wants in a chunk. */
  #least = 0;

  constructor(
    session: Session,
    repository: string,
    source: KnownSource,
    options: UploadOptions,
    { journal, sizes }: { journal: UploadJournal | undefined; sizes: ChunkSizes },
  ) {
    this.#session = session;
    this.#repository = repository;
    this.#source = source;
    this.#blob = source.descriptor;
    this.#options = options;
    this.#journal = journal;
    this.#chunk = sizes.chunk;
    this.#smallChunk = Math.ceil(sizes.chunk * LEAST_PART);
  }

  /** Throws what `Uploads.put` does, and ChunksRefused. */
  async run(): Promise<UploadResult> {
    const left = await this.#journal?.take(this.#repository, this.#blob);
    this.#location = left?.location;
    this.#least = left?.least ?? 0;
    try {
      const how = await this.#session.retry(progress => this.#attempt(progress));
      await this.#journal?.forget(this.#repository, this.#blob);
      return { descriptor: this.#blob, how };
    } catch (error) {
      if (this.#location && this.#journal)
        await this.#journal.release(this.#repository, this.#blob, this.#placeAt(this.#location));
      else await this.#cancel();
      throw error;
    }
  }

  async #attempt(progress: () => void): Promise<UploadResult['how']> {
    const { mountFrom, force } = this.#options;
    if (!force && (await hasBlob(this.#session, this.#repository, this.#blob))) {
      await this.#cancel();
      return this.#how;
    }
    let place = await this.#resume(progress);
    if (!place) {
      const mount = force ? undefined : { digest: this.#blob.digest, mountFrom };
      const begun = await begin(this.#session, this.#repository, mount);
      if (begun === 'mounted') return 'mounted';
      this.#least = begun.chunkMin ?? 0;
      place = { location: begun.location, offset: 0 };
    }
    this.#how = 'moved';
    try {
      await this.#goOn(place.location);
      const last = await this.#send(place, progress);
      await finish(this.#session, this.#repository, last, this.#blob);
      this.#location = undefined;
      return 'moved';
    } catch (error) {
      throw await this.#failed(error, place.offset > 0);
    }
  }

  /** Where the registry stands with an upload that was begun before; undefined where one has to begin. */
  async #resume(progress: () => void): Promise<Place | undefined> {
    if (!this.#location) return undefined;
    const place = await askProgress(this.#session, this.#repository, this.#location);
    if (place && place.offset <= this.#blob.size) {
      this.#advanced(place.offset, progress);
      return place;
    }
    await this.#cancel();
    return undefined;
  }

  async #send({ location, offset: start }: Place, progress: () => void): Promise<URL> {
    const { size } = this.#blob;
    if (start === size) return location;
    const portions = new Portions(heldBack(this.#source.open(), this.#blob));
    try {
      await portions.skip(start, () => this.#session.throwIfInterrupted());
      let to = location;
      for (let offset = start; offset < size; ) {
        const length = Math.min(Math.max(this.#chunk, this.#least), size - offset);
        const body = portions.next(length);
        to = await sendChunk(this.#session, this.#repository, to, { offset, length, body });
        offset += length;
        this.#advanced(offset, progress);
        await this.#goOn(to);
      }
      return to;
    } finally {
      await portions.close();
    }
  }

  async #goOn(location: URL): Promise<void> {
    this.#location = location;
    await this.#journal?.note(this.#repository, this.#blob, this.#placeAt(location));
  }

  #placeAt(location: URL): UploadPlace {
    return { location, least: this.#least };
  }

  #advanced(offset: number, progress: () => void): void {
    if (offset <= this.#reached) return;
    this.#reached = offset;
    this.#stalls = 0;
    progress();
  }

  /** What a failure means for the upload, and the error that stands for it in the next attempt. */
  async #failed(error: unknown, resumed: boolean): Promise<unknown> {
    if (isAirferryError(error, 'DIGEST_MISMATCH')) {
      await this.#cancel();
      // The registry has put together what two runs have sent, and one of them may have been wrong: once more, as a whole.
      return resumed && error.cause instanceof RegistryError ? error.cause.passing() : error;
    }
    if (!(error instanceof RegistryError)) return error;
    const { status = 0, code, mayPass, registryCodes } = error;
    const tooLarge = status === 413 && this.#chunk > this.#smallChunk;
    if (isLost(error) || tooLarge || !mayPass) await this.#cancel();
    if (!mayPass && !tooLarge && !isLost(error)) {
      const manner = MANNER_REFUSED.includes(status) || registryCodes.includes('UNSUPPORTED');
      return manner && this.#reached === 0 ? new ChunksRefused() : error;
    }
    // A proxy may limit what one request may carry, or how long it may take.
    this.#chunk = tooLarge ? this.#smallChunk : Math.max(this.#smallChunk, Math.ceil(this.#chunk / 2));
    const passing = code === 'REGISTRY_UNREACHABLE' || status === 429 || status >= 500;
    if (passing || tooLarge || ++this.#stalls < STALLS_LIMIT) return error.passing();
    await this.#cancel();
    return new ChunksRefused();
  }

  /** Give up the upload that is under way, if there is one. */
  async #cancel(): Promise<void> {
    if (!this.#location) return;
    await this.#session.cancel(this.#repository, this.#location);
    await this.#journal?.forget(this.#repository, this.#blob);
    this.#location = undefined;
  }
}
