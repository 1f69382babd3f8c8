/** What there is: repositories, tags, and what refers to a manifest. OCI distribution-spec, "Content Discovery". */
import { isDigest } from '../../content/digest.ts';
import { OCI_INDEX } from '../../content/media-types.ts';
import type { RegistryContent } from './content.ts';
import type { Exchange, Headers } from './exchange.ts';
import { Refusal } from './refusal.ts';

/** Names in one answer; the rest is behind its Link. */
const PAGE = 10_000;

export interface Page {
  names: string[];
  /** The query of the next page, if there is one. */
  next?: string;
}

/**
 * The names that come after `last`, `n` of them at most, in the order that the distribution-spec asks for: by letters,
 * whatever their case. Throws PAGINATION_NUMBER_INVALID.
 */
export function pageOf(all: readonly string[], query: URLSearchParams): Page {
  const n = query.get('n');
  if (n !== null && !/^\d{1,9}$/.test(n))
    throw new Refusal('PAGINATION_NUMBER_INVALID', 'n is to be a number, from 0 up');
  const size = Math.min(n === null ? PAGE : Number(n), PAGE);
  const last = query.get('last');
  const sorted = all.toSorted(lexically);
  const rest = last === null ? sorted : sorted.filter(name => lexically(name, last) > 0);
  const names = rest.slice(0, size);
  const end = names.at(-1);
  if (end === undefined || names.length === rest.length) return { names };
  return { names, next: new URLSearchParams({ n: String(size), last: end }).toString() };
}

function lexically(a: string, b: string): number {
  const [left, right] = [a.toLowerCase(), b.toLowerCase()];
  if (left !== right) return left < right ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

export async function sendTags(content: RegistryContent, exchange: Exchange, name: string): Promise<void> {
  const tags = await content.tags(name);
  if (!tags) throw new Refusal('NAME_UNKNOWN', 'there is no such repository', { detail: { name } });
  const page = pageOf(tags, exchange.query);
  exchange.json(200, linkTo(exchange.path, page), { name, tags: page.names });
}

export async function sendCatalog(content: RegistryContent, exchange: Exchange): Promise<void> {
  const page = pageOf(await content.repositories(), exchange.query);
  exchange.json(200, linkTo(exchange.path, page), { repositories: page.names });
}

/** The referrers of a manifest, which need not be there itself. Throws DIGEST_INVALID. */
export async function sendReferrers(
  content: RegistryContent,
  exchange: Exchange,
  repository: string,
  subject: string,
): Promise<void> {
  if (!isDigest(subject)) throw new Refusal('DIGEST_INVALID', 'this is no digest of sha256 or sha512');
  const all = await content.referrers(repository, subject);
  const wanted = exchange.query.get('artifactType');
  const manifests = wanted ? all.filter(({ artifactType }) => artifactType === wanted) : all;
  const headers: Headers = {
    'content-type': OCI_INDEX,
    ...(wanted && { 'oci-filters-applied': 'artifactType' }),
  };
  exchange.json(200, headers, { schemaVersion: 2, mediaType: OCI_INDEX, manifests });
}

function linkTo(path: string, { next }: Page): Headers {
  return next === undefined ? {} : { link: `<${path}?${next}>; rel="next"` };
}
