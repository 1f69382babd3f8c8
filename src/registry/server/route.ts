/** Which of the protocol's endpoints a path is. OCI distribution-spec, "Endpoints". Pure. */
import { isRepositoryName } from '../../content/reference.ts';
import { Refusal } from './refusal.ts';

export type Route =
  | { kind: 'base' }
  | { kind: 'catalog' }
  | { kind: 'tags'; repository: string }
  | { kind: 'manifest'; repository: string; reference: string }
  | { kind: 'blob'; repository: string; digest: string }
  | { kind: 'referrers'; repository: string; digest: string }
  | { kind: 'uploads'; repository: string }
  | { kind: 'upload'; repository: string; id: string };

/** From the right, since a repository may be called almost anything, `a/manifests/b` included. */
const ENDPOINTS: [RegExp, (repository: string, last: string) => Route][] = [
  [/^(.+)\/tags\/list$/, repository => ({ kind: 'tags', repository })],
  [/^(.+)\/blobs\/uploads\/?$/, repository => ({ kind: 'uploads', repository })],
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, (repository, id) => ({ kind: 'upload', repository, id })],
  [/^(.+)\/blobs\/([^/]+)$/, (repository, digest) => ({ kind: 'blob', repository, digest })],
  [/^(.+)\/manifests\/([^/]+)$/, (repository, reference) => ({ kind: 'manifest', repository, reference })],
  [/^(.+)\/referrers\/([^/]+)$/, (repository, digest) => ({ kind: 'referrers', repository, digest })],
];

/** The endpoint of a request's path, which is still percent-encoded. Throws NAME_INVALID, UNSUPPORTED (404). */
export function routeOf(path: string): Route {
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  const rest = path.startsWith('/v2/') ? decoded(path.slice('/v2/'.length)) : undefined;
  if (rest === '_catalog') return { kind: 'catalog' };
  for (const [pattern, make] of rest === undefined ? [] : ENDPOINTS) {
    const [, repository, last = ''] = pattern.exec(rest ?? '') ?? [];
    if (repository === undefined) continue;
    if (!isRepositoryName(repository)) throw new Refusal('NAME_INVALID', 'this is no name of a repository');
    return make(repository, last);
  }
  throw new Refusal('UNSUPPORTED', 'there is no such endpoint', { status: 404 });
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
