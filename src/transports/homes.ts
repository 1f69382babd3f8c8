/** Where content has to be at a target: registries keep blobs by repository, archives keep them all in common. Pure. */
import type { Reference } from '../content/reference.ts';
import type { ImageTarget } from './target.ts';

/** The home of content without a name, in targets that keep all blobs in common. */
export const NOWHERE: Reference = { registry: '', repository: '' };

/** The home of what an index without a name leads to: it is found through that, and by nothing else. */
export const WITHIN: Reference = { registry: '', repository: '' };

/** One home per repository, or just one where blobs are kept in common. */
export function inScope(homes: readonly Reference[], scope: ImageTarget['scope']): Reference[] {
  if (scope === 'whole') return homes.slice(0, 1);
  return [...new Map(homes.map(home => [repositoryOf(home), home])).values()];
}

export function repositoryOf({ registry, repository }: Reference): string {
  return `${registry}/${repository}`;
}

/** The repository alone: content there is known by its digest. */
export function untagged(home: Reference): Reference {
  return home.repository === '' ? home : { registry: home.registry, repository: home.repository };
}
