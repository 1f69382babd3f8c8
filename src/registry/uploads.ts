/** Blobs on their way into a registry, each in the manner that suits it. */
import type { Session } from './session.ts';
import {
  type KnownSource,
  type UnknownSource,
  type UploadOptions,
  type UploadResult,
  uploadKnown,
  uploadUnknown,
} from './upload.ts';
import type { UploadJournal } from './upload-journal.ts';
import { CHUNK_SIZES, type ChunkSizes, ChunksRefused, LargeUpload } from './upload-large.ts';

export type UploadSource = KnownSource | UnknownSource;

export class Uploads {
  readonly #session: Session;
  readonly #journal: UploadJournal | undefined;
  readonly #sizes: ChunkSizes;
  /** Until the registry shows that it does not take a blob in several requests. */
  #takesChunks = true;

  /** Without a journal an upload that is interrupted is cancelled. */
  constructor(session: Session, journal: UploadJournal | undefined, sizes: Partial<ChunkSizes> = {}) {
    this.#session = session;
    this.#journal = journal;
    this.#sizes = { ...CHUNK_SIZES, ...sizes };
  }

  /**
   * Bring a blob into a repository. One of known digest is asked for, mounted, or sent: in one request, or, if it is
   * large, in several, so that it goes on where it stopped. One of unknown digest is sent as it flows and named at the
   * end. After a failure that may pass, the source is opened again. Throws DIGEST_MISMATCH, what the source throws, and
   * registry errors. An upload that failed for good is cancelled; what a later run can go on with is noted down.
   */
  async put(repository: string, source: UploadSource, options: UploadOptions = {}): Promise<UploadResult> {
    if (!('descriptor' in source)) return uploadUnknown(this.#session, repository, source);
    if (this.#takesChunks && source.descriptor.size >= this.#sizes.from) {
      try {
        const manner = { journal: this.#journal, sizes: this.#sizes };
        return await new LargeUpload(this.#session, repository, source, options, manner).run();
      } catch (error) {
        if (!(error instanceof ChunksRefused)) throw error;
        this.#takesChunks = false;
      }
    }
    return uploadKnown(this.#session, repository, source, options);
  }
}
