/** Several contents as one: what the first one has under a name hides what others have under it. */
import type { RegistryContent } from './content.ts';

/** Content out of all of these, asked in their order. What is known by its digest is found wherever it is. */
export function mergeContents(contents: readonly RegistryContent[]): RegistryContent {
  const [only] = contents;
  if (only && contents.length === 1) return only;
  const first = async <T>(
    ask: (content: RegistryContent) => Promise<T | undefined>,
  ): Promise<T | undefined> => {
    for (const content of contents) {
      const found = await ask(content);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const all = async <T>(
    ask: (content: RegistryContent) => Promise<T[] | undefined>,
  ): Promise<T[] | undefined> => {
    const answers = await Promise.all(contents.map(ask));
    const there = answers.filter(answer => answer !== undefined);
    return there.length === 0 ? undefined : there.flat();
  };
  return {
    description: contents.map(({ description }) => description).join(', '),
    repositories: async () => [...new Set(await all(content => content.repositories()))],
    tags: async repository => {
      const tags = await all(content => content.tags(repository));
      return tags && [...new Set(tags)];
    },
    manifest: (repository, reference) => first(content => content.manifest(repository, reference)),
    blob: (repository, digest) => first(content => content.blob(repository, digest)),
    referrers: async (repository, subject) => {
      const found = (await all(content => content.referrers(repository, subject))) ?? [];
      return [...new Map(found.map(referrer => [referrer.digest, referrer])).values()];
    },
  };
}
