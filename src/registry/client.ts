/** The client of one registry: manifests, blobs, tags. OCI distribution-spec 1.1. */
import type { Descriptor } from '../content/descriptor.ts';
import type { Digest } from '../content/digest.ts';
import type { Action } from './auth.ts';
import { readCerts } from './certs.ts';
import { findCredentials } from './credentials.ts';
import { getBlob, getManifest, headManifest, type ManifestDocument, type ManifestHead } from './download.ts';
import { RegistryError } from './errors.ts';
import { Harbor } from './harbor.ts';
import { Http, type HttpLimits } from './http.ts';
import { listRepositories, listTags } from './lists.ts';
import type { Credentials } from './login.ts';
import { storeManifest } from './manifest-upload.ts';
import { type Referrer, Referrers } from './referrers.ts';
import { type RetryPolicy, Session } from './session.ts';
import type { UploadOptions, UploadResult } from './upload.ts';
import { UploadJournal, uploadsFolder } from './upload-journal.ts';
import type { ChunkSizes } from './upload-large.ts';
import { hasBlob } from './upload-steps.ts';
import { type UploadSource, Uploads } from './uploads.ts';

export interface RegistryClientOptions {
  /** `host[:port]`; `docker.io` is Docker Hub. */
  registry: string;
  /** Speak HTTP instead of HTTPS. Never a guess of ours. */
  plainHttp?: boolean;
  /** A file with CAs to trust, beside the machine's and those in `certsDir`. */
  caFile?: string;
  /** Instead of `/etc/docker/certs.d`. */
  certsDir?: string;
  /** Instead of those in Docker's config. */
  credentials?: Credentials;
  /** Docker's config file, instead of the user's. */
  configFile?: string;
  /** Where proxies are named (`HTTPS_PROXY`, `NO_PROXY`), instead of the environment of the process. */
  env?: NodeJS.ProcessEnv;
  /** Where large uploads under way are noted down, so that a later run goes on with them; false for nowhere. */
  uploadsDir?: string | false;
  /** When large blobs go in chunks, and how long those are. */
  chunks?: Partial<ChunkSizes>;
  /** What logins ask the right to do in a repository: `push` includes `pull`. `pull` when absent. */
  access?: Action;
  /** Blobs that travel at once. */
  concurrency?: number;
  /** Requests per second, for a registry that limits them; as fast as it goes when absent. */
  requestsPerSecond?: number;
  signal?: AbortSignal;
  limits?: Partial<HttpLimits>;
  retry?: Partial<RetryPolicy>;
}

/** Blobs at once: more do not make one registry faster, fewer leave it waiting. */
const DEFAULT_CONCURRENCY = 5;
/** Refusals of a push that may have more than one reason. */
const UNEXPLAINED = [401, 403, 404, 405];
const HUB_ENDPOINT = 'registry-1.docker.io';

export class RegistryClient {
  /** As the operator writes it. */
  readonly registry: string;
  readonly concurrency: number;
  readonly #http: Http;
  readonly #session: Session;
  readonly #referrers: Referrers;
  readonly #uploads: Uploads;
  readonly #harbor: Harbor;

  constructor(options: RegistryClientOptions) {
    const { registry, plainHttp = false, caFile, certsDir, credentials, configFile, signal, retry } = options;
    this.registry = registry;
    this.concurrency = options.concurrency ?? DEFAULT_CONCURRENCY;
    const host = registry === 'docker.io' ? HUB_ENDPOINT : registry;
    const { origin } = new URL(`${plainHttp ? 'http' : 'https'}://${host}`);
    this.#http = new Http({
      origin,
      limits: options.limits,
      tlsFiles: () => readCerts(registry, { caFile, certsDir }),
      env: options.env,
    });
    const shared = {
      http: this.#http,
      registry,
      origin,
      credentials: async () => credentials ?? (await findCredentials(registry, { configFile })),
      signal,
    };
    this.#harbor = new Harbor({ ...shared, pauseMs: retry?.baseMs });
    this.#session = new Session({
      ...shared,
      access: options.access ?? 'pull',
      retry,
      perSecond: options.requestsPerSecond,
    });
    this.#referrers = new Referrers(this.#session);
    const folder = options.uploadsDir ?? uploadsFolder(options.env);
    const journal = folder === false ? undefined : new UploadJournal(folder, registry);
    this.#uploads = new Uploads(this.#session, journal, options.chunks);
  }

  /** The digest and media type that a tag or digest stands for, or undefined when there is nothing. */
  headManifest(repository: string, reference: string): Promise<ManifestHead | undefined> {
    return headManifest(this.#session, repository, reference);
  }

  /** A manifest or index, verified. Throws REGISTRY_NOT_FOUND, DIGEST_MISMATCH, MANIFEST_INVALID. */
  getManifest(repository: string, reference: string): Promise<ManifestDocument> {
    return getManifest(this.#session, repository, reference);
  }

  /**
   * Store a manifest or index, byte for byte, under a tag or its digest, and give back its digest. Everything that
   * it names must be there: else the registry answers with an error that `isMissingContent` recognises. One with a
   * `subject` is found by `referrers` afterwards, whether the registry takes notice of subjects or not.
   */
  async putManifest(
    repository: string,
    reference: string,
    mediaType: string,
    bytes: Uint8Array,
  ): Promise<Digest> {
    const manifest = { reference, mediaType, bytes };
    const { digest, subjectTaken } = await storeManifest(this.#session, repository, manifest);
    await this.#referrers.stored(repository, manifest, subjectTaken);
    return digest;
  }

  /** The manifests whose subject is this digest: signatures, SBOMs, attestations. An unknown subject has none. */
  referrers(repository: string, subject: Digest): Promise<Referrer[]> {
    return this.#referrers.list(repository, subject);
  }

  /** Whether a repository has a blob. */
  headBlob(repository: string, blob: Descriptor): Promise<boolean> {
    return this.#session.retry(() => hasBlob(this.#session, repository, blob));
  }

  /** The bytes of a blob; the last step throws DIGEST_MISMATCH when they are not what the digest says. */
  getBlob(
    repository: string,
    blob: Descriptor,
    begun?: AsyncIterable<Uint8Array>,
  ): AsyncIterable<Uint8Array> {
    return getBlob(this.#session, repository, blob, begun);
  }

  /** Bring a blob into a repository, unless it is there. See `Uploads.put`. */
  putBlob(repository: string, source: UploadSource, options?: UploadOptions): Promise<UploadResult> {
    return this.#uploads.put(repository, source, options);
  }

  /** The tags of a repository. Throws REGISTRY_NOT_FOUND. */
  listTags(repository: string): Promise<string[]> {
    return listTags(this.#session, repository);
  }

  /** All repositories. Throws REGISTRY_DENIED where the registry does not list them to this login. */
  listRepositories(): AsyncIterable<string> {
    return listRepositories(this.#session);
  }

  /**
   * Ask the registry whether it knows this login. `wanted` is false for one that let us in without any. Throws
   * REGISTRY_UNAUTHORIZED, and what a registry that cannot be reached makes of it.
   */
  async checkLogin(): Promise<{ wanted: boolean }> {
    const to = this.#session.url(undefined, '');
    const answer = await this.#session.call({ method: 'GET', to, accept: [200] });
    answer.discard();
    return { wanted: this.#session.wantsLogin };
  }

  /** Harbor's own interface, where the registry is one; asked for that each time. */
  async harbor(): Promise<Harbor | undefined> {
    return (await this.#harbor.detect()) ? this.#harbor : undefined;
  }

  /** What lies behind a failed push, where the registry is a Harbor and can tell; any other error as it is. */
  async explain(error: unknown, repository: string): Promise<unknown> {
    if (!(error instanceof RegistryError) || !UNEXPLAINED.includes(error.status ?? 0)) return error;
    return this.#harbor.explain(error, repository);
  }

  /** Close all connections. */
  close(): Promise<void> {
    return this.#http.close();
  }
}
