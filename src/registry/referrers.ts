/**
 * What refers to an image: signatures, SBOMs, attestations. OCI distribution-spec, "Listing Referrers"; where a registry
 * does not know that request, the index under the tag `sha256-<hex>` stands in for it, and clients keep it up.
 */
import type { Descriptor } from '../content/descriptor.ts';
import { type Digest, digestOf, hexOf, shortDigest } from '../content/digest.ts';
import { descriptor } from '../content/manifest.ts';
import { isIndexType, OCI_INDEX } from '../content/media-types.ts';
import { isObject } from '../support/is-object.ts';
import { getManifest, headManifest } from './download.ts';
import { isMissingContent, RegistryError } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { type ManifestUpload, storeManifest } from './manifest-upload.ts';
import { listed } from './pages.ts';
import type { Session } from './session.ts';

/** A manifest that refers to another, as lists of referrers describe it. */
export interface Referrer extends Descriptor {
  artifactType?: string;
}

/** Answers by which registries show that they do not know the request. */
const UNKNOWN_REQUEST = [400, 404, 405, 406, 501];
/** Entries of one list that are taken in. */
const ENTRIES_LIMIT = 10_000;
/** Times that an index is written when others write it at the same time. */
const WRITES_LIMIT = 5;

/** The tag under which a subject's referrers are kept where the registry does not list them itself. */
export function fallbackTag(subject: Digest): string {
  const algorithm = subject.slice(0, subject.indexOf(':'));
  return `${algorithm.slice(0, 32)}-${hexOf(subject).slice(0, 64)}`;
}

export class Referrers {
  readonly #session: Session;
  /** Whether the registry lists referrers itself; unknown before the first question. */
  #listsThem: boolean | undefined;
  /** Writers of one fallback tag wait for each other. */
  readonly #writing = new Map<string, Promise<void>>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** The manifests whose subject is this digest, each once. Throws MANIFEST_INVALID and registry errors. */
  async list(repository: string, subject: Digest): Promise<Referrer[]> {
    const found = (await this.#ask(repository, subject)) ?? (await this.#fallback(repository, subject));
    return [...new Map(found.map(json => [String(json.digest), referrer(json)])).values()];
  }

  /** Take in that a manifest was stored. Where it has a subject of which the registry took no notice, note it down. */
  async stored(repository: string, manifest: ManifestUpload, subjectTaken: boolean): Promise<void> {
    if (subjectTaken) return;
    const described = describe(manifest);
    if (!described) return;
    const { subject, entry } = described;
    const key = `${repository}:${fallbackTag(subject)}`;
    const before = this.#writing.get(key) ?? Promise.resolve();
    const write = before.then(() => this.#add(repository, subject, entry));
    const settled = write.catch(() => {});
    this.#writing.set(key, settled);
    await write.finally(() => {
      if (this.#writing.get(key) === settled) this.#writing.delete(key);
    });
  }

  async #ask(repository: string, subject: Digest): Promise<Record<string, unknown>[] | undefined> {
    if (this.#listsThem === false) return undefined;
    const session = this.#session;
    const found: Record<string, unknown>[] = [];
    try {
      const pages = listed(session, {
        first: session.url(repository, `referrers/${subject}`),
        call: { repository, headers: { accept: OCI_INDEX }, accept: [200] },
        what: 'referrers',
        parse: (text, answer) => (isIndex(answer) ? entries(text) : undefined),
      });
      for await (const entry of pages) if (found.push(entry) === ENTRIES_LIMIT) break;
      this.#listsThem = true;
      return found;
    } catch (error) {
      if (!(error instanceof RegistryError) || !isUnknownRequest(error)) throw error;
      // Statuses other than 404 may be about this repository alone.
      if (error.status === 404) this.#listsThem = false;
      return undefined;
    }
  }

  async #fallback(repository: string, subject: Digest): Promise<Record<string, unknown>[]> {
    try {
      const { bytes } = await getManifest(this.#session, repository, fallbackTag(subject));
      return entries(Buffer.from(bytes).toString('utf8')) ?? [];
    } catch (error) {
      if (error instanceof RegistryError && error.code === 'REGISTRY_NOT_FOUND') return [];
      throw error;
    }
  }

  /** Write the index with one entry more, until it is read back with that entry in it: others write it, too. */
  async #add(repository: string, subject: Digest, entry: Referrer): Promise<void> {
    for (let writes = 0; ; writes++) {
      const there = await this.#fallback(repository, subject);
      if (there.some(({ digest }) => digest === entry.digest)) return;
      if (writes === WRITES_LIMIT) break;
      await this.#write(repository, subject, [...there, { ...entry }]);
    }
    throw new RegistryError(
      'REGISTRY_FAILED',
      `${this.#session.registry} does not keep ${shortDigest(entry.digest)} among the referrers of ${shortDigest(subject)}`,
      {
        suggestions: [
          `Others write the tag ${fallbackTag(subject)} of ${repository} at the same time: run the command again later.`,
        ],
      },
    );
  }

  async #write(
    repository: string,
    subject: Digest,
    manifests: readonly Record<string, unknown>[],
  ): Promise<void> {
    const store = (kept: readonly Record<string, unknown>[]) =>
      storeManifest(this.#session, repository, {
        reference: fallbackTag(subject),
        mediaType: OCI_INDEX,
        bytes: Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: kept })),
      });
    try {
      await store(manifests);
    } catch (error) {
      if (!isMissingContent(error)) throw error;
      // Referrers that were deleted meanwhile make strict registries refuse the index.
      const heads = await Promise.all(
        manifests.map(({ digest }) => headManifest(this.#session, repository, String(digest))),
      );
      await store(manifests.filter((_, i) => heads[i] !== undefined));
    }
  }
}

/** A web page with status 200, or a body that is no index, shows as much as a 404. */
function isUnknownRequest({ code, status }: RegistryError): boolean {
  return code === 'REGISTRY_PROTOCOL' || UNKNOWN_REQUEST.includes(status ?? 0);
}

function isIndex(answer: HttpAnswer): boolean {
  return isIndexType(answer.header('content-type')?.split(';')[0]?.trim() ?? '');
}

/** The entries of an index as they stand there, what we do not know of them included. */
function entries(text: string): Record<string, unknown>[] | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (!isObject(json)) return undefined;
    const { manifests = [] } = json;
    return Array.isArray(manifests) ? manifests.slice(0, ENTRIES_LIMIT).filter(isObject) : undefined;
  } catch {
    return undefined;
  }
}

function referrer(json: Record<string, unknown>): Referrer {
  const plain = descriptor(json, 'manifests');
  return typeof json.artifactType === 'string' && json.artifactType !== ''
    ? { ...plain, artifactType: json.artifactType }
    : plain;
}

/** The subject of a manifest and the entry that describes it; undefined for one without a subject. */
function describe({ mediaType, bytes }: ManifestUpload): { subject: Digest; entry: Referrer } | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  if (!isObject(json) || !isObject(json.subject)) return undefined;
  const subject = descriptor(json.subject, 'subject').digest;
  const config = isObject(json.config) ? json.config.mediaType : undefined;
  const entry = referrer({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.length,
    artifactType: json.artifactType || config,
    annotations: json.annotations,
  });
  return { subject, entry };
}
