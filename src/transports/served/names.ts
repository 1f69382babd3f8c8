/** What a repository is called in a registry that stands in for others. Pure. */
import { basename } from 'node:path';
import type { Reference } from '../../content/reference.ts';

/** What Docker's user calls an image of Docker's own: `nginx` for `library/nginx`. */
export function shortName({ registry, repository }: Reference): string | undefined {
  const official = registry === 'docker.io' && /^library\/[^/]+$/.test(repository);
  return official ? repository.slice('library/'.length) : undefined;
}

/** A repository for images without a name: what the file or folder is called that they come from. */
export function nameOfFile(description: string): string {
  const stem = basename(description.replace(/^[a-z-]+:/, '')).replace(/\.(?:tar|tgz|tar\.\w+)$/i, '');
  const name = stem
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return name === '' ? 'images' : name.slice(0, 100);
}
