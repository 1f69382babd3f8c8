/** Lists that a registry gives out page after page, each leading to the next by `Link`. OCI distribution-spec, "Listing Tags". */
import { protocolError } from './errors.ts';
import type { HttpAnswer } from './http.ts';
import { publicUrl } from './location.ts';
import type { Call, Session } from './session.ts';

const PAGE_LIMIT = 16 * 1024 * 1024;
const PAGES_LIMIT = 10_000;

export interface List<T> {
  /** The first page; `n` is not asked for, since some registries refuse it. */
  first: URL;
  /** What about the request is the same for every page. */
  call: Omit<Call, 'method' | 'to'>;
  /** What is listed, for messages: `tags`. */
  what: string;
  /** The items of a page, undefined for a text that is no page. */
  parse(text: string, answer: HttpAnswer): T[] | undefined;
}

/** The items of all pages, in the order of the registry. Throws registry errors; REGISTRY_PROTOCOL for circles. */
export async function* listed<T>(session: Session, list: List<T>): AsyncGenerator<T> {
  const { call, what, parse } = list;
  const { registry } = session;
  let to: URL | undefined = list.first;
  for (let page = 0; to; page++) {
    const here: URL = to;
    if (page === PAGES_LIMIT) throw protocolError(registry, `lists ${what} without end`, publicUrl(here));
    const answer = await session.call({ ...call, method: 'GET', to: here });
    const found = parse((await answer.bytes(PAGE_LIMIT)).toString('utf8'), answer);
    if (!found) throw protocolError(registry, `answered with no list of ${what}`, publicUrl(here));
    yield* found;
    to = nextPage(answer.header('link'), here);
    if (to?.href === here.href) throw protocolError(registry, `lists ${what} in circles`, publicUrl(here));
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
