/** The tags of a repository, page after page. OCI distribution-spec, "Listing Tags". */
import { protocolError } from './errors.ts';
import { publicUrl } from './location.ts';
import type { Session } from './session.ts';

const PAGE_LIMIT = 16 * 1024 * 1024;
const PAGES_LIMIT = 10_000;

/** All tags, in the order of the registry. `n` is not sent: some registries refuse it. Throws registry errors. */
export async function listTags(session: Session, repository: string): Promise<string[]> {
  const tags: string[] = [];
  let to: URL | undefined = session.url(repository, 'tags/list');
  for (let page = 0; to; page++) {
    const here: URL = to;
    if (page === PAGES_LIMIT)
      throw protocolError(session.registry, 'lists tags without end', publicUrl(here));
    const answer = await session.call({ method: 'GET', repository, to: here, accept: [200] });
    const found = parsePage((await answer.bytes(PAGE_LIMIT)).toString('utf8'));
    if (!found) throw protocolError(session.registry, 'answered with no list of tags', publicUrl(here));
    tags.push(...found);
    to = nextPage(answer.header('link'), here);
    if (to?.href === here.href)
      throw protocolError(session.registry, 'lists tags in circles', publicUrl(here));
  }
  return tags;
}

/** A repository that was emptied has `tags: null`. */
function parsePage(text: string): string[] | undefined {
  try {
    const { tags } = JSON.parse(text) as { tags?: unknown };
    if (tags === null || tags === undefined) return [];
    return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : undefined;
  } catch {
    return undefined;
  }
}

/** `Link: </v2/name/tags/list?last=b>; rel="next"`, RFC 8288; only within the registry. */
function nextPage(link: string | undefined, base: URL): URL | undefined {
  const target = /<([^<>]{1,4096})>\s*;[^,<]*\brel\s*=\s*"?next\b/i.exec(link ?? '')?.[1];
  if (target === undefined || !URL.canParse(target, base.href)) return undefined;
  const next = new URL(target, base);
  // Behind a proxy the registry may not know its own name and scheme; path and query are what counts.
  return new URL(`${base.origin}${next.pathname}${next.search}`);
}
