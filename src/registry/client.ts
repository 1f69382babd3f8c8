/** The client of one registry: manifests, blobs, tags. OCI distribution-spec 1.1. */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, Digester, isDigest } from '../content/digest.ts';
import type { Action } from './auth.ts';
import { readCerts } from './certs.ts';
import { findCredentials } from './credentials.ts';
import { getBlob, getManifest, headManifest, type ManifestDocument, type ManifestHead } from './download.ts';
import { protocolError } from './errors.ts';
import { Http, type HttpLimits } from './http.ts';
import type { Credentials } from './login.ts';
import { type RetryPolicy, Session } from './session.ts';
import { listTags } from './tags.ts';
import { hasBlob, type UploadOptions, type UploadResult, type UploadSource, uploadBlob } from './upload.ts';

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
  /** What logins ask the right to do in a repository: `push` includes `pull`. `pull` when absent. */
  access?: Action;
  /** Blobs that travel at once. */
  concurrency?: number;
  signal?: AbortSignal;
  limits?: Partial<HttpLimits>;
  retry?: Partial<RetryPolicy>;
}

/** Blobs at once: more do not make one registry faster, fewer leave it waiting. */
const DEFAULT_CONCURRENCY = 5;
const HUB_ENDPOINT = 'registry-1.docker.io';

export class RegistryClient {
  /** As the operator writes it. */
  readonly registry: string;
  readonly concurrency: number;
  readonly #http: Http;
  readonly #session: Session;

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
    });
    this.#session = new Session({
      http: this.#http,
      registry,
      origin,
      credentials: async () => credentials ?? (await findCredentials(registry, { configFile })),
      access: options.access ?? 'pull',
      signal,
      retry,
    });
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
   * it names must be there: else the registry answers with an error that `isMissingContent` recognises.
   */
  async putManifest(
    repository: string,
    reference: string,
    mediaType: string,
    bytes: Uint8Array,
  ): Promise<Digest> {
    const answer = await this.#session.call({
      method: 'PUT',
      repository,
      to: `manifests/${reference}`,
      headers: { 'content-type': mediaType },
      body: bytes,
      accept: [201, 200, 202, 204],
    });
    answer.discard();
    const said = answer.header('docker-content-digest');
    const digester = new Digester(isDigest(said) ? said : undefined);
    digester.update(bytes);
    const digest = digester.digest();
    if (isDigest(said) && said !== digest) {
      throw protocolError(this.registry, `stored a manifest as ${said} that is ${digest}`, answer.url.href);
    }
    return digest;
  }

  /** Whether a repository has a blob. */
  headBlob(repository: string, blob: Descriptor): Promise<boolean> {
    return this.#session.retry(() => hasBlob(this.#session, repository, blob));
  }

  /** The bytes of a blob; the last step throws DIGEST_MISMATCH when they are not what the digest says. */
  getBlob(repository: string, blob: Descriptor): AsyncIterable<Uint8Array> {
    return getBlob(this.#session, repository, blob);
  }

  /** Bring a blob into a repository, unless it is there. See `uploadBlob`. */
  putBlob(repository: string, source: UploadSource, options?: UploadOptions): Promise<UploadResult> {
    return uploadBlob(this.#session, repository, source, options);
  }

  /** The tags of a repository. Throws REGISTRY_NOT_FOUND. */
  listTags(repository: string): Promise<string[]> {
    return listTags(this.#session, repository);
  }

  /** Close all connections. */
  close(): Promise<void> {
    return this.#http.close();
  }
}
