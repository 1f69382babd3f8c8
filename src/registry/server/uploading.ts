/** Blobs on their way in: as a whole, in chunks, or taken over from another repository. OCI distribution-spec, "Push". */
import { type Digest, isDigest } from '../../content/digest.ts';
import { isRepositoryName } from '../../content/reference.ts';
import { Semaphore } from '../../support/semaphore.ts';
import type { Upload, WritableContent } from './content.ts';
import type { Exchange, Headers } from './exchange.ts';
import { chunkRange } from './range.ts';
import { Refusal } from './refusal.ts';

/** Which upload. */
interface Place {
  repository: string;
  id: string;
}

/** Bodies that may wait for each one that moves. */
const WAITING = 8;
const RETRY_SECONDS = '5';

/** The uploads of one server: how many move at once, and which of them is at work on which request. */
export class Uploading {
  readonly #limit: number;
  readonly #places: Semaphore;
  #moving = 0;
  /** By upload: the request that is at work on it, and its end. */
  readonly #busy = new Map<string, { exchange: Exchange; done: Promise<void> }>();

  /** @param limit bodies that are taken at once; others wait, and beyond that are sent away */
  constructor(limit: number) {
    this.#limit = limit;
    this.#places = new Semaphore(limit);
  }

  /** POST: mount a blob, take it as a whole, or begin an upload. */
  async start(content: WritableContent, exchange: Exchange, repository: string): Promise<void> {
    const { query } = exchange;
    const mount = query.get('mount');
    const from = query.get('from');
    const mountable = isDigest(mount) && (from === null || isRepositoryName(from));
    if (mountable && (await content.mount(repository, mount, from ?? undefined)))
      return exchange.answer(201, blobHeaders(repository, mount));
    const digest = digestParameter(exchange);
    const upload = await content.startUpload(repository);
    if (digest === undefined || exchange.contentLength === 0)
      return exchange.answer(202, uploadHeaders(repository, upload));
    try {
      await this.#move(() => upload.append(exchange.body()));
    } catch (error) {
      await upload.cancel();
      throw error;
    }
    await complete(exchange, repository, upload, digest);
  }

  /** GET: how much has come. */
  async status(content: WritableContent, exchange: Exchange, place: Place): Promise<void> {
    const upload = await find(content, place);
    exchange.answer(204, uploadHeaders(place.repository, upload));
  }

  /** PATCH: a chunk, or a stream of bytes whose end is not known. */
  append(content: WritableContent, exchange: Exchange, place: Place): Promise<void> {
    return this.#exclusively(exchange, place, async () => {
      const upload = await find(content, place);
      await this.#add(exchange, place, upload);
      exchange.answer(202, uploadHeaders(place.repository, upload));
    });
  }

  /** PUT: the end, with the last bytes or without any. */
  finish(content: WritableContent, exchange: Exchange, place: Place): Promise<void> {
    return this.#exclusively(exchange, place, async () => {
      const digest = digestParameter(exchange);
      if (digest === undefined) throw new Refusal('DIGEST_INVALID', 'an upload ends with ?digest=');
      const upload = await find(content, place);
      if (exchange.contentLength !== 0) await this.#add(exchange, place, upload);
      await complete(exchange, place.repository, upload, digest);
    });
  }

  /** DELETE: give it up. */
  cancel(content: WritableContent, exchange: Exchange, place: Place): Promise<void> {
    return this.#exclusively(exchange, place, async () => {
      const upload = await find(content, place);
      await upload.cancel();
      exchange.answer(204);
    });
  }

  async #add(exchange: Exchange, place: Place, upload: Upload): Promise<void> {
    const header = exchange.header('content-range');
    const length = exchange.contentLength;
    const range = header === undefined ? undefined : chunkRange(header);
    if (header !== undefined && range?.first !== upload.size) {
      const why = `the next chunk begins at byte ${upload.size}`;
      const headers = uploadHeaders(place.repository, upload) as Record<string, string>;
      throw new Refusal('BLOB_UPLOAD_INVALID', why, { status: 416, headers });
    }
    const claimed = range && range.last - range.first + 1;
    if (claimed !== undefined && length !== undefined && claimed !== length)
      throw new Refusal('SIZE_INVALID', `${header} is not the range of ${length} bytes`);
    await this.#move(() => upload.append(upTo(exchange.body(), claimed)));
  }

  /** Take a body when its turn comes. Throws TOOMANYREQUESTS when too many are waiting already. */
  async #move(work: () => Promise<void>): Promise<void> {
    if (this.#moving >= this.#limit * WAITING) {
      const headers = { 'retry-after': RETRY_SECONDS };
      throw new Refusal('TOOMANYREQUESTS', 'too many uploads at once', { headers });
    }
    this.#moving++;
    try {
      await this.#places.run(work);
    } finally {
      this.#moving--;
    }
  }

  /**
   * One request at a time for each upload. A new one takes over: nobody sends two at once, so the older is that of a
   * connection which the client has lost, and of which nothing has been heard here yet.
   */
  async #exclusively(exchange: Exchange, { id }: Place, work: () => Promise<void>): Promise<void> {
    for (let other = this.#busy.get(id); other; other = this.#busy.get(id)) {
      other.exchange.cut();
      await other.done;
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#busy.set(id, { exchange, done: promise });
    try {
      await work();
    } finally {
      this.#busy.delete(id);
      resolve();
    }
  }
}

async function find(content: WritableContent, { repository, id }: Place): Promise<Upload> {
  const upload = await content.upload(repository, id);
  if (upload) return upload;
  throw new Refusal('BLOB_UPLOAD_UNKNOWN', 'there is no such upload; begin it again');
}

async function complete(
  exchange: Exchange,
  repository: string,
  upload: Upload,
  digest: Digest,
): Promise<void> {
  const { size } = upload;
  if (!(await upload.finish(digest))) {
    const detail = { digest, size };
    throw new Refusal('DIGEST_INVALID', `the ${size} bytes that came are not those of the digest`, {
      detail,
    });
  }
  exchange.answer(201, blobHeaders(repository, digest));
}

function digestParameter(exchange: Exchange): Digest | undefined {
  const text = exchange.query.get('digest');
  if (text === null) return undefined;
  if (isDigest(text)) return text;
  throw new Refusal('DIGEST_INVALID', 'this is no digest of sha256 or sha512', { detail: { digest: text } });
}

/** `Location` is relative: who comes through a forward or a proxy knows this server by another name. */
function blobHeaders(repository: string, digest: Digest): Headers {
  return { location: `/v2/${repository}/blobs/${digest}`, 'docker-content-digest': digest };
}

/** `Range` has both ends in it, so that nothing and one byte look the same; that is how registries write it. */
function uploadHeaders(repository: string, { id, size }: Upload): Headers {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    range: `0-${Math.max(0, size - 1)}`,
    'docker-upload-uuid': id,
  };
}

/** The bytes of a chunk. Throws SIZE_INVALID after the last one of them when more come, or fewer have. */
async function* upTo(
  bytes: AsyncIterable<Uint8Array>,
  length: number | undefined,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of bytes) {
    size += chunk.length;
    if (length !== undefined && size > length)
      throw new Refusal('SIZE_INVALID', `the chunk is longer than the ${length} bytes of its range`);
    yield chunk;
  }
  if (length !== undefined && size < length)
    throw new Refusal('SIZE_INVALID', `the chunk has ${size} bytes, its range ${length}`);
}
