/** `registry list`: a line for each tag, or for each repository where nothing is known of the tags. */
import type { ListedTag, RegistryListing } from '../../actions/registry-list.ts';
import { formatBytes, plural } from '../../support/format.ts';
import { table } from '../table.ts';
import type { Look } from '../terminal.ts';
import { clean } from '../text.ts';

export function registryListView(listing: RegistryListing, look: Look): string[] {
  const { repositories, registry, size } = listing;
  if (repositories.length === 0) return [`${clean(registry)} has no repository`];
  const tags = repositories.reduce((sum, repository) => sum + repository.tags.length, 0);
  const weighed = size === undefined ? '' : `, ${formatBytes(size)} in all`;
  const total = `${plural(repositories.length, 'repository', 'repositories')}, ${plural(tags, 'tag')}${weighed}`;
  return [...(size === undefined ? bare(listing, look) : detailed(listing, look)), '', total];
}

function bare({ repositories }: RegistryListing, look: Look): string[] {
  return table(
    [
      { title: 'REPOSITORY', folds: true },
      { title: 'TAGS', folds: true },
    ],
    repositories.map(({ name, tags }) => [name, tags.map(({ tag }) => tag).join(' ') || '<none>']),
    look,
  );
}

function detailed({ repositories }: RegistryListing, look: Look): string[] {
  const rows = repositories.flatMap(({ name, tags }) =>
    tags.length === 0 ? [[name, '', '', '']] : tags.map(tag => [`${name}:${tag.tag}`, ...details(tag, look)]),
  );
  return table(
    [
      { title: 'NAME', folds: true },
      { title: 'DIGEST', folds: look.verbose },
      { title: 'PLATFORMS', folds: true },
      { title: 'SIZE', align: 'right' },
    ],
    rows,
    look,
  );
}

function details({ digest, platforms = [], size, problem }: ListedTag, { verbose }: Look): string[] {
  if (problem !== undefined) return ['', problem, ''];
  const shown = verbose ? digest : digest?.slice(0, 'sha256:'.length + 12);
  return [shown ?? '', platforms.join(' '), size === undefined ? '' : formatBytes(size)];
}
