/** Repositories of several registries in one: how a registry is written in front of a path, and who asks for which. */
import { isRepositoryName } from '../../content/reference.ts';
import type { RegistryContent } from './content.ts';

/**
 * The name of a repository with its registry in front: `quay.io/plant/app`. A port follows an underscore, as a colon
 * cannot. Undefined where that is no name of a repository, as with IPv6 addresses.
 */
export function nameWithin(registry: string, repository: string): string | undefined {
  const name = `${registry.toLowerCase().replace(':', '_')}/${repository}`;
  return isRepositoryName(name) ? name : undefined;
}

/**
 * The repository that is meant. containerd says in `?ns=` in place of which registry it asks; who says so gets what is
 * under that registry's name, if there is such a repository.
 */
export async function meantRepository(
  content: RegistryContent,
  repository: string,
  query: URLSearchParams,
): Promise<string> {
  const registry = query.get('ns');
  const whole = registry ? nameWithin(registry, repository) : undefined;
  return whole !== undefined && (await content.tags(whole)) ? whole : repository;
}
