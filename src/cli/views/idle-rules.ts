/** Retag rules that changed no name: most often a slip in the pattern. */
import type { RetagRule } from '../../content/retag.ts';
import type { Where } from '../../errors.ts';
import { plural } from '../../support/format.ts';
import { clean } from '../text.ts';

/**
 * A whole sentence for each rule of the command line that fired for no image, and for each file of which none did: a file
 * may well have rules for more images than came this time. `fired` are the rules that made a name, as they are written.
 */
export function idleRules(
  rules: readonly (RetagRule & { where?: Where })[],
  fired: Iterable<string | undefined>,
): string[] {
  const used = new Set(fired);
  const idle = rules.filter(({ where, text }) => where?.file === undefined && !used.has(text));
  const files = Map.groupBy(
    rules.filter(({ where }) => where?.file !== undefined),
    ({ where }) => where?.file,
  );
  const unused = [...files].filter(([, all]) => !all.some(({ text }) => used.has(text)));
  return [
    ...idle.map(
      ({ text }) =>
        `the rule ${clean(text)} changed no name: none matches it, or an earlier rule took those that do`,
    ),
    ...unused.map(
      ([file, all]) => `of ${plural(all.length, 'rule')} in ${clean(file ?? '')} none matches a name`,
    ),
  ];
}
